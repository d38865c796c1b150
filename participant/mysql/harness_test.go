package mysql

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/medcommit/medcommit/participant"
	"github.com/medcommit/medcommit/participant/dbtest"
	"github.com/medcommit/medcommit/participant/rmtest"
	"github.com/medcommit/medcommit/txn"
)

// lab is one fresh database on a server, and the auditor's own connections to it.
type lab struct {
	url    string
	db     *sql.DB
	server *dbtest.MariaDB // nil: a server that is not ours
}

const labTables = `
CREATE TABLE numbers (name VARCHAR(64) PRIMARY KEY, value BIGINT NOT NULL) ENGINE=InnoDB;
CREATE TABLE patients (id VARCHAR(64) PRIMARY KEY) ENGINE=InnoDB;
CREATE TABLE orders (
  id VARCHAR(8) PRIMARY KEY, patient VARCHAR(64) NOT NULL, quantity TINYINT UNSIGNED NOT NULL,
  CONSTRAINT positive CHECK (quantity > 0), FOREIGN KEY (patient) REFERENCES patients (id)
) ENGINE=InnoDB;
CREATE TABLE ballast (n INT AUTO_INCREMENT PRIMARY KEY, text VARCHAR(100)) ENGINE=InnoDB;
INSERT INTO patients VALUES ('p-1'), ('p-2');
INSERT INTO orders VALUES ('o-1', 'p-1', 1), ('o-2', 'p-1', 1);
`

// newLab makes a database on a private server.
func newLab(t testing.TB, server *dbtest.MariaDB) *lab {
	t.Helper()
	return fill(t, &lab{url: server.NewDatabase(t), server: server})
}

// externalLab makes a database on the server that MEDCOMMIT_TEST_MYSQL names.
func externalLab(t *testing.T) *lab {
	t.Helper()
	u, err := url.Parse(os.Getenv("MEDCOMMIT_TEST_MYSQL"))
	if err != nil {
		t.Fatalf("read MEDCOMMIT_TEST_MYSQL: it is no URL")
	}
	first := &lab{url: u.String()}
	first.connect(t)
	name := fmt.Sprintf("medcommit_test_%d", time.Now().UnixNano())
	first.exec(t, "CREATE DATABASE "+name)
	t.Cleanup(func() { first.exec(t, "DROP DATABASE "+name) })
	u.Path = "/" + name
	return fill(t, &lab{url: u.String()})
}

func fill(t testing.TB, l *lab) *lab {
	t.Helper()
	l.connect(t)
	l.exec(t, labTables)
	return l
}

func (l *lab) connect(t testing.TB) {
	t.Helper()
	cfg, err := parseURL(l.url)
	if err != nil {
		t.Fatal(err)
	}
	cfg.MultiStatements = true
	cfg.Logger = &mysql.NopLogger{}
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		t.Fatal(err)
	}
	l.db = sql.OpenDB(connector)
	t.Cleanup(func() { l.db.Close() })
}

func (l *lab) exec(t testing.TB, statement string, args ...any) {
	t.Helper()
	if _, err := l.db.ExecContext(context.WithoutCancel(t.Context()), statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// manager makes one that is not opened.
func (l *lab) manager(t *testing.T, change func(*Config)) *Manager {
	t.Helper()
	cfg := Config{URL: l.url, LockTimeout: time.Second}
	if change != nil {
		change(&cfg)
	}
	m, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// opened makes one that is open as incarnation n of "site-a", and closed with the test.
func (l *lab) opened(t *testing.T, incarnation int32, change func(*Config)) *Manager {
	t.Helper()
	m := l.manager(t, change)
	t.Cleanup(func() { m.Close() })
	if err := m.Open(t.Context(), "lab", "site-a", incarnation); err != nil {
		t.Fatalf("open: %v", err)
	}
	return m
}

// harness is a lab as the conformance suite wants it.
func (l *lab) harness() rmtest.Harness {
	patient := func(c *Config) { c.LockTimeout = time.Minute }
	h := rmtest.Harness{
		New:         func(t *testing.T) participant.ResourceManager { return l.manager(t, nil) },
		NewPatient:  func(t *testing.T) participant.ResourceManager { return l.manager(t, patient) },
		LockTimeout: time.Second,
		Write: func(name string, value int64) participant.Call {
			return call(false, "INSERT INTO numbers VALUES (:name, :value) ON DUPLICATE KEY UPDATE value = :value", nil,
				"name", name, "value", value)
		},
		Add: func(name string, by int64) participant.Call {
			return call(false, "UPDATE numbers SET value = value + :by WHERE name = :name AND value + :by >= 0", one(),
				"name", name, "by", by)
		},
		Check: func(name string, value int64) participant.Call {
			return call(true, "SELECT 1 FROM numbers WHERE name = :name AND value = :value", one(), "name", name, "value", value)
		},
		Read:        l.read,
		Refusals:    l.refusals(),
		ByHand:      l.byHand,
		Foreign:     l.foreign,
		PrepareText: "XA PREPARE",
	}
	if u, err := url.Parse(l.url); err == nil {
		h.Address = u.Host
		h.NewThrough = func(t *testing.T, proxy *dbtest.Proxy) participant.ResourceManager {
			through := *u
			through.Host = proxy.Address()
			return l.manager(t, func(c *Config) { c.URL, c.LockTimeout = through.String(), time.Minute })
		}
	}
	if l.server != nil {
		h.Kill = func(t *testing.T) {
			if err := l.server.Kill(); err != nil {
				t.Fatal(err)
			}
		}
		h.Restart = func(t *testing.T) {
			if err := l.server.Start(context.WithoutCancel(t.Context())); err != nil {
				t.Fatal(err)
			}
		}
	}
	return h
}

func one() *int64 { n := int64(1); return &n }

// call is an operation of one statement, with its arguments as names and values in turn.
func call(readOnly bool, statement string, rows *int64, arguments ...any) participant.Call {
	c := participant.Call{
		Operation: &participant.Operation{
			Name: "op", ReadOnly: readOnly, Statements: []participant.Statement{{SQL: statement, Rows: rows}},
		},
		Arguments: map[string]any{"tx": "tx-1", "participant": "site-a"},
	}
	for i := 0; i < len(arguments); i += 2 {
		c.Arguments[arguments[i].(string)] = arguments[i+1]
	}
	return c
}

func (l *lab) read(t *testing.T, name string) (value int64, exists bool) {
	t.Helper()
	err := l.db.QueryRowContext(context.WithoutCancel(t.Context()), "SELECT value FROM numbers WHERE name = ?", name).Scan(&value)
	if err != nil && err != sql.ErrNoRows {
		t.Fatal(err)
	}
	return value, err == nil
}

// byHand ends every other connection to the database, as an operator must before XA COMMIT finds a branch, and finishes it.
func (l *lab) byHand(t *testing.T, xid txn.XID, verdict txn.Verdict) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	conn, err := l.db.Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	eventually(t, "the end of all connections", func() bool {
		rows, err := conn.QueryContext(ctx, "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()")
		if err != nil {
			t.Fatal(err)
		}
		var ids []int64
		for rows.Next() {
			var id int64
			if err := rows.Scan(&id); err != nil {
				t.Fatal(err)
			}
			ids = append(ids, id)
		}
		for _, id := range ids {
			_, _ = conn.ExecContext(ctx, fmt.Sprintf("KILL %d", id)) // it may be gone by now
		}
		return len(ids) == 0
	})
	if _, err := conn.ExecContext(ctx, disconnecting); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.ExecContext(ctx, xaFinish(xid, verdict)); err != nil {
		t.Fatalf("by hand: %v", err)
	}
}

func (l *lab) foreign(t *testing.T) (string, func()) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	conn, err := l.db.Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	run := func(statement string) {
		if _, err := conn.ExecContext(ctx, statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	run("XA START 'other''s','\xff',7; INSERT INTO ballast (text) VALUES ('x'); XA END 'other''s','\xff',7; XA PREPARE 'other''s','\xff',7")
	return "X'6f746865722773',X'ff',7", func() {
		run("XA ROLLBACK 'other''s','\xff',7")
		conn.Close()
	}
}

// eventually waits for a condition with a deadline.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(30 * time.Second); !holds(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("waited too long for %s", what)
		}
	}
}
