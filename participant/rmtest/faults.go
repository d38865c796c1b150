package rmtest

import (
	"errors"
	"slices"

	"github.com/medcommit/medcommit/participant"
	"github.com/medcommit/medcommit/participant/dbtest"
	"github.com/medcommit/medcommit/txn"
)

// outlivesKill: what was said to be prepared is there after kill -9 of the database, for the same process and for a new one (R1).
func outlivesKill(r *rig) {
	rm := r.process(siteA)
	x, y, z := xid(siteA), xid(siteA), xid(siteA)
	r.prepared(rm, x, r.Write("a", 1))
	r.prepared(rm, y, r.Write("b", 1))
	r.prepared(rm, z, r.Write("c", 1))
	r.Kill(r.T)
	r.Restart(r.T)
	r.eventually("the commit", func() bool { return r.again(rm.Commit(r.ctx, x)) })
	r.wantStanding(rm, x, participant.StandingCommitted)
	r.rollback(rm, y)
	r.Kill(r.T)
	r.Restart(r.T)
	rm = r.process(siteA)
	r.wantStanding(rm, x, participant.StandingCommitted)
	r.wantStanding(rm, y, participant.StandingNone)
	r.commit(rm, z)
	r.wantNumber("a", 1)
	r.wantNothing("b")
	r.wantNumber("c", 1)
}

// again tells whether a call that is to be repeated until it gets through has; data loss is never an answer.
func (r *rig) again(err error) bool {
	r.Helper()
	if errors.Is(err, participant.ErrUnknownBranch) {
		r.Fatalf("a prepared branch is unknown: %v", err)
	}
	return err == nil
}

// databaseDown: nothing is claimed of a database that does not answer, and the process goes on when it does.
func databaseDown(r *rig) {
	rm := r.process(siteA)
	x, y := xid(siteA), xid(siteA)
	r.prepared(rm, x, r.Write("a", 1))
	r.Kill(r.T)
	a := await(r, "the prepare", r.background(r.ctx, rm, y, r.Write("b", 1)))
	if !errors.Is(a.err, participant.ErrInDoubt) && a != (answer{ballot: txn.Abort(txn.DetailDatabaseUnavailable)}) {
		r.Errorf("the answer is %+v, want database-unavailable or ErrInDoubt", a)
	}
	_, lookup := rm.Lookup(r.ctx, x)
	_, list := rm.Prepared(r.ctx)
	for _, err := range []error{rm.Commit(r.ctx, x), rm.Rollback(r.ctx, x), lookup, list} {
		if err == nil || errors.Is(err, participant.ErrUnknownBranch) {
			r.Errorf("error is %v of a database that is down", err)
		}
	}
	r.Restart(r.T)
	r.eventually("the commit", func() bool { return r.again(rm.Commit(r.ctx, x)) })
	r.wantStanding(rm, y, participant.StandingNone)
	r.wantNumber("a", 1)
	r.committed(rm, "b", 2)
}

func openWhileDown(r *rig) {
	r.Kill(r.T)
	rm := r.New(r.T)
	r.wantError(rm.Open(r.ctx, cluster, siteA, 1), participant.ErrUnavailable)
	r.Restart(r.T)
	r.committed(r.opened(rm, siteA), "a", 1)
}

// settled asks for a branch until there is an answer: connections that are broken may have to be found out first.
func (r *rig) settled(rm participant.ResourceManager, x txn.XID) {
	r.Helper()
	r.eventually("an answer of the database", func() bool {
		_, err := rm.Lookup(r.ctx, x)
		return err == nil
	})
}

// lossy is a process whose connection can be cut.
func (r *rig) lossy() (participant.ResourceManager, *dbtest.Proxy) {
	r.Helper()
	proxy := dbtest.NewProxy(r.T, r.Address)
	return r.opened(r.NewThrough(r.T, proxy), siteA), proxy
}

// lostAnswerPrepared: the database prepares, the answer never comes (R16).
func lostAnswerPrepared(r *rig) {
	rm, proxy := r.lossy()
	r.committed(rm, "warm", 1)
	x := xid(siteA)
	proxy.Swallow(r.PrepareText)
	done := r.background(r.ctx, rm, x, r.Write("a", 1))
	other := r.New(r.T)
	r.open = append(r.open, other)
	if err := other.Open(r.ctx, cluster, siteB, 1); err != nil {
		r.Fatalf("open: %v", err)
	}
	r.eventually("the branch to be prepared", func() bool {
		return slices.ContainsFunc(r.list(other), func(b participant.PreparedBranch) bool { return b.XID == x })
	})
	proxy.Cut()
	r.wantError(await(r, "the prepare", done).err, participant.ErrInDoubt)
	r.settled(rm, x)
	r.wantStanding(rm, x, participant.StandingPrepared)
	r.commit(rm, x)
	r.wantNumber("a", 1)
}

// lostRequest: the connection breaks before the database is asked to prepare.
func lostRequest(r *rig) {
	rm, proxy := r.lossy()
	r.committed(rm, "warm", 1)
	x := xid(siteA)
	proxy.CutBefore(r.PrepareText)
	r.wantAbortOrDoubt(await(r, "the prepare", r.background(r.ctx, rm, x, r.Write("a", 1))))
	r.settled(rm, x)
	r.wantStanding(rm, x, participant.StandingNone)
	r.committed(rm, "a", 2)
}

// lostWhileWaiting: the connection breaks while the work waits for a lock; whoever asks afterwards learns what cannot change.
func lostWhileWaiting(r *rig) {
	rm, proxy := r.lossy()
	r.committed(rm, "warm", 1)
	holder, x := xid(siteA), xid(siteA)
	r.prepared(rm, holder, r.Write("a", 1))
	waiting := r.background(r.ctx, rm, x, r.Write("a", 2))
	r.stillWaits(waiting)
	proxy.Cut()
	r.wantAbortOrDoubt(await(r, "the prepare", waiting))
	r.settled(rm, x)
	r.wantStanding(rm, x, participant.StandingNone)
	r.wantNeverPrepared(rm, x, rm, holder)
}
