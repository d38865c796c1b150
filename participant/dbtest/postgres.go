package dbtest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// startTimeout bounds the start and the stop of a server where the caller has no deadline.
const startTimeout = 60 * time.Second

// Postgres is a private PostgreSQL server. Its superuser is medcommit, without a password; a role named secure, where a test makes
// one, is asked for its password. Its methods may not be called concurrently.
type Postgres struct {
	dir, bin string
	port     int
	settings map[string]string
	as       *syscall.Credential
	process  *process
	made     int // databases so far
}

// StartPostgres starts a server with its data in dir, an empty or missing folder, and waits until it answers. settings override
// postgresql.conf; unless they say otherwise there are 64 prepared slots, 100 connections, and fsync is on.
func StartPostgres(ctx context.Context, dir string, settings map[string]string) (*Postgres, error) {
	bin, err := postgresBinaries()
	if err != nil {
		return nil, err
	}
	as, err := unprivileged("postgres")
	if err != nil {
		return nil, err
	}
	p := &Postgres{dir: dir, bin: bin, as: as, settings: map[string]string{
		"max_prepared_transactions": "64", "max_connections": "100", "shared_buffers": "32MB",
		"listen_addresses": "127.0.0.1", "unix_socket_directories": "",
		"dynamic_shared_memory_type": "mmap", // in the data folder: what a kill leaves behind goes with it
	}}
	maps.Copy(p.settings, settings)
	if err := p.layOut(ctx); err != nil {
		return nil, err
	}
	if p.port, err = freePort(); err != nil {
		return nil, err
	}
	if err := p.Start(ctx); err != nil {
		return nil, err
	}
	return p, nil
}

// NewPostgres starts a server for a test and stops it when the test ends.
func NewPostgres(t testing.TB, settings map[string]string) *Postgres {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	p, err := StartPostgres(ctx, t.TempDir(), settings)
	if err != nil {
		t.Fatalf("start PostgreSQL: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), startTimeout)
		defer cancel()
		// At once, but not by SIGKILL, after which a segment of shared memory would stay.
		if err := p.process.stop(ctx, syscall.SIGQUIT); err != nil {
			t.Errorf("stop PostgreSQL: %v", err)
		}
	})
	return p
}

// NewDatabase makes a fresh database for a test and gives its URL.
func (p *Postgres) NewDatabase(t testing.TB) string {
	t.Helper()
	url, err := p.CreateDatabase(t.Context())
	if err != nil {
		t.Fatalf("create database: %v", err)
	}
	return url
}

// CreateDatabase makes a fresh database and gives its URL.
func (p *Postgres) CreateDatabase(ctx context.Context) (string, error) {
	conn, err := pgx.Connect(ctx, p.URL("postgres"))
	if err != nil {
		return "", fmt.Errorf("create database: %w", err)
	}
	defer conn.Close(ctx)
	p.made++
	name := fmt.Sprintf("db%d", p.made)
	if _, err := conn.Exec(ctx, "CREATE DATABASE "+name); err != nil {
		return "", fmt.Errorf("create database: %w", err)
	}
	return p.URL(name), nil
}

// URL is the connection string for a database; "postgres" is always there.
func (p *Postgres) URL(database string) string {
	return fmt.Sprintf("postgres://medcommit@%s/%s?sslmode=disable", p.Address(), database)
}

// Address is where the server listens, host and port; it stays the same over restarts.
func (p *Postgres) Address() string { return fmt.Sprintf("127.0.0.1:%d", p.port) }

// PID is the server's process while it runs, for faults such as SIGSTOP.
func (p *Postgres) PID() int { return p.process.pid() }

// Set changes a setting from the next start on.
func (p *Postgres) Set(name, value string) { p.settings[name] = value }

// Start starts a stopped or killed server again, on the same port and data, and waits until it answers.
func (p *Postgres) Start(ctx context.Context) error {
	args := []string{"-D", p.data(), "-p", fmt.Sprint(p.port)}
	for _, name := range slices.Sorted(maps.Keys(p.settings)) {
		args = append(args, "-c", name+"="+p.settings[name])
	}
	server, err := start(filepath.Join(p.dir, "server.log"), p.as, filepath.Join(p.bin, "postgres"), args...)
	if err != nil {
		return err
	}
	p.process = server
	if err := server.await(ctx, p.answers); err != nil {
		return errors.Join(err, server.kill())
	}
	return nil
}

// Stop ends the server in order (fast shutdown).
func (p *Postgres) Stop(ctx context.Context) error { return p.process.stop(ctx, syscall.SIGINT) }

// Kill ends the server and all its backends at once with SIGKILL.
func (p *Postgres) Kill() error { return p.process.kill() }

// Restart kills the server and starts it again: it recovers from its log.
func (p *Postgres) Restart(ctx context.Context) error {
	if err := p.Kill(); err != nil {
		return err
	}
	return p.Start(ctx)
}

func (p *Postgres) data() string { return filepath.Join(p.dir, "data") }

// answers tells whether the server takes connections.
func (p *Postgres) answers(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, p.URL("postgres"))
	if err != nil {
		return err
	}
	return conn.Close(ctx)
}

// layOut fills the data folder from the template.
func (p *Postgres) layOut(ctx context.Context) error {
	if err := os.MkdirAll(p.dir, 0o755); err != nil {
		return fmt.Errorf("make server folder: %w", err)
	}
	version, err := exec.CommandContext(ctx, filepath.Join(p.bin, "postgres"), "--version").Output()
	if err != nil {
		return fmt.Errorf("ask PostgreSQL for its version: %w", err)
	}
	from, err := template(fileName("postgres-2-"+string(version)), p.as, func(dir string) error { return p.initialise(ctx, dir) })
	if err != nil {
		return err
	}
	if err := os.CopyFS(p.data(), os.DirFS(from)); err != nil {
		return fmt.Errorf("copy data folder: %w", err)
	}
	if err := os.Chmod(p.data(), 0o700); err != nil {
		return fmt.Errorf("close data folder: %w", err)
	}
	if p.as != nil {
		if err := letPass(p.dir); err != nil {
			return err
		}
	}
	return give(p.dir, p.as)
}

// initialise makes a data folder.
func (p *Postgres) initialise(ctx context.Context, dir string) error {
	err := run(ctx, p.as, dir, filepath.Join(p.bin, "initdb"), "-D", dir, "-U", "medcommit", "--auth=trust", "--no-sync",
		"--encoding=UTF8", "--locale=C")
	if err != nil {
		return err
	}
	hba := "host all secure 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\n"
	return os.WriteFile(filepath.Join(dir, "pg_hba.conf"), []byte(hba), 0o600)
}

// postgresBinaries finds the folder of the newest installed server.
func postgresBinaries() (string, error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres") // the pattern is well formed
	slices.SortFunc(found, func(a, b string) int { return len(a) - len(b) + strings.Compare(a, b) })
	if len(found) > 0 {
		return filepath.Dir(found[len(found)-1]), nil
	}
	if path, err := exec.LookPath("postgres"); err == nil {
		return filepath.Dir(path), nil
	}
	return "", fmt.Errorf("find PostgreSQL: %w", ErrNotInstalled)
}

// fileName makes a name without blanks or slashes of a text.
func fileName(text string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-", r) {
			return r
		}
		return '_'
	}, strings.TrimSpace(text))
}
