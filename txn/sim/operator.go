package sim

import (
	"fmt"

	"github.com/medcommit/medcommit/txn"
)

// settleByHand has an operator wish that a branch is settled, knowing of its decision or not (R13).
func (w *world) settleByHand() {
	if len(w.judge.order) == 0 || len(w.judge.wishes) >= maxWishes {
		return
	}
	site, t := w.branchToSettle()
	w.starts++
	wish := txn.Wish{
		Nonce: fmt.Sprintf("w%d", w.starts), Key: t.sub.Key, Verdict: txn.VerdictCommit,
		Force: !w.rng.chance(3), Reason: "by hand",
	}
	if t.decision != nil && !w.rng.chance(4) {
		wish.Decision = t.decision.Verdict
	}
	switch contrary := wish.Decision != txn.VerdictNone && w.rng.chance(2); {
	case contrary && wish.Decision == txn.VerdictCommit, wish.Decision == txn.VerdictNone && w.rng.chance(2),
		!contrary && wish.Decision == txn.VerdictAbort:
		wish.Verdict = txn.VerdictAbort
	}
	w.wishFor(site, wish)
}

// maxWishes is how many wishes one schedule has: fewer than "applied" keeps answers.
const maxWishes = 12

// branchToSettle chooses a branch: mostly one that its site has prepared, for the others are soon answered.
func (w *world) branchToSettle() (string, *trial) {
	from := w.rng.below(len(w.names))
	for i := range w.names {
		name := w.names[(from+i)%len(w.names)]
		list := w.sites[name].db.list()
		if len(list) == 0 || w.rng.chance(4) {
			continue
		}
		if t := w.judge.trials[list[w.rng.below(len(list))].Key]; t != nil {
			return name, t
		}
	}
	t := w.judge.trials[w.judge.order[w.rng.below(len(w.judge.order))]]
	return t.sub.Participants[w.rng.below(len(t.sub.Participants))], t
}

// wishFor writes a wish into a site's inbox.
func (w *world) wishFor(site string, wish txn.Wish) {
	log := txn.Log{Kind: txn.Inbox, Participant: site}
	g, _ := w.zk.logs[log].open(never)
	w.trace("an operator wishes %+v at %s", wish, site)
	seg := &txn.Segment{Batch: wish.Nonce, Wishes: []txn.Wish{wish}}
	w.zk.apply(nil, []txn.Op{{Kind: txn.OpAppend, Log: log, Gen: g.num, Segment: seg}})
	for _, p := range w.processes {
		if p.name == site && w.rng.chance(2) {
			w.hot = p
		}
	}
}
