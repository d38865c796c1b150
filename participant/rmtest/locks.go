package rmtest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/medcommit/medcommit/participant"
	"github.com/medcommit/medcommit/txn"
)

// lockWaitBounded: work that meets a prepared branch's lock gives up by itself, and may be tried again.
func lockWaitBounded(r *rig) {
	rm := r.process(siteA)
	holder, x := xid(siteA), xid(siteA)
	r.prepared(rm, holder, r.Write("a", 1))
	begun := time.Now()
	r.wantBallot(r.prepare(rm, x, r.Write("b", 1), r.Write("a", 2)), txn.Abort(txn.DetailLockTimeout))
	if waited := time.Since(begun); waited < r.LockTimeout/2 || waited > r.LockTimeout+10*time.Second {
		r.Errorf("it waited %v, its lock time-out is %v", waited, r.LockTimeout)
	}
	r.wantStanding(rm, x, participant.StandingNone)
	r.commit(rm, holder)
	r.wantNumber("a", 1)
	r.wantNothing("b")
}

// lockReleased: work that waits goes on when the branch before it is rolled back, or committed.
func lockReleased(r *rig) {
	rm := r.patient(siteA)
	r.committed(rm, "a", 0)
	holder, x, y := xid(siteA), xid(siteA), xid(siteA)
	r.prepared(rm, holder, r.Write("a", 1))
	waiting := r.background(r.ctx, rm, x, r.Write("a", 2))
	r.stillWaits(waiting)
	r.rollback(rm, holder)
	r.wantBallot(await(r, "the waiting prepare", waiting).ballot, txn.Commit())
	waiting = r.background(r.ctx, rm, y, r.Add("a", 3))
	r.stillWaits(waiting)
	r.commit(rm, x)
	r.wantBallot(await(r, "the waiting prepare", waiting).ballot, txn.Commit())
	r.commit(rm, y)
	r.wantNumber("a", 5)
}

// stillWaits gives work the time to come to its lock, and demands that it has not ended.
func (r *rig) stillWaits(waiting <-chan answer) {
	r.Helper()
	select {
	case a := <-waiting:
		r.Fatalf("the prepare did not wait: %+v", a)
	case <-time.After(100 * time.Millisecond):
	}
}

// cancelled: a wait ends when it is told to, the answer is honest, and nothing of it comes later.
func cancelled(r *rig) {
	rm := r.patient(siteA)
	holder, x := xid(siteA), xid(siteA)
	r.prepared(rm, holder, r.Write("a", 1))
	ctx, cancel := context.WithCancel(r.ctx)
	defer cancel()
	waiting := r.background(ctx, rm, x, r.Write("a", 2))
	r.stillWaits(waiting)
	cancel()
	r.wantAbortOrDoubt(await(r, "the cancelled prepare", waiting))
	r.wantStanding(rm, x, participant.StandingNone)
	r.wantNeverPrepared(rm, x, rm, holder)
}

// wantAbortOrDoubt demands an answer that does not claim more than can be known of work that was interrupted.
func (r *rig) wantAbortOrDoubt(a answer) {
	r.Helper()
	if a.err == nil && a.ballot.Vote == txn.VoteAbort {
		return
	}
	if !errors.Is(a.err, participant.ErrInDoubt) {
		r.Fatalf("the answer is %+v, want a vote to abort or ErrInDoubt", a)
	}
}

// wantNeverPrepared frees name "a", which holder of the resource manager of has, and writes it: were a request for x still on its
// way or waiting for that lock, it would have its turn first and be seen.
func (r *rig) wantNeverPrepared(rm participant.ResourceManager, x txn.XID, of participant.ResourceManager, holder txn.XID) {
	r.Helper()
	r.rollback(of, holder)
	r.committed(rm, "a", 7)
	r.wantStanding(rm, x, participant.StandingNone)
}

// phaseTwoGetsThrough: branches that wait for a row held by a prepared one must not keep its commit from a connection (R14).
func phaseTwoGetsThrough(r *rig) {
	rm := r.patient(siteA)
	r.committed(rm, "a", 0)
	holder := xid(siteA)
	r.prepared(rm, holder, r.Write("a", 1))
	waiting := make(map[txn.XID]<-chan answer)
	for range 40 {
		x := xid(siteA)
		waiting[x] = r.background(r.ctx, rm, x, r.Add("a", 1))
	}
	for _, w := range waiting {
		r.stillWaits(w)
		break
	}
	r.commit(rm, holder)
	for len(waiting) > 0 {
		r.finishOne(rm, waiting)
	}
	r.wantNumber("a", 41)
}

// finishOne commits one of the waiting branches that has been prepared by now.
func (r *rig) finishOne(rm participant.ResourceManager, waiting map[txn.XID]<-chan answer) {
	r.Helper()
	r.eventually("one of the waiting prepares", func() bool {
		for x, w := range waiting {
			select {
			case a := <-w:
				if a.err != nil || a.ballot != txn.Commit() {
					r.Fatalf("the answer is %+v, want a vote to commit", a)
				}
				delete(waiting, x)
				r.commit(rm, x)
				return true
			default:
			}
		}
		return false
	})
}

// manyAtOnce: concurrent branches of every outcome do not mix.
func manyAtOnce(r *rig) {
	rm := r.patient(siteA) // on a busy machine the short lock time-out was seen to pass
	const clients, each = 16, 8
	var group sync.WaitGroup
	errs := make(chan error, clients*each)
	for c := range clients {
		group.Go(func() {
			for i := range each {
				errs <- r.transact(rm, fmt.Sprintf("n-%d-%d", c, i), int64(c*each+i), i%2 == 0)
			}
		})
	}
	group.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			r.Fatal(err)
		}
	}
	for c := range clients {
		for i := range each {
			if name := fmt.Sprintf("n-%d-%d", c, i); i%2 == 0 {
				r.wantNumber(name, int64(c*each+i))
			} else {
				r.wantNothing(name)
			}
		}
	}
}

// transact writes a number and commits it or rolls it back.
func (r *rig) transact(rm participant.ResourceManager, name string, value int64, commit bool) error {
	x := xid(siteA)
	ballot, err := rm.Prepare(r.ctx, x, []participant.Call{r.Write(name, value)})
	if err != nil || ballot != txn.Commit() {
		return fmt.Errorf("prepare: %+v, %w", ballot, err)
	}
	if commit {
		return rm.Commit(r.ctx, x)
	}
	return rm.Rollback(r.ctx, x)
}
