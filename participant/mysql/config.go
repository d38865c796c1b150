package mysql

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
)

// Config is what a Manager is made with.
type Config struct {
	// URL is "mysql://user:password@host:port/database"; see parseURL for its options.
	URL string
	// PasswordFile, where set, holds the password instead of the URL; it is read for every new connection, so that it may change.
	PasswordFile string
	// LockTimeout bounds each wait for a row or a table; the server counts whole seconds, from 1. Default 3s.
	LockTimeout time.Duration
	// Branches is how many branches may be unfinished at once: on MariaDB each keeps a connection. Default: half of the server's
	// max_connections, at most 512.
	Branches int
	// Finishers is how many connections commit, roll back and look on behalf of branches without one. Default 8.
	Finishers int
	// CallTimeout bounds each call but Prepare, and what Prepare waits for beside locks. Default 30s.
	CallTimeout time.Duration
	// Log defaults to none.
	Log hclog.Logger
}

// Validate fills the defaults and returns an error that names what is wrong.
func (c *Config) Validate() error {
	if c.LockTimeout == 0 {
		c.LockTimeout = 3 * time.Second
	}
	if c.Finishers == 0 {
		c.Finishers = 8
	}
	if c.CallTimeout == 0 {
		c.CallTimeout = 30 * time.Second
	}
	if c.Log == nil {
		c.Log = hclog.NewNullLogger()
	}
	var errs []error
	if c.LockTimeout < 0 || c.CallTimeout < 0 {
		errs = append(errs, errors.New("a time-out is negative"))
	}
	if c.Finishers < 0 || c.Branches < 0 {
		errs = append(errs, errors.New("a number of connections is negative"))
	}
	if _, err := parseURL(c.URL); err != nil {
		errs = append(errs, err)
	}
	if _, err := c.password(); err != nil {
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("check MySQL settings: %w", err)
	}
	return nil
}

// password reads the password file; it gives "" where there is none.
func (c *Config) password() (string, error) {
	if c.PasswordFile == "" {
		return "", nil
	}
	text, err := os.ReadFile(c.PasswordFile)
	if err != nil {
		return "", fmt.Errorf("read password file: %w", err)
	}
	return strings.TrimRight(string(text), "\r\n"), nil
}

// lockSeconds is LockTimeout as the server counts it.
func (c *Config) lockSeconds() int {
	return max(1, int((c.LockTimeout+time.Second-1)/time.Second))
}
