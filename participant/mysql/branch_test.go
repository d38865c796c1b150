package mysql

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"testing"

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
		"a locked table":                    lockedTable,
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
		all, err := second.Prepared(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range all { // branches of other databases on this server are listed with ours
			if slices.Contains(xids, p.XID) {
				t.Fatalf("%s is left prepared", p.XID)
			}
		}
	}
}

// lockedTable: waits for a table's definition are bounded like those for rows.
func lockedTable(t *testing.T, l *lab) {
	m := l.opened(t, 1, nil)
	conn, err := l.db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(t.Context(), "LOCK TABLES orders WRITE"); err != nil {
		t.Fatal(err)
	}
	xid := branchXID()
	ballot, err := m.Prepare(t.Context(), xid, []participant.Call{write("a", int64(1)), call(false, "DELETE FROM orders", nil)})
	if err != nil || ballot != txn.Abort(txn.DetailLockTimeout) {
		t.Errorf("prepare: %+v, %v", ballot, err)
	}
	if _, err := conn.ExecContext(t.Context(), "UNLOCK TABLES"); err != nil {
		t.Fatal(err)
	}
	committed(t, m, prepared(t, m, write("a", int64(1))))
}
