package integration

import (
	"context"
	"slices"
	"time"

	"github.com/medcommit/medcommit/txn"
	"github.com/medcommit/medcommit/txn/failpoint"
)

// serve: a site dies at its work. Where it dies without its act, it stays away until the others' transactions have gone to history: what
// is decided and needed there must not have gone with them, nor what another site needs that is killed meanwhile, and whose requests
// stand undecided beside decided ones. Else it is back at once, while its old session lasts.
func (l *lane) serve(c crash) {
	l.cluster.Kill(c.who)
	died := l.launch(c.who, c)
	l.awaitUp(c.who)
	load := l.load(l.client)
	died()
	if slow[c.point] && c.side != failpoint.SideAfter {
		l.outlive(c.who)
		neighbour := everySite[(slices.Index(everySite, c.who)+1)%len(everySite)]
		l.cluster.Kill(neighbour)
		l.restart(neighbour)
	}
	l.restart(c.who)
	load.end()
	l.audit()
}

// slow are the steps by which what was decided before is needed no more.
var slow = map[failpoint.Point]bool{
	failpoint.Commit: true, failpoint.Rollback: true, failpoint.Applied: true, failpoint.SiteRow: true, failpoint.VoteCommit: true,
}

// recover: a site that died with branches in doubt dies again while it recovers.
func (l *lane) recover(c crash) {
	l.cluster.Kill(c.who)
	first := l.launch(c.who, crash{point: failpoint.VoteCommit, side: failpoint.SideBefore, times: 2})
	l.awaitUp(c.who)
	load := l.load(l.client)
	first()
	l.launch(c.who, c)()
	l.restart(c.who)
	load.end()
	l.audit()
}

// silence lets both coordinators die, one after the other, before a decision to commit is logged, and not before whoever they may have
// told of it has heard: what is voted on then stays undecided until revive.
func (l *lane) silence() (died func(), revive func()) {
	l.t.Helper()
	undecided := crash{point: failpoint.DecideCommit, side: failpoint.SideHeld}
	leader, standby := l.roles()
	l.cluster.Kill(standby)
	first := l.launch(standby, undecided)
	l.awaitUp(standby)
	l.cluster.Kill(leader)
	second := l.launch(leader, undecided)
	l.awaitUp(leader)
	return func() {
			l.t.Helper()
			first()
			second()
		}, func() {
			l.t.Helper()
			l.must(l.cluster.Launch(leader))
			l.must(l.cluster.Launch(standby))
			l.must(l.cluster.AwaitReady(l.ctx, leader))
			l.must(l.cluster.AwaitReady(l.ctx, standby))
		}
}

// recoverAlone: every vote is there, but no coordinator. The site is killed, and dies again as it recovers, while its first session's
// votes can still be relied on; then the coordinators are back.
func (l *lane) recoverAlone(c crash) {
	l.t.Helper()
	died, revive := l.silence()
	load := l.load(l.client)
	died()
	l.cluster.Kill(c.who)
	l.launch(c.who, c)()
	l.must(l.cluster.Launch(c.who))
	revive()
	l.must(l.cluster.AwaitReady(l.ctx, c.who))
	load.end()
	l.audit()
}

// withdraw: every coordinator dies before a decision to commit is logged, and stays away; the site, left alone, dies as it takes its
// votes back. All sites free themselves, and nothing is committed by the coordinators that come back.
func (l *lane) withdraw(c crash) {
	l.cluster.Kill(c.who)
	gone := l.launch(c.who, c)
	l.awaitUp(c.who)
	died, revive := l.silence()
	load := l.load(l.client)
	died()
	gone()
	l.must(l.cluster.Launch(c.who))
	l.must(l.cluster.AwaitReady(l.ctx, c.who))
	l.awaitUnprepared(true)
	revive()
	load.end()
	l.audit()
}

// overtaken: every coordinator dies before a site's only branch is decided to commit; the site, left alone, dies as it withdraws, and
// the coordinators are back while its vote still stands. What was not withdrawn is committed, so it must not be rolled back (R9).
func (l *lane) overtaken(c crash) {
	l.cluster.Kill(c.who)
	gone := l.launch(c.who, c)
	l.awaitUp(c.who)
	died, revive := l.silence()
	h := &held{lane: l, site: c.who, request: transferRequest(l.books.newID(), 0, map[string]int{c.who: 0}, "")}
	h.request.Timeout = heldFor
	l.must(await(l.ctx, func() bool {
		_, err := l.client.Submit(l.ctx, h.request, txn.WaitNone)
		return err == nil
	}))
	died()
	gone()
	revive()
	ctx, cancel := context.WithTimeout(l.ctx, voteStands)
	defer cancel()
	_ = await(ctx, func() bool { t, _, ok := h.get(); return ok && t.State.Decided() }) // where it came too late, the site votes again
	l.restart(c.who)
	if t := h.outcome(); t.State.Commit() == (c.side == failpoint.SideAfter) {
		l.t.Errorf("the site died at %v its withdrawal, and the transaction is %v: %+v", c.side, t.State, t.Reason)
	}
	l.aftermath()
}

// voteStands is for how long a vote can stand after its process has died: a session.
const voteStands = 5 * time.Second

// behind: a site that can do little in one request has applied more than it has tidied away, and dies. It stays away until what it has
// applied is forgotten, as far as that may be: the decisions that its inbox still needs must be there when it is back (R11).
func (l *lane) behind(c crash) {
	l.cluster.Kill(c.who)
	died := l.launch(c.who, c, failpoint.Environment+"_OPS=3")
	l.awaitUp(c.who)
	load := l.loadFor(l.client, heldFor) // else a branch that nobody decides would be withdrawn before it is noticed
	died()
	l.outlive(c.who)
	l.restart(c.who)
	load.end()
	ctx, cancel := context.WithTimeout(l.ctx, endLimit)
	defer cancel()
	if await(ctx, func() bool { return l.inDoubtAt(c.who) == 0 }) != nil {
		l.t.Errorf("everything is decided, and %d branches are in doubt at %s", l.inDoubtAt(c.who), c.who)
	}
	l.audit()
}
