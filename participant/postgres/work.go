package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/medcommit/medcommit/participant"
	"github.com/medcommit/medcommit/txn"
)

// markBranch writes the marker (R7).
const markBranch = `INSERT INTO medcommit_branches (cluster, key, participant) VALUES ($1, $2, $3)`

type pgTag = pgconn.CommandTag

// work is a branch being executed on a connection.
type work struct {
	*Manager
	session *session
	xid     txn.XID
	planned []planned
	kept    bool // a plan was known before
	stale   bool // it failed, and a plan kept from before may be the reason
}

// planned is a statement with its form.
type planned struct {
	step
	operation *participant.Operation
	number    int    // of the statement in its operation, from 1
	rows      *int64 // what its command tag must show; nil: any, or the step demands it itself
}

// plan finds the form of every statement. A ballot with a vote says that one cannot be executed.
func (w *work) plan(ctx context.Context, calls []participant.Call) (txn.Ballot, error) {
	for _, call := range calls {
		for i, s := range call.Operation.Statements {
			p := planned{operation: call.Operation, number: i + 1}
			if err := w.planOne(ctx, call, s, &p); err != nil {
				w.planned = append(w.planned, p)
				return w.refused(len(w.planned)-1, err), nil
			}
			w.planned = append(w.planned, p)
		}
	}
	return txn.Ballot{}, nil
}

func (w *work) planOne(ctx context.Context, call participant.Call, s participant.Statement, p *planned) error {
	st, err := newStatement(call, s)
	if err != nil {
		return err
	}
	found, known, err := w.plans.of(ctx, w.session, &st)
	if err != nil {
		return err
	}
	w.kept = w.kept || known
	if found.wrap == wrapNone {
		p.rows = st.rows
	}
	p.step, err = st.as(found)
	return err
}

// statements are the steps of the work itself.
func (w *work) statements() []step {
	steps := make([]step, len(w.planned))
	for i := range w.planned {
		steps[i] = w.planned[i].step
	}
	return steps
}

// counting tells whether a number of rows must be read from a tag.
func (w *work) counting() bool {
	for i := range w.planned {
		if w.planned[i].rows != nil {
			return true
		}
	}
	return false
}

// miscounted gives the first statement whose tag shows another number of rows than is wanted, or -1. tags begin with the first.
func (w *work) miscounted(tags []pgTag) int {
	for i := range w.planned {
		if want := w.planned[i].rows; want != nil && tags[i].RowsAffected() != *want {
			return i
		}
	}
	return -1
}

// refused votes to abort for an error. failed is the statement that it is about, or a number that no statement has.
func (w *work) refused(failed int, err error) txn.Ballot {
	e, ok := answered(err)
	ours := failed < 0 || failed >= len(w.planned)
	switch {
	case !ok && errors.Is(err, participant.ErrStatement):
		w.report(failed, "the statement cannot be executed", "error", err)
		return txn.Abort(txn.DetailInternal)
	case !ok:
		w.log.Warn("the connection broke under a branch", "xid", w.xid, "error", outside(err))
		return txn.Abort(txn.DetailDatabaseUnavailable)
	case ours && e.Code == codeRefused:
		w.noSlots.Do(func() {
			w.log.Error("the database prepares nothing: max_prepared_transactions is 0", "remedy", remedySlots)
		})
		return txn.Abort(txn.DetailDatabaseUnavailable)
	case ours && e.Code == codeReadOnly:
		w.log.Warn("the database takes no writes: it is a standby or set to read only", "xid", w.xid)
		return txn.Abort(txn.DetailDatabaseUnavailable)
	}
	w.stale = !ours && w.kept && stale(e)
	b := ballot(e)
	if b.Detail == txn.DetailInternal && !w.stale {
		w.report(failed, "the database refused a branch", "sqlstate", e.Code)
	}
	return b
}

// report logs what an operator must mend. The server's message may quote a value and is not shown.
func (w *work) report(failed int, what string, pairs ...any) {
	pairs = append(pairs, "xid", w.xid)
	if 0 <= failed && failed < len(w.planned) {
		p := &w.planned[failed]
		pairs = append(pairs, "operation", p.operation.Name, "statement", p.number)
	}
	w.log.Error(what, pairs...)
}
