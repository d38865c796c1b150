package mysql

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/medcommit/medcommit/participant"
	"github.com/medcommit/medcommit/txn"
)

// Prepare does the work and makes it durable, in one round trip where its statements allow that.
func (m *Manager) Prepare(ctx context.Context, xid txn.XID, calls []participant.Call) (txn.Ballot, error) {
	work, err := m.statements(calls)
	if err != nil {
		return txn.Abort(txn.DetailInternal), fmt.Errorf("prepare: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, m.cfg.CallTimeout+time.Duration(len(work)+1)*m.cfg.LockTimeout)
	defer cancel()
	if readOnly(calls) {
		return m.query(ctx, work), nil
	}
	b, release, err := m.branches.take(ctx, xid)
	if err != nil {
		return inDoubt(err) // another call has it, and may prepare it
	}
	defer release()
	for range 2 {
		ballot, err := m.attempt(ctx, b, xid, work)
		if !errors.Is(err, errTaken) {
			return ballot, err
		}
		// Another connection works on the branch, or holds it: one of a process that is over (R5).
		ballot, err = m.standingBallot(ctx, b, xid, txn.Abort(txn.DetailDatabaseUnavailable))
		if err != nil || ballot.Vote == txn.VoteCommit {
			return ballot, err
		}
		if err := m.finisher(ctx, m.endOthers); err != nil {
			return inDoubt(err)
		}
	}
	return txn.Abort(txn.DetailDatabaseUnavailable), nil // whoever has it is not known to be ours, and has not prepared it
}

func readOnly(calls []participant.Call) bool {
	for _, c := range calls {
		if !c.Operation.ReadOnly {
			return false
		}
	}
	return len(calls) > 0
}

// inDoubt is the answer while a branch may be prepared.
func inDoubt(err error) (txn.Ballot, error) {
	return txn.Ballot{}, fmt.Errorf("prepare: %w: %w", participant.ErrInDoubt, err)
}

// attempt prepares a branch that this process does not know to be prepared.
func (m *Manager) attempt(ctx context.Context, b *branch, xid txn.XID, work []statement) (txn.Ballot, error) {
	if b.session != nil {
		return txn.Commit(), nil
	}
	if len(b.lost) > 0 {
		if ballot, err := m.standingBallot(ctx, b, xid, txn.Ballot{}); err != nil || ballot.Vote == txn.VoteCommit {
			return ballot, err
		}
	}
	s, err := m.worker(ctx)
	if err != nil {
		return txn.Abort(detail(err)), nil // nothing was sent
	}
	err = m.execute(ctx, s, xid, work)
	switch {
	case err == nil:
		m.hold(b, s)
		return txn.Commit(), nil
	case number(err) == errDuplicateXID:
		m.preparers.put(s)
		return txn.Ballot{}, errTaken
	case number(err) == 0 && !errors.Is(err, errUnsent): // no answer
		m.lose(b, s)
		return inDoubt(err)
	}
	return m.undo(ctx, b, s, xid, err)
}

// worker takes a connection for work; for one it waits no longer than for a lock.
func (m *Manager) worker(ctx context.Context) (*session, error) {
	ctx, cancel := context.WithTimeout(ctx, m.cfg.LockTimeout)
	defer cancel()
	return m.preparers.get(ctx)
}

// execute does the work as branch xid and prepares it. A fault means that the server stopped there.
func (m *Manager) execute(ctx context.Context, s *session, xid txn.XID, work []statement) error {
	var request script
	request.begin(xid)
	for _, st := range work {
		if !st.alone {
			request.guarded(st)
			continue
		}
		// Sent so far, then this one, then the rest: it is prepared only when all have been seen to be as they should (R16).
		if err := s.runAll(ctx, &request); err != nil {
			return err
		}
		if err := s.step(ctx, st); err != nil {
			return err
		}
	}
	request.prepare(xid)
	return s.run(ctx, &request)
}

// undo rolls back work that came to a fault, or could not be sent to its end, and says why. Work is known not to be prepared while XA END finds it
// active, or the server has condemned it; anything else is looked up (R16).
func (m *Manager) undo(ctx context.Context, b *branch, s *session, xid txn.XID, why error) (txn.Ballot, error) {
	ballot := txn.Abort(detail(why))
	err := s.batch(ctx, 2, "XA END "+xaName(xid)+";\nXA ROLLBACK "+xaName(xid))
	switch number(err) {
	case errRolledBack, errRBTimeout, errRBDeadlock:
		err = s.batch(ctx, 1, "XA ROLLBACK "+xaName(xid))
	}
	if err != nil {
		m.lose(b, s)
		return m.standingBallot(ctx, b, xid, ballot)
	}
	m.preparers.put(s)
	if number(why) == errDuplicateKey {
		return m.standingBallot(ctx, b, xid, ballot) // it may be the marker: the branch was committed before
	}
	return ballot, nil
}

// standingBallot looks what a branch has come to: it is a vote to commit where it is prepared or committed, else otherwise.
func (m *Manager) standingBallot(ctx context.Context, b *branch, xid txn.XID, otherwise txn.Ballot) (txn.Ballot, error) {
	standing, err := m.standing(ctx, b, xid)
	switch {
	case err != nil:
		return inDoubt(err)
	case standing == participant.StandingNone:
		return otherwise, nil
	}
	return txn.Commit(), nil
}

// hold keeps the connection that a prepared branch is attached to.
func (m *Manager) hold(b *branch, s *session) {
	if m.server.detaches {
		m.preparers.put(s)
		return
	}
	b.session = s
}

// lose closes a connection on which something of the branch may be under way, or be attached.
func (m *Manager) lose(b *branch, s *session) {
	b.lost = append(b.lost, s.lock)
	m.preparers.drop(s)
}
