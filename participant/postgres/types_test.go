package postgres

import (
	"context"
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/medcommit/medcommit/participant"
	"github.com/medcommit/medcommit/txn"
)

const cluster, site = "pgtest", "site-a"

// opened is a process on a schema of its own.
func opened(t *testing.T, config Config) *Manager {
	t.Helper()
	m := manager(t, config)
	if err := m.Open(t.Context(), cluster, site, 1); err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

func xid(n byte) txn.XID {
	return txn.XID{Cluster: cluster, Key: txn.Key(strings.Repeat("k", 25) + string('a'+n)), Participant: site}
}

func vote(t *testing.T, m *Manager, x txn.XID, calls ...participant.Call) txn.Ballot {
	t.Helper()
	ballot, err := m.Prepare(t.Context(), x, calls)
	if err != nil {
		t.Fatalf("prepare: %v", err)
	}
	return ballot
}

func transact(t *testing.T, m *Manager, x txn.XID, calls ...participant.Call) {
	t.Helper()
	if got := vote(t, m, x, calls...); got != txn.Commit() {
		t.Fatalf("ballot is %+v", got)
	}
	if err := m.Commit(t.Context(), x); err != nil {
		t.Fatalf("commit: %v", err)
	}
}

// holdsTrue tells whether a query gives true.
func holdsTrue(t *testing.T, url, sql string, args ...any) bool {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	var holds bool
	if err := conn.QueryRow(ctx, sql, args...).Scan(&holds); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return holds
}

// testTypes: an argument meets a column of its own type, and of every type that its value can be read as.
func testTypes(t *testing.T, url string) {
	execute(t, url, `CREATE TYPE mood AS ENUM ('calm', 'bad');
		CREATE TABLE typed (id text, c char(4), d date, ts timestamptz, u uuid, m mood, i int, s smallint, b bigint, n numeric, f float8,
			ok bool, j json, jb jsonb, i_text text)`)
	m := opened(t, Config{URL: url})
	arguments := map[string]any{
		"id": `it's "quoted" \ $1 :d`, "c": "ab", "d": "2026-02-28", "ts": "2026-02-28T12:00:00Z", "u": "6a1f0a3e-0000-4000-8000-000000000001",
		"m": "calm", "i": int64(-5), "s": int64(7), "b": int64(1) << 62, "n": 0.1, "f": 1e-7, "ok": true,
		"j": json.RawMessage(`{"a": [1, "x"]}`), "jb": json.RawMessage(`[1, 2]`), "nothing": nil, "tx": "rx-1", "participant": site,
	}
	const insert = `INSERT INTO typed VALUES (:id, :c, :d, :ts, :u, :m, :i, :s, :b, :n, :f, :ok, :j, :jb, :i)`
	transact(t, m, xid(0), call(insert, arguments))
	const same = `SELECT id = $1 AND c = 'ab' AND d = '2026-02-28' AND ts = '2026-02-28 12:00+00' AND m = 'calm' AND i = -5 AND s = 7
		AND b = 1::bigint << 62 AND n = 0.1 AND f = 1e-7 AND ok AND j->'a'->>1 = 'x' AND jb @> '2' AND i_text = '-5' FROM typed`
	if !holdsTrue(t, url, same, arguments["id"]) {
		t.Error("what was stored is not what was given")
	}
	for i, sql := range []string{
		"UPDATE typed SET i = i + :i WHERE d = :d AND d <= :d::date + 1 AND c = :c AND u = :u AND m = :m AND ok = :ok AND jb = :jb",
		"UPDATE typed SET i = :nothing, d = :nothing WHERE n = :n AND f = :f AND s = :s AND :nothing IS NULL",
		"UPDATE typed SET d = :d WHERE (:u IS NULL OR u = :u) AND (:i IS NULL OR i IS NULL) AND (:nothing IS NULL OR ts = :nothing)",
		"UPDATE typed SET jb = jsonb_build_object('id', :id, 'i', :i, 'ok', :ok, 'tx', :tx), id = :participant || '/' || :tx",
		"SELECT FROM typed WHERE id = 'site-a/rx-1' AND jb ->> 'id' = :id AND jb ->> 'tx' = :tx AND i IS NULL",
		"DELETE FROM typed WHERE id IN (SELECT id FROM typed ORDER BY id LIMIT :s) AND b > :i",
	} {
		t.Log(sql)
		transact(t, m, xid(byte(i+1)), call(sql, arguments))
	}
}

// testRaw: SQL of a client takes its arguments by their numbers, and the names that are always there.
func testRaw(t *testing.T, url string) {
	m := opened(t, Config{URL: url})
	raw := calls(participant.Statement{SQL: "INSERT INTO numbers VALUES ($1 || :tx, $2), ($1, $2 + $3)", Rows: new(int64(2))},
		map[string]any{"tx": "rx-1", "participant": site})
	raw.Operation.Raw = true
	raw.Positional = []any{"a", int64(1), int64(2)}
	transact(t, m, xid(0), raw)
	for name, want := range map[string]int64{"arx-1": 1, "a": 3} {
		if got, _ := read(t, url, name); got != want {
			t.Errorf("%s is %d, want %d", name, got, want)
		}
	}
	raw.Positional = raw.Positional[:2]
	if got := vote(t, m, xid(1), raw); got != txn.Abort(txn.DetailInternal) {
		t.Errorf("with an argument too few the ballot is %+v", got)
	}
}

// testChangedTable: a plan that was kept does not outlive the table it was made for.
func testChangedTable(t *testing.T, url string) {
	m := opened(t, Config{URL: url, PrepareConnections: 1})
	arguments := map[string]any{"name": "a", "value": int64(5)}
	insert := call("INSERT INTO changing VALUES (:name, :value)", arguments)
	query := anyRows("SELECT * FROM changing")
	for i, table := range []string{"(n text, v int)", "(n text, v text)", "(n text, v numeric, w int)", "(n text, v jsonb)"} {
		execute(t, url, "DROP TABLE IF EXISTS changing; CREATE TABLE changing "+table)
		transact(t, m, xid(byte(i)), insert, query, insert)
		if !holdsTrue(t, url, "SELECT count(*) = 2 AND bool_and(v::text = '5') FROM changing") {
			t.Errorf("%s does not hold what was given", table)
		}
	}
}

// testKept: a connection keeps only so many statements, and goes on with others.
func testKept(t *testing.T, url string) {
	m := opened(t, Config{URL: url, PrepareConnections: 1})
	var many []participant.Call
	for i := range statementsKept + 10 {
		many = append(many, call("UPDATE numbers SET value = value + 1 WHERE name = :name"+strings.Repeat(" ", i), map[string]any{"name": "a"}))
	}
	transact(t, m, xid(0), write("a", 0))
	transact(t, m, xid(1), many...)
	transact(t, m, xid(2), many...)
	if got, _ := read(t, url, "a"); got != 2*int64(len(many)) {
		t.Errorf("a is %d", got)
	}
	if !holdsTrue(t, url, "SELECT true") {
		t.Fatal("the server does not answer")
	}
}

// testUnwrapped: the numbers of rows of what cannot be wrapped are read before the branch is prepared.
func testUnwrapped(t *testing.T, url string) {
	m := opened(t, Config{URL: url})
	arguments := map[string]any{"name": "a", "value": int64(5)}
	both := `WITH w AS (INSERT INTO numbers VALUES (:name, :value) RETURNING name)
		INSERT INTO numbers SELECT name || n, :value FROM w, generate_series(1, 3) AS n`
	procedure := calls(participant.Statement{SQL: "CALL store(:name, :value)"}, maps.Clone(arguments))
	procedure.Arguments["name"] = "called"
	transact(t, m, xid(0), calls(participant.Statement{SQL: both, Rows: new(int64(3))}, arguments), procedure, add("called", 1))
	if got, _ := read(t, url, "a3"); got != 5 {
		t.Errorf("a3 is %d", got)
	}
	if got, _ := read(t, url, "called"); got != 6 {
		t.Errorf("called is %d", got)
	}
}
