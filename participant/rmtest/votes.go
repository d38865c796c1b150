package rmtest

import (
	"github.com/medcommit/medcommit/participant"
	"github.com/medcommit/medcommit/txn"
)

func commits(r *rig) {
	rm := r.process(siteA)
	x := xid(siteA)
	r.wantStanding(rm, x, participant.StandingNone)
	r.prepared(rm, x, r.Write("a", 1))
	r.wantNothing("a")
	r.commit(rm, x)
	r.wantNumber("a", 1)
}

func rollsBack(r *rig) {
	rm := r.process(siteA)
	x := xid(siteA)
	r.prepared(rm, x, r.Write("a", 1))
	r.rollback(rm, x)
	r.wantStanding(rm, x, participant.StandingNone)
	r.wantNothing("a")
}

func executesInOrder(r *rig) {
	rm := r.process(siteA)
	x := xid(siteA)
	r.prepared(rm, x, r.Write("a", 1), r.Write("b", 5), r.Write("a", 2), r.Add("b", -5), r.Add("b", 3))
	r.commit(rm, x)
	r.wantNumber("a", 2)
	r.wantNumber("b", 3)
}

// repeatedAndCrossed: every order of the second phase does what the first of them did, and says so (R7).
func repeatedAndCrossed(r *rig) {
	rm := r.process(siteA)
	x := xid(siteA)
	r.prepared(rm, x, r.Write("a", 1))
	r.commit(rm, x)
	r.commit(rm, x)
	r.rollback(rm, x)
	r.wantStanding(rm, x, participant.StandingCommitted)
	r.commit(rm, x)
	r.wantNumber("a", 1)

	y := xid(siteA)
	r.prepared(rm, y, r.Write("a", 2))
	r.rollback(rm, y)
	r.rollback(rm, y)
	r.wantError(rm.Commit(r.ctx, y), participant.ErrUnknownBranch)
	r.wantNumber("a", 1)
}

func unknownBranch(r *rig) {
	rm := r.process(siteA)
	x := xid(siteA)
	r.wantError(rm.Commit(r.ctx, x), participant.ErrUnknownBranch)
	r.rollback(rm, x)
	r.wantStanding(rm, x, participant.StandingNone)
}

// preparedTwice: the second prepare, of the same process and of a later one, finds the branch and leaves it alone.
func preparedTwice(r *rig) {
	rm := r.process(siteA)
	r.committed(rm, "a", 10)
	x := xid(siteA)
	r.prepared(rm, x, r.Add("a", 1))
	r.prepared(rm, x, r.Add("a", 1))
	rm = r.process(siteA)
	r.prepared(rm, x, r.Add("a", 1))
	r.commit(rm, x)
	r.wantNumber("a", 11)
}

// preparedAfterCommit: the gid is free again, the marker is not (R7).
func preparedAfterCommit(r *rig) {
	rm := r.process(siteA)
	r.committed(rm, "a", 10)
	x := xid(siteA)
	r.prepared(rm, x, r.Add("a", 1))
	r.commit(rm, x)
	r.wantBallot(r.prepare(rm, x, r.Add("a", 1)), txn.Commit())
	r.wantStanding(rm, x, participant.StandingCommitted)
	r.commit(rm, x)
	r.wantNumber("a", 11)
}

func preparedByTwo(r *rig) {
	first := r.process(siteA)
	r.committed(first, "a", 10)
	second := r.process(siteA)
	for range 5 {
		x := xid(siteA)
		one, two := r.background(r.ctx, first, x, r.Add("a", 1)), r.background(r.ctx, second, x, r.Add("a", 1))
		votes := 0
		for _, a := range []answer{await(r, "the first", one), await(r, "the second", two)} {
			if a.err == nil && a.ballot == txn.Commit() {
				votes++
			}
		}
		if votes == 0 {
			r.Fatal("neither of two prepares of one branch got through")
		}
		r.commit(second, x)
	}
	r.wantNumber("a", 15)
}

func readOnly(r *rig) {
	rm := r.process(siteA)
	r.committed(rm, "a", 1)
	x := xid(siteA)
	r.wantBallot(r.prepare(rm, x, r.Check("a", 1), r.Check("a", 1)), txn.ReadOnly())
	r.wantStanding(rm, x, participant.StandingNone)
	r.committed(rm, "a", 2)
}

func failedCheck(r *rig) {
	rm := r.process(siteA)
	r.committed(rm, "a", 1)
	for _, calls := range [][]participant.Call{
		{r.Check("a", 2)}, {r.Check("a", 1), r.Check("a", 2)}, {r.Write("b", 1), r.Check("a", 2)}, {r.Check("a", 2), r.Write("b", 1)},
	} {
		x := xid(siteA)
		if got := r.prepare(rm, x, calls...); got.Vote != txn.VoteAbort || got.Retryable {
			r.Fatalf("ballot is %+v, want a vote to abort for good", got)
		}
		r.wantStanding(rm, x, participant.StandingNone)
	}
	r.wantNothing("b")
}

func checkInWritingBranch(r *rig) {
	rm := r.process(siteA)
	r.committed(rm, "a", 1)
	x := xid(siteA)
	r.prepared(rm, x, r.Check("a", 1), r.Write("b", 1))
	r.commit(rm, x)
	r.wantNumber("b", 1)
}

// refuse runs the i-th refusal after a write: the vote is right, nothing is prepared, nothing stays, and the next branch works.
func refuse(r *rig, i int) {
	rm := r.patient(siteA)
	refusal := r.Refusals[i]
	x := xid(siteA)
	calls := append([]participant.Call{r.Write("before", 1)}, refusal.Calls...)
	calls = append(calls, r.Write("after", 1))
	prepare := func() txn.Ballot { return r.prepare(rm, x, calls...) }
	if refusal.Around != nil {
		r.wantBallot(refusal.Around(r.T, prepare), refusal.Want)
	} else {
		r.wantBallot(prepare(), refusal.Want)
	}
	r.wantStanding(rm, x, participant.StandingNone)
	r.wantNothing("before")
	r.wantError(rm.Commit(r.ctx, x), participant.ErrUnknownBranch)
	r.rollback(rm, x)
	r.committed(rm, "before", 2)
	r.committed(rm, "after", 2)
}
