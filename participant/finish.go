package participant

import (
	"context"
	"errors"
	"time"

	"github.com/medcommit/medcommit/txn"
	"github.com/medcommit/medcommit/txn/failpoint"
)

// finishWithin bounds one attempt to commit or to roll back; the machine tries again, with back-off.
const finishWithin = 10 * time.Second

// finishAll commits and rolls back, one branch after the other, until ctx ends.
func (p *Participant) finishAll(ctx context.Context) error {
	for {
		f, ok := p.finishes.take(ctx)
		if !ok {
			return ctx.Err()
		}
		p.tell(txn.Finished{Key: f.XID.Key, Result: p.finish(ctx, f)})
	}
}

func (p *Participant) finish(ctx context.Context, f txn.Finish) txn.FinishResult {
	ctx, cancel := context.WithTimeout(ctx, finishWithin)
	defer cancel()
	do, phase, step := p.rm.Rollback, phaseRollback, failpoint.Rollback
	if f.Verdict == txn.VerdictCommit {
		do, phase, step = p.rm.Commit, phaseCommit, failpoint.Commit
	}
	failpoint.Before(step)
	begun := time.Now()
	err := do(ctx, f.XID)
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
