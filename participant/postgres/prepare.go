package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/medcommit/medcommit/participant"
	"github.com/medcommit/medcommit/txn"
)

// Prepare executes and prepares a branch. A failure that may come of a plan kept from before is tried once more without it: what
// failed was not prepared.
func (m *Manager) Prepare(ctx context.Context, x txn.XID, calls []participant.Call) (txn.Ballot, error) {
	if err := validate(x); err != nil {
		return txn.Ballot{}, fmt.Errorf("prepare branch: %w", err)
	}
	if err := m.settle(ctx, x); err != nil {
		return txn.Ballot{}, fmt.Errorf("prepare branch: %w: %w", participant.ErrInDoubt, err)
	}
	ballot, again, err := m.attempt(ctx, x, calls)
	if again {
		m.plans.forget()
		ballot, _, err = m.attempt(ctx, x, calls)
	}
	return ballot, err
}

// validate demands a name whose text may stand in a statement: a gid cannot be a parameter.
func validate(x txn.XID) error {
	if parsed, err := txn.ParseXID(x.String()); err != nil || parsed != x {
		return txn.ErrBadName
	}
	return nil
}

// attempt executes and prepares a branch on a connection; again says that it failed and may succeed without the plans kept.
func (m *Manager) attempt(ctx context.Context, x txn.XID, calls []participant.Call) (b txn.Ballot, again bool, err error) {
	conn, err := m.preparers.Acquire(ctx)
	if err != nil {
		m.log.Warn("no connection for a branch", "xid", x, "error", outside(err))
		return txn.Abort(txn.DetailDatabaseUnavailable), false, nil
	}
	defer conn.Release()
	w := &work{Manager: m, session: sessionOf(conn), xid: x}
	if b, err := w.plan(ctx, calls); err != nil || b.Vote != txn.VoteNone {
		return b, false, err
	}
	switch {
	case readOnly(calls):
		b, err = w.check(ctx)
	case w.counting():
		b, err = w.countAndPrepare(ctx)
	default:
		b, err = w.prepareAtOnce(ctx)
	}
	if err == nil && w.stale {
		w.session.close(ctx)
	}
	return b, w.stale, err
}

// readOnly tells whether all calls are declared so.
func readOnly(calls []participant.Call) bool {
	for _, c := range calls {
		if !c.Operation.ReadOnly {
			return false
		}
	}
	return len(calls) > 0
}

// check executes a read-only branch: PostgreSQL itself sees to it that it writes nothing. Nothing of it can be in doubt.
func (w *work) check(ctx context.Context) (txn.Ballot, error) {
	steps := append([]step{fixed("BEGIN READ ONLY")}, w.statements()...)
	tags, err := w.session.trip(ctx, append(steps, fixed("COMMIT")))
	if err != nil {
		w.session.rollback(ctx)
		return w.refused(len(tags)-1, err), nil
	}
	if i := w.miscounted(tags[1:]); i >= 0 {
		return txn.Abort(txn.DetailRows), nil
	}
	return txn.ReadOnly(), nil
}

// prepareAtOnce does it in one round trip: the server itself skips PREPARE TRANSACTION when anything before it fails (R16).
func (w *work) prepareAtOnce(ctx context.Context) (txn.Ballot, error) {
	tags, err := w.session.trip(ctx, append(w.begin(), w.prepareTransaction()))
	return w.finish(ctx, len(tags)-2, tags[max(0, len(tags)-1):], err)
}

// countAndPrepare reads the numbers of rows before it sends PREPARE TRANSACTION (R16).
func (w *work) countAndPrepare(ctx context.Context) (txn.Ballot, error) {
	tags, err := w.session.trip(ctx, w.begin())
	if err != nil {
		return w.abandon(ctx, len(tags)-2, err)
	}
	if w.miscounted(tags[2:]) >= 0 {
		w.session.rollback(ctx)
		return txn.Abort(txn.DetailRows), nil
	}
	tags, err = w.session.trip(ctx, []step{w.prepareTransaction()})
	return w.finish(ctx, len(w.planned), tags, err)
}

// begin opens the block and marks the branch, which meets another execution of the same branch before any work is done.
func (w *work) begin() []step {
	mark := fixed(markBranch)
	mark.values = [][]byte{[]byte(w.xid.Cluster), []byte(w.xid.Key), []byte(w.xid.Participant)}
	return append([]step{fixed("BEGIN"), mark}, w.statements()...)
}

func (w *work) prepareTransaction() step {
	return step{sql: "PREPARE TRANSACTION '" + w.xid.String() + "'"}
}

// finish judges the answer to a trip that held PREPARE TRANSACTION. failed is the statement that err is about: below 0 it is
// the opening of the branch, and beyond the last PREPARE TRANSACTION itself.
func (w *work) finish(ctx context.Context, failed int, last []pgTag, err error) (txn.Ballot, error) {
	if errors.Is(err, errBroken) {
		w.lose(w.xid, w.session.backend)
		w.log.Warn("the answer to a prepare was lost", "xid", w.xid)
		return txn.Ballot{}, fmt.Errorf("prepare branch: %w: %w", participant.ErrInDoubt, outside(err))
	}
	if err != nil {
		return w.abandon(ctx, failed, err)
	}
	// In a block that has failed PREPARE TRANSACTION rolls back and answers so, without an error.
	if got := last[len(last)-1].String(); got != "PREPARE TRANSACTION" {
		w.session.rollback(ctx)
		w.log.Error("the database did not prepare a branch", "xid", w.xid, "answer", got)
		return txn.Abort(txn.DetailInternal), nil
	}
	return txn.Commit(), nil
}

// abandon ends a branch that failed and votes to abort; but where the failure may be that somebody else has executed the branch,
// the database is asked first.
func (w *work) abandon(ctx context.Context, failed int, err error) (txn.Ballot, error) {
	w.session.rollback(ctx)
	if _, ok := answered(err); !ok || 0 <= failed && failed < len(w.planned) {
		return w.refused(failed, err), nil
	}
	standing, lookup := w.Lookup(context.WithoutCancel(ctx), w.xid)
	if lookup != nil {
		return txn.Ballot{}, fmt.Errorf("prepare branch: %w: %w", participant.ErrInDoubt, lookup)
	}
	if standing != participant.StandingNone {
		return txn.Commit(), nil
	}
	return w.refused(failed, err), nil
}
