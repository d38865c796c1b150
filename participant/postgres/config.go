package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgxpool"
)

// What is wrong with a configuration or a database.
var (
	// ErrURL says that the resource's URL is no URL of a PostgreSQL database. It does not show the URL, which may hold a password.
	ErrURL = errors.New("the URL is not that of a PostgreSQL database")
	// ErrVersion says that the server is older than PostgreSQL 13.
	ErrVersion = errors.New("the server is older than PostgreSQL 13")
	// ErrRights says that the role may not do what the resource manager must.
	ErrRights = errors.New("the database role lacks a right")
)

// Bounds that nobody has to set.
const (
	connectTimeout = 5 * time.Second
	finishTimeout  = 30 * time.Second // for each call but Prepare: a synchronous standby that is away blocks for ever
	cancelTimeout  = 2 * time.Second  // for the server to obey a cancelled call, before its connection is given up
)

// Config is what a resource manager is made with.
type Config struct {
	// URL names the database: "postgres://user:password@host:port/database".
	URL string
	// PasswordFile, where set, holds the password; it is read for every new connection, so that it may change.
	PasswordFile string
	// LockTimeout bounds each wait for a lock. Default 3 s.
	LockTimeout time.Duration
	// PrepareConnections is how many branches execute at once. Default 16.
	PrepareConnections int
	// FinishConnections is how many connections serve the second phase, which has its own (R14). Default 8.
	FinishConnections int
	// Log takes what an operator should know. Default: none.
	Log hclog.Logger
}

// Validate sets the defaults and tells what is wrong with c.
func (c *Config) Validate() error {
	if c.LockTimeout == 0 {
		c.LockTimeout = 3 * time.Second
	}
	if c.PrepareConnections == 0 {
		c.PrepareConnections = 16
	}
	if c.FinishConnections == 0 {
		c.FinishConnections = 8
	}
	if c.Log == nil {
		c.Log = hclog.NewNullLogger()
	}
	if c.LockTimeout < time.Millisecond || c.PrepareConnections < 1 || c.FinishConnections < 1 {
		return errors.New("check PostgreSQL settings: the lock time-out and the numbers of connections must be positive")
	}
	if !strings.HasPrefix(c.URL, "postgres://") && !strings.HasPrefix(c.URL, "postgresql://") {
		return ErrURL
	}
	if _, err := pgxpool.ParseConfig(c.URL); err != nil {
		return ErrURL
	}
	if _, err := c.password(); err != nil {
		return err
	}
	return nil
}

// password reads the password file; it gives "" where there is none, and then that of the URL counts.
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

// pool makes the settings of a pool whose connections name themselves by name. They wait for locks only as long as is set, and
// a cancelled call asks the server to stop, for its answer to be known: only where that does not help is the connection cut.
func (c *Config) pool(connections int, name func() string) (*pgxpool.Config, error) {
	p, err := pgxpool.ParseConfig(c.URL)
	if err != nil {
		return nil, ErrURL
	}
	p.MaxConns = int32(connections)
	p.MinConns = 0
	if p.ConnConfig.ConnectTimeout == 0 {
		p.ConnConfig.ConnectTimeout = connectTimeout
	}
	p.ConnConfig.RuntimeParams["lock_timeout"] = fmt.Sprint(c.LockTimeout.Milliseconds())
	p.ConnConfig.BuildContextWatcherHandler = func(conn *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: conn, DeadlineDelay: cancelTimeout}
	}
	// A look at the socket costs no round trip, and finds what a restart of the server left behind.
	p.ShouldPing = func(context.Context, pgxpool.ShouldPingParams) bool { return false }
	p.PrepareConn = func(_ context.Context, conn *pgx.Conn) (bool, error) { return quiet(conn.PgConn().Conn()), nil }
	p.BeforeConnect = func(_ context.Context, conn *pgx.ConnConfig) error {
		conn.RuntimeParams[applicationName] = name()
		password, err := c.password()
		if password != "" {
			conn.Password = password
		}
		return err
	}
	return p, nil
}
