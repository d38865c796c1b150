package main

import (
	"errors"
	"path/filepath"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/spf13/cobra"

	"github.com/medcommit/medcommit/participant"
	"github.com/medcommit/medcommit/participant/embedded"
	"github.com/medcommit/medcommit/participant/mysql"
	"github.com/medcommit/medcommit/participant/postgres"
)

// resourceFlags say which database a participant works on.
type resourceFlags struct {
	resource     string
	passwordFile string
	data         string
	lockTimeout  time.Duration
}

func (f *resourceFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.resource, "resource", "embedded:", "the site's database, a `URL`: embedded:DIR, postgres://USER@HOST/DB or mysql://USER@HOST/DB")
	flags.StringVar(&f.passwordFile, "resource-password-file", "", "the database's password is in this `file`")
	flags.StringVar(&f.data, "data", "medcommit-data", "keep the embedded store in this `folder`")
	flags.DurationVar(&f.lockTimeout, "lock-timeout", 3*time.Second, "how long work waits for a lock before it is a vote to abort")
}

// open makes the resource manager; it connects to nothing yet.
func (f *resourceFlags) open(log hclog.Logger) (participant.ResourceManager, error) {
	if f.lockTimeout < time.Millisecond {
		return nil, errors.New("--lock-timeout: at least 1ms")
	}
	scheme, rest, _ := strings.Cut(f.resource, ":")
	switch scheme {
	case "embedded":
		dir := rest
		if dir == "" {
			dir = filepath.Join(f.data, "embedded")
		}
		return embedded.New(embedded.Config{Dir: dir, LockTimeout: f.lockTimeout, Logger: log.Named("embedded")})
	case "postgres", "postgresql":
		return postgres.New(postgres.Config{
			URL: f.resource, PasswordFile: f.passwordFile, LockTimeout: f.lockTimeout, Log: log.Named("postgres"),
		})
	case "mysql":
		return mysql.New(mysql.Config{URL: f.resource, PasswordFile: f.passwordFile, LockTimeout: f.lockTimeout, Log: log.Named("mysql")})
	}
	return nil, errors.New("--resource: it must be embedded:DIR, postgres://USER@HOST/DB or mysql://USER@HOST/DB")
}
