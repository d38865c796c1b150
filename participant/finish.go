package participant

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/medcommit/medcommit/txn"
	"github.com/medcommit/medcommit/txn/failpoint"
)

// finishWithin bounds one attempt to commit or to roll back; the machine tries again, with back-off. Attempts that begin within
// sharedFor of one another share the bound's timer.
const (
	finishWithin = 10 * time.Second
	sharedFor    = 500 * time.Millisecond
)

// finishAll commits and rolls back, one branch after the other, until ctx ends.
func (p *Participant) finishAll(ctx context.Context) error {
	f, ok := p.finishes.take(ctx)
	for ok {
		f, ok = p.finishSome(ctx, f)
	}
	return ctx.Err()
}

// finishSome finishes branches under one bound, and gives the first that is to have another.
func (p *Participant) finishSome(ctx context.Context, f txn.Finish) (next txn.Finish, ok bool) {
	limited, cancel := context.WithTimeout(ctx, finishWithin)
	defer cancel()
	made := time.Now()
	for {
		p.tell(txn.Finished{Key: f.XID.Key, Result: p.finish(limited, f)})
		if f, ok = p.finishes.take(ctx); !ok || time.Since(made) > sharedFor {
			return f, ok
		}
	}
}

func (p *Participant) finish(ctx context.Context, f txn.Finish) txn.FinishResult {
	do, phase, step := p.rm.Rollback, phaseRollback, failpoint.Rollback
	if f.Verdict == txn.VerdictCommit {
		do, phase, step = p.rm.Commit, phaseCommit, failpoint.Commit
	}
	failpoint.Before(step)
	begun := time.Now()
	err := do(ctx, f.XID)
	if err == nil && f.ByHand && f.Verdict == txn.VerdictAbort {
		err = p.provedAbsent(ctx, f.XID)
	}
	p.metrics.took(phase, begun)
	switch {
	case err == nil:
		failpoint.After(step)
		return txn.FinishDone
	case errors.Is(err, ErrUnknownBranch):
		return txn.FinishUnknown
	}
	p.log.Warn("finish failed", "key", f.XID.Key, "decision", f.Verdict, "error", err)
	p.suspect()
	return txn.FinishFailed
}

// provedAbsent is nil where a branch that was rolled back by hand was not committed before: a call whose answer was lost may have
// done that. ErrUnknownBranch: it was.
func (p *Participant) provedAbsent(ctx context.Context, x txn.XID) error {
	switch standing, err := p.rm.Lookup(ctx, x); {
	case err != nil:
		return fmt.Errorf("look for what is rolled back by hand: %w", err)
	case standing == StandingCommitted:
		return ErrUnknownBranch
	case standing != StandingNone:
		return ErrInDoubt
	}
	return nil
}
