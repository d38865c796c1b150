package postgres

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/medcommit/medcommit/participant"
	"github.com/medcommit/medcommit/participant/dbtest"
	"github.com/medcommit/medcommit/participant/rmtest"
	"github.com/medcommit/medcommit/txn"
)

const testTables = `
CREATE TABLE numbers (name text PRIMARY KEY, value bigint NOT NULL CHECK (value < 1000000));
CREATE TABLE parents (id int PRIMARY KEY);
CREATE TABLE children (parent int REFERENCES parents DEFERRABLE INITIALLY DEFERRED, strict int REFERENCES parents);
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE FUNCTION make_temporary() RETURNS int LANGUAGE plpgsql AS $$ BEGIN CREATE TEMPORARY TABLE gone (x int); RETURN 1; END $$;
CREATE FUNCTION refuse() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$;
CREATE PROCEDURE store(n text, v bigint) LANGUAGE sql AS $$ INSERT INTO numbers VALUES (n, v) $$;
`

func TestConformance(t *testing.T) {
	server := dbtest.NewPostgres(t, nil)
	schemas := 0
	rmtest.Run(t, func(t *testing.T) rmtest.Harness {
		schemas++
		return harness(t, server, newSchema(t, server, fmt.Sprintf("s%d", schemas)))
	})
}

// newSchema makes a schema with the suite's tables, much quicker than a database of its own, and gives the URL that leads there.
func newSchema(t *testing.T, server *dbtest.Postgres, name string) string {
	url := server.URL("postgres")
	execute(t, url, "CREATE SCHEMA "+name+"; SET search_path = "+name+";"+testTables)
	return url + "&search_path=" + name
}

const testLockTimeout = 300 * time.Millisecond

func harness(t *testing.T, server *dbtest.Postgres, url string) rmtest.Harness {
	return rmtest.Harness{
		LockTimeout: testLockTimeout,
		New: func(t *testing.T) participant.ResourceManager {
			return manager(t, Config{URL: url, LockTimeout: testLockTimeout})
		},
		NewPatient: func(t *testing.T) participant.ResourceManager {
			return manager(t, Config{URL: url, LockTimeout: time.Minute})
		},
		Write:    write,
		Add:      add,
		Check:    check,
		Read:     func(t *testing.T, name string) (int64, bool) { return read(t, url, name) },
		Refusals: refusals(url),
		ByHand: func(t *testing.T, x txn.XID, verdict txn.Verdict) {
			command := "ROLLBACK PREPARED '"
			if verdict == txn.VerdictCommit {
				command = "COMMIT PREPARED '"
			}
			execute(t, url, command+x.String()+"'")
		},
		Foreign: func(t *testing.T) (string, func()) {
			execute(t, url, "BEGIN; INSERT INTO parents VALUES (77); PREPARE TRANSACTION 'medcommit.not.ours'")
			return "medcommit.not.ours", func() { execute(t, url, "ROLLBACK PREPARED 'medcommit.not.ours'") }
		},
		Kill: func(t *testing.T) {
			if err := server.Kill(); err != nil {
				t.Fatal(err)
			}
		},
		Restart: func(t *testing.T) {
			if err := server.Start(context.WithoutCancel(t.Context())); err != nil {
				t.Fatal(err)
			}
		},
		NewThrough: func(t *testing.T, proxy *dbtest.Proxy) participant.ResourceManager {
			proxy.Bar("\x04\xd2\x16\x2e") // CancelRequest, which pgx sends after a connection that it gives up
			return manager(t, Config{URL: through(t, url, proxy), LockTimeout: time.Minute})
		},
		Address:     server.Address(),
		PrepareText: "PREPARE TRANSACTION",
	}
}

func manager(t *testing.T, config Config) *Manager {
	t.Helper()
	m, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// through is a database's URL by way of a proxy.
func through(t *testing.T, database string, proxy *dbtest.Proxy) string {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	u.Host = proxy.Address()
	return u.String()
}

var one = int64(1)

// call is a call of an operation of one statement, which wants one row.
func call(sql string, arguments map[string]any) participant.Call {
	return calls(participant.Statement{SQL: sql, Rows: &one}, arguments)
}

func calls(s participant.Statement, arguments map[string]any) participant.Call {
	return participant.Call{
		Operation: &participant.Operation{Name: "test", Statements: []participant.Statement{s}},
		Arguments: arguments,
	}
}

func anyRows(sql string) participant.Call { return calls(participant.Statement{SQL: sql}, nil) }

func write(name string, value int64) participant.Call {
	return call("INSERT INTO numbers VALUES (:name, :value) ON CONFLICT (name) DO UPDATE SET value = :value;",
		map[string]any{"name": name, "value": value})
}

func add(name string, by int64) participant.Call {
	return call("UPDATE numbers SET value = value + :by WHERE name = :name AND value + :by >= 0 -- not below zero",
		map[string]any{"name": name, "by": by})
}

func check(name string, value int64) participant.Call {
	c := call("SELECT value FROM numbers WHERE name = :name AND value = :value", map[string]any{"name": name, "value": value})
	c.Operation.ReadOnly = true
	return c
}

func read(t *testing.T, database, name string) (value int64, exists bool) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	conn, err := pgx.Connect(ctx, database)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	err = conn.QueryRow(ctx, "SELECT value FROM numbers WHERE name = $1", name).Scan(&value)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, false
	}
	if err != nil {
		t.Fatal(err)
	}
	return value, true
}

func execute(t testing.TB, database, sql string) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	conn, err := pgx.Connect(ctx, database)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	if _, err := conn.PgConn().Exec(ctx, sql).ReadAll(); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}
