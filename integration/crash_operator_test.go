package integration

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/medcommit/medcommit/api/client"
	"github.com/medcommit/medcommit/txn"
	"github.com/medcommit/medcommit/txn/failpoint"
)

// Scenes of an operator who settles a branch by hand (R13) or looks at what is prepared.

// held is a transfer of a site and of its neighbour, which died before its own work: the site has voted, and nothing is decided.
type held struct {
	lane            *lane
	request         txn.Request
	site, neighbour string
}

// What a held transfer moves, and the time that it has: longer than any case.
const (
	heldAmount = 3
	heldFor    = "2m"
)

// hold lets a site vote to commit on what stays undecided until its neighbour is back.
func (l *lane) hold(site string) *held {
	l.t.Helper()
	h := &held{lane: l, site: site, neighbour: everySite[(slices.Index(everySite, site)+1)%len(everySite)]}
	l.cluster.Kill(h.neighbour)
	died := l.launch(h.neighbour, crash{point: failpoint.Prepare, side: failpoint.SideBefore})
	l.awaitUp(h.neighbour)
	id := l.books.newID()
	h.request = transferRequest(id, len(id)%accounts, map[string]int{site: heldAmount, h.neighbour: -heldAmount}, "")
	h.request.Timeout = heldFor
	l.must(await(l.ctx, func() bool {
		_, err := l.client.Submit(l.ctx, h.request, txn.WaitNone)
		return err == nil
	}))
	died()
	l.must(await(l.ctx, func() bool { return l.inDoubtAt(site) == 1 }))
	return h
}

// get gives the transaction and the site's branch as the coordinators see them now.
func (h *held) get() (t txn.Transaction, b txn.Branch, ok bool) {
	t, err := h.lane.client.Get(h.lane.ctx, h.request.ID)
	if err != nil {
		return t, b, false
	}
	i := slices.IndexFunc(t.Branches, func(b txn.Branch) bool { return b.Participant == h.site })
	if i < 0 {
		return t, b, false
	}
	return t, t.Branches[i], true
}

// await waits until the coordinators see what is so.
func (h *held) await(what string, so func(txn.Transaction, txn.Branch) bool) {
	h.lane.t.Helper()
	ctx, cancel := context.WithTimeout(h.lane.ctx, endLimit)
	defer cancel()
	var t txn.Transaction
	if err := await(ctx, func() bool {
		now, b, ok := h.get()
		t = now
		return ok && so(now, b)
	}); err != nil {
		h.lane.t.Fatalf("wait until %s: %+v", what, t)
	}
}

// ended waits until the site's branch has an outcome, which is to be want.
func (h *held) ended(want txn.Outcome) {
	h.lane.t.Helper()
	got := txn.OutcomeNone
	h.await("the branch has ended", func(_ txn.Transaction, b txn.Branch) bool { got = b.Outcome; return got != txn.OutcomeNone })
	if got != want {
		h.lane.t.Errorf("the branch at %s is %v, and not %v", h.site, got, want)
	}
}

// outcome waits for the decision, and tells the books.
func (h *held) outcome() txn.Transaction {
	h.lane.t.Helper()
	h.await("it is decided", func(t txn.Transaction, _ txn.Branch) bool { return t.State.Decided() })
	t, _, _ := h.get()
	h.lane.must(h.lane.books.told(t))
	return t
}

// wish has an operator ask for the branch to be settled, once, and gives what waits for the answer.
func (h *held) wish(c *client.Client, v txn.Verdict, force bool) (answered func()) {
	over := make(chan struct{})
	go func() {
		defer close(over)
		// What the operator hears depends on who died; what was done is asked for afterwards.
		_, _, _ = c.Resolve(h.lane.ctx, h.request.ID, txn.Resolution{Participant: h.site, Verdict: v, Force: force, Reason: "a test"})
	}()
	return func() { <-over }
}

// dies starts the process that c is about, so that it dies there: a site, or the coordinator that is asked by the client it gives.
func (l *lane) dies(c crash) (asked *client.Client, name string, died func()) {
	l.t.Helper()
	asked, name = l.client, c.who
	if name == "" {
		var leader string
		leader, name = l.roles()
		asked = l.clientOf(name, leader)
	}
	l.cluster.Kill(name)
	died = l.launch(name, c)
	l.awaitUp(name)
	return asked, name, died
}

// site is where the scenes of a coordinator's death take place.
func (c crash) site() string {
	if c.who == "" {
		return "pharmacy"
	}
	return c.who
}

// written tells whether what p writes is there after the death.
func (c crash) written(p failpoint.Point) bool { return c.point != p || c.side == failpoint.SideAfter }

// aftermath tries the cluster once more, and audits.
func (l *lane) aftermath() {
	l.t.Helper()
	l.load(l.client).end()
	l.awaitUnprepared(true)
	l.audit()
}

// force: an operator has an undecided branch committed by hand, and a process dies at it. While it is away the transaction is aborted.
// An intent that was written is carried out whatever is decided, and the mismatch is reported; a wish that was not heeded before the
// decision never beats it (R13).
func (l *lane) force(c crash) {
	asked, name, died := l.dies(c)
	h := l.hold(c.site())
	answered := h.wish(asked, txn.VerdictCommit, true)
	died()
	done := c.written(failpoint.Wish) && c.written(failpoint.Intent)
	if c.who == "" && done {
		h.ended(txn.OutcomeHeuristicCommit)
	}
	if _, b, ok := h.get(); c.point == failpoint.Wish && !done && (!ok || b.Outcome != txn.OutcomeNone) {
		l.t.Errorf("the wish was never written, and the branch has ended: %v", b.Outcome)
	}
	_, err := l.patient.Abort(l.ctx, h.request.ID)
	l.must(err)
	l.restart(name)
	answered()
	t := h.outcome()
	if done {
		l.books.settledByHand(t, h.site)
		h.ended(txn.OutcomeHeuristicCommit)
	} else {
		h.ended(txn.OutcomeRolledBack)
	}
	l.restart(h.neighbour)
	l.aftermath()
}

// retract: an operator has an undecided branch rolled back by hand, and a process dies at it. That is a withdrawal and no heuristic
// (R9): once it is wished nothing is committed anywhere, and where the wish was not written the neighbour's vote lets it be committed.
func (l *lane) retract(c crash) {
	asked, name, died := l.dies(c)
	h := l.hold(c.site())
	answered := h.wish(asked, txn.VerdictAbort, true)
	died()
	l.restart(name)
	wished := c.written(failpoint.Wish)
	if wished {
		h.ended(txn.OutcomeRolledBack)
	}
	l.restart(h.neighbour)
	answered()
	if t := h.outcome(); t.State.Commit() == wished || wished && (t.Reason == nil || t.Reason.Code != txn.ReasonWithdrawn) {
		l.t.Errorf("the wish was written: %v; the transaction is %v, %+v", wished, t.State, t.Reason)
	}
	if !wished {
		h.ended(txn.OutcomeCommitted)
	}
	l.aftermath()
}

// settle: a site died before it committed what was decided; an operator wants it done as decided meanwhile, without force. The site
// dies again at that.
func (l *lane) settle(c crash) {
	l.cluster.Kill(c.who)
	first := l.launch(c.who, crash{point: failpoint.Commit, side: failpoint.SideBefore})
	l.awaitUp(c.who)
	h := l.hold(c.who)
	l.restart(h.neighbour)
	if t := h.outcome(); !t.State.Commit() {
		l.t.Fatalf("the transaction is %v: %+v", t.State, t.Reason)
	}
	first()
	other := txn.Resolution{Participant: c.who, Verdict: txn.VerdictAbort, Reason: "a test"}
	if _, _, err := l.patient.Resolve(l.ctx, h.request.ID, other); !errors.Is(err, txn.ErrNotAsDecided) {
		l.t.Errorf("an operator who does not force was allowed another end than was decided: %v", err)
	}
	answered := h.wish(l.client, txn.VerdictCommit, false)
	l.must(await(l.ctx, func() bool {
		return strings.Contains(l.log("c1")+l.log("c2"), "operator settles a branch: transaction="+h.request.ID)
	}))
	l.launch(c.who, c)()
	l.restart(c.who)
	answered()
	h.ended(txn.OutcomeCommitted)
	l.aftermath()
}

// list: an operator lists what is prepared, and a process dies at it. Whoever asks again hears of the branch.
func (l *lane) list(c crash) {
	h := l.hold(c.site())
	asked, name, died := l.dies(c) // it may be soon: a site that is new takes up the last question
	over := make(chan struct{})
	go func() {
		defer close(over)
		_, _ = asked.InDoubt(l.ctx) // of him who dies
	}()
	died()
	<-over
	l.restart(name)
	var all txn.InDoubt
	l.must(await(l.ctx, func() bool {
		var err error
		all, err = l.client.InDoubt(l.ctx)
		return err == nil && !slices.Contains(all.Unanswered, h.site)
	}))
	listed := slices.DeleteFunc(all.Branches, func(b txn.InDoubtBranch) bool {
		return b.Participant != h.site || b.Decision == txn.ProspectForeign // the servers are shared
	})
	if len(listed) != 1 || listed[0].Transaction != h.request.ID || listed[0].Decision != txn.ProspectUndecided {
		l.t.Errorf("%s is prepared and undecided at %s, and listed is %+v", h.request.ID, h.site, listed)
	}
	l.restart(h.neighbour)
	if t := h.outcome(); !t.State.Commit() {
		l.t.Errorf("the transaction is %v: %+v", t.State, t.Reason)
	}
	l.aftermath()
}
