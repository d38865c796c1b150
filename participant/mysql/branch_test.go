package mysql

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/medcommit/medcommit/participant"
	"github.com/medcommit/medcommit/participant/dbtest"
	"github.com/medcommit/medcommit/txn"
)

// TestBranches holds what is peculiar to XA; rmtest has the rest.
func TestBranches(t *testing.T) {
	server := dbtest.NewMariaDB(t, map[string]string{"sql-mode": "NO_BACKSLASH_ESCAPES,ANSI_QUOTES"})
	for name, test := range map[string]func(*testing.T, *lab){
		"held by a stranger":                heldByStranger,
		"a branch that only checks":         onlyChecks,
		"an uncommitted marker":             uncommittedMarker,
		"handed over to a successor":        handedOver,
		"branches are bounded":              bounded,
		"a full server":                     fullServer,
		"a replaced process":                replaced,
		"opened again by the same process":  openedAgain,
		"connection numbers that came back": numbersReused,
		"closing forgets connections":       closedForgotten,
		"values are bound":                  valuesBound,
		"a statement that is sent alone":    sentAlone,
		"a request that is too large":       tooLarge,
	} {
		t.Run(name, func(t *testing.T) { test(t, newLab(t, server)) })
	}
	t.Run("a stopped server", func(t *testing.T) { stoppedServer(t, newLab(t, server)) })
}

func branchXID() txn.XID {
	return txn.XID{Cluster: "lab", Key: txn.Key(strings.ToLower(rand.Text())), Participant: "site-a"}
}

func write(name string, value any) participant.Call {
	return call(false, "INSERT INTO numbers VALUES (:name, :value)", nil, "name", name, "value", value)
}

func prepared(t *testing.T, m *Manager, calls ...participant.Call) txn.XID {
	t.Helper()
	xid := branchXID()
	if ballot, err := m.Prepare(t.Context(), xid, calls); err != nil || ballot != txn.Commit() {
		t.Fatalf("prepare: %+v, %v", ballot, err)
	}
	return xid
}

func committed(t *testing.T, m *Manager, xid txn.XID) {
	t.Helper()
	if err := m.Commit(t.Context(), xid); err != nil {
		t.Fatalf("commit: %v", err)
	}
	if standing, err := m.Lookup(t.Context(), xid); err != nil || standing != participant.StandingCommitted {
		t.Fatalf("standing is %d, %v", standing, err)
	}
}

// heldByStranger: XAER_NOTA of a branch that a connection of somebody else holds is neither done nor unknown (R7).
func heldByStranger(t *testing.T, l *lab) {
	m := l.opened(t, 1, nil)
	xid := branchXID()
	conn, err := l.db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	name := xaName(xid)
	_, err = conn.ExecContext(t.Context(), "XA START "+name+"; INSERT INTO medcommit_branches (cluster, `key`, participant) VALUES ('"+
		xid.Cluster+"', '"+string(xid.Key)+"', '"+xid.Participant+"'); XA END "+name+"; XA PREPARE "+name)
	if err != nil {
		t.Fatal(err)
	}
	for _, finish := range []func(context.Context, txn.XID) error{m.Commit, m.Rollback} {
		if err := finish(t.Context(), xid); !errors.Is(err, errHeld) {
			t.Errorf("finish: %v", err)
		}
	}
	if ballot, err := m.Prepare(t.Context(), xid, nil); err != nil || ballot != txn.Commit() {
		t.Errorf("prepare: %+v, %v", ballot, err)
	}
	conn.Close()
	l.db.Close()
	eventually(t, "the commit", func() bool { return m.Commit(t.Context(), xid) == nil })
	committed(t, m, xid)
}

// onlyChecks: the marker makes every branch one that writes; without it the server would lose it with its connection.
func onlyChecks(t *testing.T, l *lab) {
	first := l.opened(t, 1, nil)
	xid := prepared(t, first, call(false, "SELECT 1", one()))
	second := l.opened(t, 2, nil)
	committed(t, second, xid)
}

// uncommittedMarker: a branch that is not listed, and whose marker is there but not committed, is in limbo, and not data loss.
func uncommittedMarker(t *testing.T, l *lab) {
	m := l.opened(t, 1, nil)
	xid := branchXID()
	tx := l.begin(t)
	defer tx.Rollback()
	if _, err := tx.ExecContext(t.Context(), "INSERT INTO medcommit_branches (cluster, `key`, participant) VALUES (?, ?, ?)",
		xid.Cluster, string(xid.Key), xid.Participant); err != nil {
		t.Fatal(err)
	}
	for _, finish := range []func(context.Context, txn.XID) error{m.Commit, m.Rollback} {
		if err := finish(t.Context(), xid); !errors.Is(err, errLimbo) {
			t.Errorf("finish: %v", err)
		}
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := m.Commit(t.Context(), xid); !errors.Is(err, participant.ErrUnknownBranch) {
		t.Errorf("commit: %v", err)
	}
}

// handedOver: branches that a predecessor's connections hold are committed by its successor at once, each really.
func handedOver(t *testing.T, l *lab) {
	for round := range int32(4) {
		first := l.opened(t, 2*round+1, nil)
		var xids []txn.XID
		for range 25 {
			xids = append(xids, prepared(t, first))
		}
		second := l.opened(t, 2*round+2, nil)
		for i, xid := range xids {
			if i%5 == 0 {
				if err := second.Rollback(t.Context(), xid); err != nil {
					t.Fatal(err)
				}
				continue
			}
			committed(t, second, xid)
		}
		if all, err := second.Prepared(t.Context()); err != nil || len(all) > 0 {
			t.Fatalf("left prepared: %d, %v", len(all), err)
		}
	}
}

func bounded(t *testing.T, l *lab) {
	m := l.opened(t, 1, func(c *Config) { c.Branches, c.LockTimeout = 2, 50*time.Millisecond })
	held := prepared(t, m, write("a", int64(1)))
	prepared := prepared(t, m, write("b", int64(1)))
	ballot, err := m.Prepare(t.Context(), branchXID(), []participant.Call{write("c", int64(1))})
	if err != nil || ballot != txn.Abort(txn.DetailDatabaseUnavailable) {
		t.Errorf("the third of two: %+v, %v", ballot, err)
	}
	committed(t, m, held)
	committed(t, m, prepared)
	if ballot, err := m.Prepare(t.Context(), held, nil); err != nil || ballot != txn.Commit() {
		t.Errorf("after the commit: %+v, %v", ballot, err)
	}
}

// fullServer: where the server takes no more connections, new work is refused, and what is held is committed all the same (R14).
func fullServer(t *testing.T, l *lab) {
	m := l.opened(t, 1, nil)
	xid := prepared(t, m, write("a", int64(1)))
	if _, err := m.Lookup(t.Context(), xid); err != nil {
		t.Fatal(err)
	}
	var hogs []*sql.Conn
	defer func() {
		for _, h := range hogs {
			h.Close()
		}
		l.db.SetMaxIdleConns(0)
	}()
	for {
		h, err := l.db.Conn(t.Context())
		if err != nil {
			break
		}
		hogs = append(hogs, h)
	}
	another := m.preparers.pop()
	ballot, err := m.Prepare(t.Context(), branchXID(), []participant.Call{write("b", int64(1))})
	if err != nil || ballot != txn.Abort(txn.DetailDatabaseUnavailable) {
		t.Errorf("work on a full server: %+v, %v", ballot, err)
	}
	if another != nil {
		another.close()
	}
	committed(t, m, xid)
}

// replaced: a process that is not the newest gets no connections.
func replaced(t *testing.T, l *lab) {
	old := l.opened(t, 1, nil)
	xid := prepared(t, old)
	l.opened(t, 2, nil)
	if err := old.Commit(t.Context(), xid); !errors.Is(err, participant.ErrReplaced) || errors.Is(err, participant.ErrUnknownBranch) {
		t.Errorf("commit of the older: %v", err)
	}
	ballot, err := old.Prepare(t.Context(), branchXID(), nil)
	if err != nil || ballot.Vote != txn.VoteAbort {
		t.Errorf("prepare of the older: %+v, %v", ballot, err)
	}
	if err := old.Open(t.Context(), "lab", "site-a", 1); !errors.Is(err, participant.ErrReplaced) {
		t.Errorf("opening the older: %v", err)
	}
	l.opened(t, 3, nil)
}

// openedAgain: a new session of the same process keeps what it holds.
func openedAgain(t *testing.T, l *lab) {
	m := l.opened(t, 1, nil)
	xid := prepared(t, m)
	if err := m.Open(t.Context(), "lab", "site-a", 5); err != nil {
		t.Fatal(err)
	}
	held := m.branches.byID[xid].session
	if held == nil || !held.alive(t.Context()) {
		t.Fatal("the branch's connection is gone")
	}
	committed(t, m, xid)
}

// numbersReused: a recorded connection's number may be somebody else's after the server was started again.
func numbersReused(t *testing.T, l *lab) {
	l.opened(t, 1, nil)
	innocent, err := l.db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer innocent.Close()
	_, err = innocent.ExecContext(t.Context(), "INSERT INTO medcommit_connections (lock_name, cluster, participant, incarnation, process, connection_id) "+
		"VALUES ('medcommit.gone', 'lab', 'site-a', 1, 'abcdefghijklmnopqrstuvwxyz', CONNECTION_ID())")
	if err != nil {
		t.Fatal(err)
	}
	l.opened(t, 2, nil)
	var left int
	if err := innocent.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM medcommit_connections WHERE incarnation = 1").Scan(&left); err != nil {
		t.Fatalf("the innocent connection was ended: %v", err)
	}
	if left != 0 {
		t.Errorf("%d connections of the older process are still recorded", left)
	}
}

// closedForgotten: connections that were closed do not pile up in the table.
func closedForgotten(t *testing.T, l *lab) {
	m := l.opened(t, 1, nil)
	for range 5 {
		committed(t, m, prepared(t, m, call(false, "SET @x = 1", nil))) // its connection is not used again
	}
	var recorded int
	if err := l.db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM medcommit_connections").Scan(&recorded); err != nil {
		t.Fatal(err)
	}
	if recorded > 4 {
		t.Errorf("%d connections are recorded", recorded)
	}
}

// valuesBound: every value arrives as it was sent, whatever the server's own settings say of quotes.
func valuesBound(t *testing.T, l *lab) {
	m := l.opened(t, 1, nil)
	l.exec(t, "CREATE TABLE vals (k INT PRIMARY KEY, v LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, n DOUBLE, b BOOLEAN) ENGINE=InnoDB")
	texts := []string{
		``, `\`, `\\`, `'`, `''`, `\'`, `"`, "`", `?`, `:v`, `--`, "-- x\n", `/*`, `*/`, `;`, `#`, "\x00", "\n\r\x1a", "é", "漢字", "\U0001F48A",
		`'); DROP TABLE vals; -- `, `\'); DROP TABLE vals; -- `, strings.Repeat(`\'`, 1000), "\xbf'", "\xbf\\'",
	}
	for i, text := range texts {
		if !strings.HasPrefix(text, "\xbf") { // no text: the server refuses it, below
			k := int64(i)
			xid := prepared(t, m, call(false, "INSERT INTO vals /* :no ? */ VALUES (:k, :v, :n, :b) -- '", nil,
				"k", k, "v", text, "n", float64(k)+0.5, "b", k%2 == 0))
			committed(t, m, xid)
			var got string
			var n float64
			var b bool
			if err := l.db.QueryRowContext(t.Context(), "SELECT v, n, b FROM vals WHERE k = ?", k).Scan(&got, &n, &b); err != nil {
				t.Fatal(err)
			}
			if got != text || n != float64(k)+0.5 || b != (k%2 == 0) {
				t.Errorf("%q came as %q, %v, %v", text, got, n, b)
			}
			continue
		}
		ballot, err := m.Prepare(t.Context(), branchXID(), []participant.Call{
			call(false, "INSERT INTO vals (k, v) VALUES (:k, :v)", nil, "k", int64(i), "v", text),
		})
		if err != nil || ballot != txn.Abort(txn.DetailConstraint) {
			t.Errorf("%q: %+v, %v", text, ballot, err)
		}
	}
}

// sentAlone: procedures and the like work, are checked before XA PREPARE, and leave nothing behind in a connection.
func sentAlone(t *testing.T, l *lab) {
	m := l.opened(t, 1, nil)
	l.exec(t, "CREATE PROCEDURE put(IN name VARCHAR(64), IN value BIGINT) BEGIN SELECT 1; INSERT INTO numbers VALUES (name, value); END")
	both := call(false, "CALL put(:name, :value)", nil, "name", "a", "value", int64(7))
	both.Operation.Statements = append(both.Operation.Statements,
		participant.Statement{SQL: "SET SESSION sql_mode = 'NO_BACKSLASH_ESCAPES', @left = 1", Rows: nil},
		participant.Statement{SQL: "UPDATE numbers SET value = value + 1 WHERE name = :name", Rows: one()})
	committed(t, m, prepared(t, m, both))
	if value, _ := l.read(t, "a"); value != 8 {
		t.Errorf("the number is %d, want 8", value)
	}
	committed(t, m, prepared(t, m, call(false, "INSERT INTO numbers SELECT :name, 1 FROM DUAL WHERE @left IS NULL", one(), "name", `\'`)))
	raw := participant.Call{Operation: &participant.Operation{
		Name: "sql", Raw: true,
		Statements: []participant.Statement{{SQL: "INSERT INTO numbers VALUES (?, ?) -- ?", Rows: one()}},
	}, Positional: []any{"c", int64(3)}}
	committed(t, m, prepared(t, m, raw))
	if value, _ := l.read(t, "c"); value != 3 {
		t.Errorf("the number is %d, want 3", value)
	}
}

func tooLarge(t *testing.T, l *lab) {
	m := l.opened(t, 1, nil)
	xid := branchXID()
	calls := []participant.Call{write("a", int64(1)), write(strings.Repeat("x", 17<<20), int64(1))}
	for _, calls := range [][]participant.Call{calls, append([]participant.Call{call(false, "SET @x = 1", nil)}, calls...)} {
		ballot, err := m.Prepare(t.Context(), xid, calls)
		if err != nil || ballot != txn.Abort(txn.DetailInternal) {
			t.Errorf("prepare: %+v, %v", ballot, err)
		}
		if standing, err := m.Lookup(t.Context(), xid); err != nil || standing != participant.StandingNone {
			t.Errorf("standing is %d, %v", standing, err)
		}
	}
	committed(t, m, prepared(t, m, write("a", int64(1))))
}

// stoppedServer: calls end, nothing is claimed, and all goes on with the server.
func stoppedServer(t *testing.T, l *lab) {
	m := l.opened(t, 1, func(c *Config) { c.CallTimeout = 500 * time.Millisecond })
	a, b := prepared(t, m, write("a", int64(1))), prepared(t, m, write("b", int64(1)))
	c := branchXID()
	if err := syscall.Kill(l.server.PID(), syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	resume := func() { _ = syscall.Kill(l.server.PID(), syscall.SIGCONT) }
	defer resume()
	if err := m.Commit(t.Context(), a); err == nil || errors.Is(err, participant.ErrUnknownBranch) {
		t.Errorf("commit: %v", err)
	}
	if err := m.Rollback(t.Context(), b); err == nil {
		t.Error("a stopped server rolled back")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	ballot, err := m.Prepare(ctx, c, []participant.Call{write("c", int64(1))})
	if !errors.Is(err, participant.ErrInDoubt) && ballot != txn.Abort(txn.DetailDatabaseUnavailable) {
		t.Errorf("prepare: %+v, %v", ballot, err)
	}
	resume()
	eventually(t, "the commit", func() bool { return m.Commit(t.Context(), a) == nil })
	eventually(t, "the roll-back", func() bool { return m.Rollback(t.Context(), b) == nil })
	committed(t, m, a)
	if _, exists := l.read(t, "b"); exists {
		t.Error("what was rolled back is there")
	}
	standing, err := m.Lookup(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if _, exists := l.read(t, "c"); exists {
		t.Error("what was not committed is there")
	}
	if standing == participant.StandingPrepared {
		if err := m.Rollback(t.Context(), c); err != nil {
			t.Error(err)
		}
	}
}
