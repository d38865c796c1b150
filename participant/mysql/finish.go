package mysql

import (
	"context"
	"fmt"

	"github.com/medcommit/medcommit/participant"
	"github.com/medcommit/medcommit/txn"
)

// Commit commits a prepared branch, on the connection that holds it where this process has that.
func (m *Manager) Commit(ctx context.Context, xid txn.XID) error {
	if err := m.finish(ctx, xid, txn.VerdictCommit); err != nil {
		return fmt.Errorf("commit branch: %w", err)
	}
	return nil
}

// Rollback rolls a branch back. What is not prepared is rolled back.
func (m *Manager) Rollback(ctx context.Context, xid txn.XID) error {
	if err := m.finish(ctx, xid, txn.VerdictAbort); err != nil {
		return fmt.Errorf("roll back branch: %w", err)
	}
	return nil
}

// xaFinish is the statement that ends a prepared branch.
func xaFinish(xid txn.XID, verdict txn.Verdict) string {
	if verdict == txn.VerdictCommit {
		return "XA COMMIT " + xaName(xid)
	}
	return "XA ROLLBACK " + xaName(xid)
}

// end ends a prepared branch durably. The server keeps a roll-back in memory for up to a second (seen: prepared again after a
// kill); a commit behind it brings both to the disk.
func (s *session) end(ctx context.Context, xid txn.XID, verdict txn.Verdict) error {
	var request script
	request.add(xaFinish(xid, verdict))
	if verdict == txn.VerdictAbort {
		request.add("UPDATE medcommit_connections SET rollbacks = rollbacks + 1 WHERE lock_name = ?", s.lock)
	}
	return s.run(ctx, &request)
}

func (m *Manager) finish(ctx context.Context, xid txn.XID, verdict txn.Verdict) error {
	ctx, cancel := context.WithTimeout(ctx, m.cfg.CallTimeout)
	defer cancel()
	b, release, err := m.branches.take(ctx, xid)
	if err != nil {
		return err
	}
	defer release()
	if b.session != nil {
		if done, err := m.finishHeld(ctx, b, xid, verdict); done || err != nil {
			return err
		}
	}
	return m.finisher(ctx, func(ctx context.Context, s *session) error {
		if err := m.endLost(ctx, s, b); err != nil {
			return err
		}
		err := s.end(ctx, xid, verdict)
		if notThere(err) {
			return m.finishUnknown(ctx, s, xid, verdict)
		}
		return m.limbo(ctx, s, xid, err)
	})
}

// limbo looks whether a branch that no connection held was really finished, when the server says so: see disconnecting.
func (m *Manager) limbo(ctx context.Context, s *session, xid txn.XID, answer error) error {
	if answer != nil || m.server.detaches {
		return answer
	}
	found, err := marked(ctx, s, xid)
	if err == nil && found == markUncommitted {
		err = errLimbo
	}
	return err
}

// notThere tells whether the server said that it has no such branch, or none that this connection may finish.
func notThere(err error) bool {
	n := number(err)
	return n == errUnknownXID || n == errRolledBack
}

// finishHeld ends a branch on the connection that holds it. Where that connection, or what it held, is gone, the branch is to be
// looked for by another one: done is false.
func (m *Manager) finishHeld(ctx context.Context, b *branch, xid txn.XID, verdict txn.Verdict) (done bool, err error) {
	s := b.session
	err = s.end(ctx, xid, verdict)
	if err == nil {
		b.session = nil
		m.preparers.put(s)
		return true, nil
	}
	switch number(err) {
	case 0, errUnknownXID, errRolledBack, errShutdown, errKilled: // the connection is gone, or does not hold it
		b.session = nil
		m.lose(b, s)
		return false, nil
	}
	return false, err // it is still prepared, and held
}

// finishUnknown ends a branch that XA COMMIT or XA ROLLBACK did not find. XAER_NOTA is said of a branch that is over or never was,
// and just so of one that another connection holds: it is prepared while the server lists it. Listed, then marked, then listed
// again (R7).
func (m *Manager) finishUnknown(ctx context.Context, s *session, xid txn.XID, verdict txn.Verdict) error {
	prepared, err := isPrepared(ctx, s, xid)
	if err != nil {
		return err
	}
	if prepared {
		if err := m.endOthers(ctx, s); err != nil {
			return err
		}
		if err := s.end(ctx, xid, verdict); !notThere(err) {
			return m.limbo(ctx, s, xid, err)
		}
	}
	found, err := marked(ctx, s, xid)
	if err != nil || (found == markCommitted && verdict == txn.VerdictCommit) {
		return err
	}
	prepared, err = isPrepared(ctx, s, xid)
	switch {
	case err != nil:
		return err
	case prepared:
		return errHeld
	case found == markUncommitted:
		return errLimbo
	case verdict == txn.VerdictCommit:
		return participant.ErrUnknownBranch
	}
	return nil
}

// endLost ends the connections on which something of a branch may still be under way.
func (m *Manager) endLost(ctx context.Context, s *session, b *branch) error {
	if len(b.lost) == 0 {
		return nil
	}
	if err := m.end(ctx, s, b.lost); err != nil {
		return err
	}
	b.lost = nil
	return nil
}
