package mysql

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/medcommit/medcommit/participant"
	"github.com/medcommit/medcommit/txn"
)

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
	awaitStopped(t, l.server.PID())
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

// awaitStopped waits until no thread of a process that was sent SIGSTOP runs any more.
func awaitStopped(t *testing.T, pid int) {
	t.Helper()
	eventually(t, "the server to stop", func() bool {
		threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
		if err != nil || len(threads) == 0 {
			t.Fatalf("no threads of process %d: %v", pid, err)
		}
		return !slices.ContainsFunc(threads, func(file string) bool {
			stat, err := os.ReadFile(file)
			return err == nil && !bytes.Contains(stat, []byte(") T "))
		})
	})
}
