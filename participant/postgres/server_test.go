package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/jackc/pgx/v5"
	"github.com/medcommit/medcommit/participant"
	"github.com/medcommit/medcommit/participant/dbtest"
	"github.com/medcommit/medcommit/txn"
)

// TestPeculiar holds what is peculiar to PostgreSQL, on one server, each in a schema of its own.
func TestPeculiar(t *testing.T) {
	server := dbtest.NewPostgres(t, nil)
	for i, c := range []struct {
		name string
		test func(*testing.T, string)
	}{
		{"types", testTypes},
		{"raw SQL", testRaw},
		{"a changed table", testChangedTable},
		{"many statements", testKept},
		{"statements that cannot be wrapped", testUnwrapped},
		{"a read-only operation that writes", testWritingCheck},
		{"serialization", testSerialization},
		{"nothing of a client is logged", testNothingLogged},
		{"opened again", testOpenedAgain},
		{"rights", testRights},
		{"password", testPassword},
		{"check", testCheck},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, newSchema(t, server, fmt.Sprintf("p%d", i))) })
	}
}

// testWritingCheck: an operation that is declared read-only and writes is stopped by the database.
func testWritingCheck(t *testing.T, url string) {
	m := opened(t, Config{URL: url})
	c := write("a", 1)
	c.Operation.ReadOnly = true
	if got := vote(t, m, xid(0), c); got != txn.Abort(txn.DetailInternal) {
		t.Errorf("ballot is %+v", got)
	}
	if _, exists := read(t, url, "a"); exists {
		t.Error("it has written")
	}
}

// testSerialization: in a database that isolates more strictly, a row that changed meanwhile is a vote to abort, to be tried again.
func testSerialization(t *testing.T, url string) {
	m := opened(t, Config{URL: url + "&default_transaction_isolation=repeatable%20read", LockTimeout: time.Minute})
	transact(t, m, xid(0), write("a", 1))
	ctx := t.Context()
	other, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close(context.WithoutCancel(ctx))
	if _, err := other.Exec(ctx, "BEGIN"); err != nil {
		t.Fatal(err)
	}
	if _, err := other.Exec(ctx, "UPDATE numbers SET value = 7"); err != nil {
		t.Fatal(err)
	}
	ballot := make(chan txn.Ballot, 1)
	go func() {
		b, err := m.Prepare(ctx, xid(1), []participant.Call{add("a", 1)})
		if err != nil {
			t.Errorf("prepare: %v", err)
		}
		ballot <- b
	}()
	waits := `DO $$ BEGIN WHILE NOT EXISTS (SELECT FROM pg_locks WHERE NOT granted) LOOP PERFORM pg_sleep(0.005); END LOOP; END $$`
	if _, err := other.Exec(ctx, waits); err != nil {
		t.Fatal(err)
	}
	if _, err := other.Exec(ctx, "COMMIT"); err != nil {
		t.Fatal(err)
	}
	if got := <-ballot; got != txn.Abort(txn.DetailSerialization) {
		t.Errorf("ballot is %+v", got)
	}
}

// testNothingLogged: the server's messages quote values; neither logs nor errors do.
func testNothingLogged(t *testing.T, url string) {
	var log bytes.Buffer
	m := opened(t, Config{URL: url, Log: hclog.New(&hclog.LoggerOptions{Output: &log, Level: hclog.Trace})})
	const secret = "Jane Doe"
	transact(t, m, xid(0), write(secret, 1))
	for i, c := range []participant.Call{
		call("INSERT INTO numbers VALUES (:name, 1)", map[string]any{"name": secret}),
		call("UPDATE numbers SET value = :name::int", map[string]any{"name": secret}),
		call("UPDATE numbers SET value = 1 WHERE name = '"+secret+"' AND missing", nil),
		call("SELECT 1 FROM '"+secret+"'", nil),
		call("SELECT '"+secret, nil),
	} {
		ballot, err := m.Prepare(t.Context(), xid(byte(i+1)), []participant.Call{c})
		if ballot.Vote != txn.VoteAbort || err != nil {
			t.Errorf("call %d: %+v, %v", i, ballot, err)
		}
	}
	if strings.Contains(log.String(), "Jane") || !strings.Contains(log.String(), "operation=test statement=1") {
		t.Errorf("the log:\n%s", &log)
	}
}

// testOpenedAgain: when a process goes on with a newer incarnation, what it has under way is not ended; that of others is.
func testOpenedAgain(t *testing.T, url string) {
	m := opened(t, Config{URL: url, LockTimeout: time.Minute})
	transact(t, m, xid(0), write("a", 1))
	if got := vote(t, m, xid(1), write("a", 2)); got != txn.Commit() {
		t.Fatalf("ballot is %+v", got)
	}
	ballot := make(chan txn.Ballot, 1)
	go func() {
		b, err := m.Prepare(t.Context(), xid(2), []participant.Call{write("a", 3)})
		if err != nil {
			t.Errorf("prepare: %v", err)
		}
		ballot <- b
	}()
	if err := m.Open(t.Context(), cluster, site, 2); err != nil {
		t.Fatalf("open again: %v", err)
	}
	if err := m.Commit(t.Context(), xid(1)); err != nil {
		t.Fatalf("commit: %v", err)
	}
	if got := <-ballot; got != txn.Commit() {
		t.Errorf("ballot is %+v", got)
	}
	if err := m.Rollback(t.Context(), xid(2)); err != nil {
		t.Errorf("roll back: %v", err)
	}
}

// testRights: a role that may not create tables works with those that another made, and is told so where there are none.
func testRights(t *testing.T, url string) {
	execute(t, url, "CREATE ROLE plain LOGIN; GRANT USAGE ON SCHEMA "+schemaOf(url)+" TO plain; GRANT ALL ON numbers TO plain")
	plain := strings.Replace(url, "medcommit@", "plain@", 1)
	m := manager(t, Config{URL: plain})
	defer m.Close()
	err := m.Open(t.Context(), cluster, site, 1)
	if !errors.Is(err, ErrRights) || !strings.Contains(err.Error(), "schema postgres") {
		t.Errorf("error is %v", err)
	}
	wantFinding(t, Check(t.Context(), Config{URL: plain}, cluster, site), participant.FindingFault, "may not create it")
	execute(t, url, Schema)
	execute(t, url, Schema+"GRANT SELECT, INSERT ON medcommit_branches TO plain")
	wantFinding(t, Check(t.Context(), Config{URL: plain}, cluster, site), participant.FindingFault, "medcommit_branches cannot be used")
	execute(t, url, "GRANT SELECT, INSERT, UPDATE ON medcommit_branches, medcommit_site TO plain")
	if err := m.Open(t.Context(), cluster, site, 1); err != nil {
		t.Fatalf("open: %v", err)
	}
	if got := vote(t, m, xid(0), write("a", 1)); got != txn.Commit() {
		t.Fatalf("ballot is %+v", got)
	}
	wantFinding(t, Check(t.Context(), Config{URL: url}, cluster, site), participant.FindingFault, "another role")
	if err := m.Commit(t.Context(), xid(0)); err != nil {
		t.Errorf("commit: %v", err)
	}
	if err := m.SaveSite(t.Context(), cluster, site, txn.SiteRow{}, txn.SiteRow{Incarnation: 1}); err != nil {
		t.Errorf("save site row: %v", err)
	}
}

func schemaOf(url string) string { return url[strings.LastIndex(url, "=")+1:] }

// testPassword: it may come from a file, and no error shows it.
func testPassword(t *testing.T, url string) {
	execute(t, url, "CREATE ROLE secure LOGIN SUPERUSER PASSWORD 'right-one'")
	file := filepath.Join(t.TempDir(), "password")
	for _, c := range []struct {
		inURL, inFile string
		opens         bool
	}{{":right-one", "", true}, {":wrong-one", "", false}, {":wrong-one", "right-one\n", true}, {"", "wrong-one\n", false}} {
		config := Config{URL: strings.Replace(url, "medcommit@", "secure"+c.inURL+"@", 1)}
		if c.inFile != "" {
			config.PasswordFile = file
			if err := os.WriteFile(file, []byte(c.inFile), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		m := manager(t, config)
		err := m.Open(t.Context(), cluster, site, 1)
		if (err == nil) != c.opens || err != nil && (strings.Contains(err.Error(), "-one") || !errors.Is(err, participant.ErrUnavailable)) {
			t.Errorf("%+v: error is %v", c, err)
		}
		if found := fmt.Sprint(Check(t.Context(), config, cluster, site)); strings.Contains(found, "-one") {
			t.Errorf("%+v: %s", c, found)
		}
		m.Close()
	}
	for _, bad := range []string{"postgres://u:right-one@h:port/db", "postgres://u:right-one@[::1/db", "mysql://u:right-one@h/db", ""} {
		if _, err := New(Config{URL: bad}); !errors.Is(err, ErrURL) || strings.Contains(err.Error(), "-one") {
			t.Errorf("error is %v", err)
		}
	}
	if _, err := New(Config{URL: url, PasswordFile: file + "-missing"}); err == nil {
		t.Error("a missing password file is no error")
	}
}

func testCheck(t *testing.T, url string) {
	config := Config{URL: url}
	wantFinding(t, Check(t.Context(), config, cluster, site), participant.FindingWarning, "medcommit_site is not there")
	m := opened(t, config)
	found := Check(t.Context(), config, cluster, site)
	for _, what := range []string{"64 branches", "medcommit_site can be used", "0 prepared branches"} {
		wantFinding(t, found, participant.FindingGood, what)
	}
	notOurs := []string{"are free", remedyUpgrade} // the machine's disk and its release may be what they like: see TestRollbackUnsafe
	if slices.ContainsFunc(found, func(f participant.Finding) bool {
		return f.Level != participant.FindingGood && !slices.ContainsFunc(notOurs, func(s string) bool {
			return strings.Contains(f.What, s) || f.Remedy == s
		})
	}) {
		t.Errorf("a good server has faults: %v", found)
	}
	if got := vote(t, m, xid(0), write("a", 1)); got != txn.Commit() {
		t.Fatalf("ballot is %+v", got)
	}
	wantFinding(t, Check(t.Context(), config, cluster, site), participant.FindingGood, "1 prepared branches")
	wantFinding(t, Check(t.Context(), config, cluster, "other"), participant.FindingWarning, "1 prepared transactions in this database are others'")
	if err := m.Rollback(t.Context(), xid(0)); err != nil {
		t.Error(err)
	}
	wantFinding(t, Check(t.Context(), Config{URL: "postgres://127.0.0.1:1/x"}, cluster, site), participant.FindingFault, "cannot be reached")
	wantFinding(t, Check(t.Context(), Config{URL: "x"}, cluster, site), participant.FindingFault, "URL")
}

func wantFinding(t *testing.T, found []participant.Finding, level participant.FindingLevel, what string) {
	t.Helper()
	if !slices.ContainsFunc(found, func(f participant.Finding) bool {
		return f.Level == level && strings.Contains(f.What, what) && (level == participant.FindingGood) == (f.Remedy == "")
	}) {
		t.Errorf("no %s %q among %v", level, what, found)
	}
}

// TestSlots: branches beyond the prepared slots are refused for a while; without slots there is one loud line.
func TestSlots(t *testing.T) {
	server := dbtest.NewPostgres(t, map[string]string{"max_prepared_transactions": "2"})
	url := newSchema(t, server, "s")
	var log bytes.Buffer
	m := opened(t, Config{URL: url, Log: hclog.New(&hclog.LoggerOptions{Output: &log})})
	unavailable := txn.Abort(txn.DetailDatabaseUnavailable)
	for i, want := range []txn.Ballot{txn.Commit(), txn.Commit(), unavailable} {
		if got := vote(t, m, xid(byte(i)), write(fmt.Sprint(i), 1)); got != want {
			t.Fatalf("branch %d: ballot is %+v, want %+v", i, got, want)
		}
	}
	if err := m.Rollback(t.Context(), xid(0)); err != nil {
		t.Fatal(err)
	}
	transact(t, m, xid(2), write("2", 1))
	if err := m.Commit(t.Context(), xid(1)); err != nil {
		t.Fatal(err)
	}

	server.Set("max_prepared_transactions", "0")
	// In order: a server that recovers from its log wants the slots that were used when it was written.
	if err := errors.Join(server.Stop(t.Context()), server.Start(t.Context())); err != nil {
		t.Fatal(err)
	}
	for i := range byte(2) {
		if got := vote(t, m, xid(10+i), write("3", 1)); got != unavailable {
			t.Errorf("without slots the ballot is %+v", got)
		}
	}
	if n := strings.Count(log.String(), "max_prepared_transactions is 0"); n != 1 {
		t.Errorf("the log says so %d times:\n%s", n, &log)
	}
	if got := vote(t, m, xid(12), check("2", 1)); got != txn.ReadOnly() {
		t.Errorf("a read-only branch: ballot is %+v", got)
	}
	wantFinding(t, Check(t.Context(), Config{URL: url}, cluster, site), participant.FindingFault, "max_prepared_transactions is 0")
}

func TestBackendNames(t *testing.T) {
	long := "site" + strings.Repeat("-long", 11)
	a, b, other := newBackends("c", long, "aaaaaa"), newBackends("c", long, "bbbbbb"), newBackends("d", long, "cccccc")
	for incarnation, names := range map[int32]*backends{9: a, 1<<31 - 1: b, 5: other} {
		names.incarnation.Store(incarnation)
	}
	first, second := a.next(), a.next()
	if first == second || len(first) > applicationNameMax || len(b.next()) > applicationNameMax {
		t.Errorf("the names are %q, %q", first, second)
	}
	if !b.older(first) || a.older(b.next()) || a.older(first) || other.older(first) || a.older(other.next()) || b.older("medcommit") {
		t.Error("an older incarnation of the same site is not told from others")
	}
}

func TestRollbackUnsafe(t *testing.T) {
	for version, want := range map[int]bool{130099: true, 140024: true, 140025: false, 150019: true, 150020: false, 180005: true, 190000: false} {
		if got := (server{version: version}).rollbackUnsafe(); got != want {
			t.Errorf("%d: %t", version, got)
		}
	}
}
