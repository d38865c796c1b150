package postgres

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/medcommit/medcommit/participant"
	"github.com/medcommit/medcommit/participant/rmtest"
	"github.com/medcommit/medcommit/txn"
)

// refusals are works that must fail, and the votes that they give.
func refusals(url string) []rmtest.Refusal {
	none, two := int64(0), int64(2)
	rows, constraint, internal := txn.Abort(txn.DetailRows), txn.Abort(txn.DetailConstraint), txn.Abort(txn.DetailInternal)
	list := func(c ...participant.Call) []participant.Call { return c }
	wants := func(n int64, sql string) participant.Call {
		return calls(participant.Statement{SQL: sql, Rows: &n}, nil)
	}
	return []rmtest.Refusal{
		{Name: "too few rows", Calls: list(add("missing", 1)), Want: rows},
		{Name: "bounds in the statement", Calls: list(write("n", 1), add("n", -2)), Want: rows},
		{Name: "too many rows", Calls: list(write("n", 1), write("m", 1), call("UPDATE numbers SET value = 2", nil)), Want: rows},
		{Name: "a row where none is wanted", Calls: list(wants(none, "SELECT 1")), Want: rows},
		{Name: "a query", Calls: list(check("missing", 1)), Want: rows},
		{Name: "a delete", Calls: list(call("DELETE FROM numbers WHERE name = 'missing'", nil)), Want: rows},
		{Name: "with its own returning", Calls: list(wants(two, "UPDATE numbers SET value = 2 RETURNING name, name")), Want: rows},
		{Name: "with its own with", Calls: list(wants(two, "WITH v AS (SELECT 3 AS n) UPDATE numbers SET value = n FROM v")), Want: rows},
		{Name: "with a writing with", Calls: list(wants(two,
			"WITH v AS (INSERT INTO parents VALUES (1) RETURNING id) UPDATE numbers SET value = id FROM v")), Want: rows},
		{Name: "on conflict do nothing", Calls: list(call(
			"INSERT INTO numbers VALUES ('before', 1) ON CONFLICT DO NOTHING", nil)), Want: rows},
		{Name: "unique", Calls: list(anyRows("INSERT INTO numbers VALUES ('before', 1)")), Want: constraint},
		{Name: "check", Calls: list(write("n", 1000000)), Want: constraint},
		{Name: "a domain's check", Calls: list(anyRows("SELECT (-1)::positive")), Want: constraint},
		{Name: "not null", Calls: list(anyRows("INSERT INTO numbers VALUES ('n', NULL)")), Want: constraint},
		{Name: "foreign key", Calls: list(anyRows("INSERT INTO children (strict) VALUES (5)")), Want: constraint},
		{Name: "deferred foreign key", Calls: list(call("INSERT INTO children (parent) VALUES (5)", nil)), Want: constraint},
		{Name: "division by zero", Calls: list(call("UPDATE numbers SET value = 1 / (value - 1)", nil)), Want: internal},
		{Name: "raised", Calls: list(call("SELECT refuse()", nil)), Want: internal},
		{Name: "cannot be prepared", Calls: list(call("SELECT make_temporary()", nil)), Want: internal},
		{Name: "syntax", Calls: list(call("UPDATE numbers SET", nil)), Want: internal},
		{Name: "no such table", Calls: list(call("UPDATE nothing SET x = 1", nil)), Want: internal},
		{Name: "no such argument", Calls: list(call("UPDATE numbers SET value = :nothing", nil)), Want: internal},
		{Name: "commit", Calls: list(anyRows("COMMIT")), Want: internal},
		{Name: "commit behind a comment", Calls: list(anyRows("/* a /* b */ */ -- c\n COMMIT")), Want: internal},
		{Name: "rollback", Calls: list(anyRows("rollback")), Want: internal},
		{Name: "a setting", Calls: list(anyRows("SET lock_timeout = 0")), Want: internal},
		{Name: "copy", Calls: list(anyRows("COPY numbers FROM STDIN")), Want: internal},
		{Name: "two statements", Calls: list(anyRows("SELECT 1; COMMIT")), Want: internal},
		{Name: "an argument of another type", Calls: list(call("UPDATE numbers SET value = :v", map[string]any{"v": "one"})), Want: internal},
		{
			Name: "deadlock", Calls: list(write("mine", 1), write("theirs", 1)), Want: txn.Abort(txn.DetailDeadlock),
			Around: func(t *testing.T, prepare func() txn.Ballot) txn.Ballot { return aroundDeadlock(t, url, prepare) },
		},
	}
}

// aroundDeadlock has another session lock what the branch wants, and then want what the branch has locked. The other one never
// looks for deadlocks, so that the branch is the one to give way.
func aroundDeadlock(t *testing.T, url string, prepare func() txn.Ballot) txn.Ballot {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
	defer cancel()
	other, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close(ctx)
	for _, sql := range []string{"SET deadlock_timeout = '1h'", "BEGIN", "INSERT INTO numbers VALUES ('theirs', 0)"} {
		if _, err := other.Exec(ctx, sql); err != nil {
			t.Fatal(err)
		}
	}
	done := make(chan error, 1)
	go func() {
		_, err := other.Exec(ctx, `DO $$ BEGIN
			WHILE NOT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND database IS NULL) LOOP PERFORM pg_sleep(0.001); END LOOP;
			INSERT INTO numbers VALUES ('mine', 0);
		END $$`)
		done <- err
	}()
	ballot := prepare()
	if err := <-done; err != nil {
		t.Errorf("the other session: %v", err)
	}
	if _, err := other.Exec(ctx, "ROLLBACK"); err != nil {
		t.Error(err)
	}
	return ballot
}
