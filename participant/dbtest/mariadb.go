package dbtest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/go-sql-driver/mysql"
)

// mariadbInit makes the superuser that tests log in as.
const mariadbInit = "CREATE USER IF NOT EXISTS medcommit@'%' IDENTIFIED BY '';\n" +
	"GRANT ALL PRIVILEGES ON *.* TO medcommit@'%' WITH GRANT OPTION;\n"

// MariaDB is a private MariaDB server. Its superuser is medcommit, without a password. Its methods may not be called concurrently.
type MariaDB struct {
	dir, bin string
	port     int
	settings map[string]string
	as       *syscall.Credential
	process  *process
	made     int // databases so far
}

// StartMariaDB starts a server with its data in dir, an empty or missing folder, and waits until it answers. settings override its
// options, by their names with hyphens; unless they say otherwise there are 151 connections, and fsync is on.
func StartMariaDB(ctx context.Context, dir string, settings map[string]string) (*MariaDB, error) {
	bin, err := mariadbBinary("mariadbd")
	if err != nil {
		return nil, err
	}
	as, err := unprivileged("mysql")
	if err != nil {
		return nil, err
	}
	m := &MariaDB{dir: dir, bin: bin, as: as, settings: map[string]string{
		"bind-address": "127.0.0.1", "skip-name-resolve": "ON", "innodb-buffer-pool-size": "32M",
		"innodb-log-file-size": "16M", "performance-schema": "OFF", "max-connections": "151",
	}}
	maps.Copy(m.settings, settings)
	if err := m.layOut(ctx); err != nil {
		return nil, err
	}
	if m.port, err = freePort(); err != nil {
		return nil, err
	}
	if err := m.Start(ctx); err != nil {
		return nil, err
	}
	return m, nil
}

// NewMariaDB starts a server for a test and stops it when the test ends.
func NewMariaDB(t testing.TB, settings map[string]string) *MariaDB {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	m, err := StartMariaDB(ctx, t.TempDir(), settings)
	if err != nil {
		t.Fatalf("start MariaDB: %v", err)
	}
	t.Cleanup(func() {
		if err := m.Kill(); err != nil {
			t.Errorf("stop MariaDB: %v", err)
		}
	})
	return m
}

// NewDatabase makes a fresh database for a test and gives its URL.
func (m *MariaDB) NewDatabase(t testing.TB) string {
	t.Helper()
	url, err := m.CreateDatabase(t.Context())
	if err != nil {
		t.Fatalf("create database: %v", err)
	}
	return url
}

// CreateDatabase makes a fresh database and gives its URL.
func (m *MariaDB) CreateDatabase(ctx context.Context) (string, error) {
	db, err := m.Connect("")
	if err != nil {
		return "", err
	}
	defer db.Close()
	m.made++
	name := fmt.Sprintf("db%d", m.made)
	if _, err := db.ExecContext(ctx, "CREATE DATABASE "+name); err != nil {
		return "", fmt.Errorf("create database: %w", err)
	}
	return m.URL(name), nil
}

// URL is the connection string for a database, as a participant takes it; "mysql" is always there.
func (m *MariaDB) URL(database string) string {
	return fmt.Sprintf("mysql://medcommit@%s/%s", m.Address(), database)
}

// Connect gives a pool of plain connections to a database, or to none, to look at it as an auditor does. The caller closes it.
func (m *MariaDB) Connect(database string) (*sql.DB, error) {
	cfg := mysql.NewConfig()
	cfg.User, cfg.Net, cfg.Addr, cfg.DBName = "medcommit", "tcp", m.Address(), database
	cfg.MultiStatements, cfg.ParseTime = true, true
	cfg.Logger = &mysql.NopLogger{}
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, fmt.Errorf("connect to MariaDB: %w", err)
	}
	return sql.OpenDB(connector), nil
}

// Address is where the server listens, host and port; it stays the same over restarts.
func (m *MariaDB) Address() string { return fmt.Sprintf("127.0.0.1:%d", m.port) }

// Socket is the path of the server's Unix socket.
func (m *MariaDB) Socket() string { return filepath.Join(m.data(), "s.sock") }

// PID is the server's process while it runs, for faults such as SIGSTOP.
func (m *MariaDB) PID() int { return m.process.pid() }

// Set changes a setting from the next start on.
func (m *MariaDB) Set(name, value string) { m.settings[name] = value }

// Start starts a stopped or killed server again, on the same port and data, and waits until it answers.
func (m *MariaDB) Start(ctx context.Context) error {
	args := []string{
		"--no-defaults", "--datadir=" + m.data(), fmt.Sprintf("--port=%d", m.port),
		"--socket=s.sock", "--pid-file=server.pid", "--init-file=" + m.initFile(), // the socket's path is short only below the data folder
	}
	for _, name := range slices.Sorted(maps.Keys(m.settings)) {
		args = append(args, "--"+name+"="+m.settings[name])
	}
	server, err := start(filepath.Join(m.dir, "server.log"), m.as, m.bin, args...)
	if err != nil {
		return err
	}
	m.process = server
	if err := server.await(ctx, m.answers); err != nil {
		return errors.Join(err, server.kill())
	}
	return nil
}

// Stop ends the server in order.
func (m *MariaDB) Stop(ctx context.Context) error { return m.process.stop(ctx, syscall.SIGTERM) }

// Kill ends the server at once with SIGKILL.
func (m *MariaDB) Kill() error { return m.process.kill() }

// Restart kills the server and starts it again: it recovers from its log.
func (m *MariaDB) Restart(ctx context.Context) error {
	if err := m.Kill(); err != nil {
		return err
	}
	return m.Start(ctx)
}

func (m *MariaDB) data() string     { return filepath.Join(m.dir, "data") }
func (m *MariaDB) initFile() string { return filepath.Join(m.dir, "init.sql") }

// answers tells whether the server takes connections of the tests' user.
func (m *MariaDB) answers(ctx context.Context) error {
	db, err := m.Connect("")
	if err != nil {
		return err
	}
	defer db.Close()
	return db.PingContext(ctx)
}

// layOut fills the data folder from the template.
func (m *MariaDB) layOut(ctx context.Context) error {
	if err := os.MkdirAll(m.dir, 0o755); err != nil {
		return fmt.Errorf("make server folder: %w", err)
	}
	version, err := exec.CommandContext(ctx, m.bin, "--no-defaults", "--version").Output()
	if err != nil {
		return fmt.Errorf("ask MariaDB for its version: %w", err)
	}
	from, err := template(fileName("mariadb-1-"+filepath.Base(string(version))), m.as, func(dir string) error { return m.initialise(ctx, dir) })
	if err != nil {
		return err
	}
	if err := os.CopyFS(m.data(), os.DirFS(from)); err != nil {
		return fmt.Errorf("copy data folder: %w", err)
	}
	if err := os.WriteFile(m.initFile(), []byte(mariadbInit), 0o644); err != nil {
		return fmt.Errorf("write init file: %w", err)
	}
	if m.as != nil {
		if err := letPass(m.dir); err != nil {
			return err
		}
	}
	return give(m.dir, m.as)
}

// initialise makes a data folder.
func (m *MariaDB) initialise(ctx context.Context, dir string) error {
	install, err := mariadbBinary("mariadb-install-db")
	if err != nil {
		return err
	}
	return run(ctx, m.as, dir, install, "--no-defaults", "--datadir="+dir, "--auth-root-authentication-method=normal",
		"--skip-test-db", "--skip-name-resolve", "--innodb-log-file-size=16M")
}

// mariadbBinary finds an installed program of MariaDB; servers are often outside of an ordinary user's PATH.
func mariadbBinary(name string) (string, error) {
	for _, path := range []string{name, "/usr/sbin/" + name, "/usr/bin/" + name} {
		if found, err := exec.LookPath(path); err == nil {
			return found, nil
		}
	}
	return "", fmt.Errorf("find %s: %w", name, ErrNotInstalled)
}
