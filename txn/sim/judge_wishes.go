package sim

import (
	"slices"

	"github.com/medcommit/medcommit/txn"
)

// judgedWish is an operator's wish and what became of it.
type judgedWish struct {
	txn.Wish
	site   string
	result txn.WishResult
}

// wished notes a wish as it enters an inbox.
func (j *judge) wished(op *txn.Op) {
	for _, wish := range op.Segment.Wishes {
		j.wishes = append(j.wishes, &judgedWish{Wish: wish, site: op.Log.Participant})
	}
}

// forces tells whether an operator's force lets the branch end so in its database: by a wish that is not answered with a refusal.
// The decision may come between the site's look at it and its act, so a wish that knew of none may be ahead of one.
func (j *judge) forces(b branchName, v txn.Verdict) bool {
	return slices.ContainsFunc(j.wishes, func(x *judgedWish) bool {
		return x.Force && x.Key == b.key && x.site == b.site && x.Verdict == v &&
			(x.result == txn.WishNone || x.result == txn.WishDone || x.result == txn.WishFailed)
	})
}

// answers judges what "applied" says of wishes: each has one answer, and the answer is true.
func (j *judge) answers(site string, a *txn.Applied) {
	for _, said := range a.Answers {
		i := slices.IndexFunc(j.wishes, func(x *judgedWish) bool { return x.Nonce == said.Nonce && x.site == site })
		if i < 0 {
			j.w.violate("%s answers a wish %s that nobody had", site, said.Nonce)
			return
		}
		x := j.wishes[i]
		switch x.result {
		case txn.WishNone:
			x.result = said.Result
			j.answered(x)
		case said.Result:
		default:
			j.w.violate("the wish %s at %s is answered %v, then %v", x.Nonce, site, x.result, said.Result)
		}
	}
}

// answered judges the answer "done".
func (j *judge) answered(x *judgedWish) {
	b := branchName{x.Key, x.site}
	t, s := j.trials[x.Key], j.w.sites[x.site]
	if x.result != txn.WishDone || s.restored || j.lost[b] {
		return
	}
	verdict := txn.VerdictNone
	if t.decision != nil {
		verdict = t.decision.Verdict
	}
	switch hand := j.byHand[b]; {
	case hand == x.Verdict || verdict == x.Verdict:
	case verdict == txn.VerdictNone && x.Force && x.Verdict == txn.VerdictAbort:
		t.withdrawn = true // nobody may decide commit any more (R9)
	default:
		j.w.violate("the wish that %s ends by %v at %s is done, and it was decided %v and ended by hand %v", x.Key, x.Verdict, x.site, verdict, hand)
	}
}

// settledShown checks that "applied" names what was ended by hand and against its decision, until that is in history (R13).
func (j *judge) settledShown(site string, a *txn.Applied) {
	if j.w.sites[site].restored {
		return
	}
	for _, k := range j.order {
		b := branchName{k, site}
		t := j.trials[k]
		hand := j.contrary(b)
		if hand == txn.VerdictNone || t.retired || j.isDuplicate(t) || !t.place.Before(a.At) {
			continue
		}
		if !slices.ContainsFunc(a.Settled, func(s txn.Settled) bool { return s.Key == k && s.Verdict == hand }) &&
			!slices.ContainsFunc(a.Unfinished, func(u txn.Unfinished) bool { return u.Key == k }) {
			j.w.violate("%s was decided %v and ended %v by hand at %s, and applied does not say so", k, t.decision.Verdict, hand, site)
		}
	}
}

// contrary is how a decided branch was ended by hand and against its decision.
func (j *judge) contrary(b branchName) txn.Verdict {
	hand := j.byHand[b]
	if t := j.trials[b.key]; t == nil || t.decision == nil || t.decision.Verdict == hand {
		return txn.VerdictNone
	}
	return hand
}

// historyIsLoud checks that history names as heuristic what was ended by hand and against the decision, and nothing else (R13).
func (j *judge) historyIsLoud(p *txn.Past, t *trial) {
	for _, name := range t.sub.Participants {
		b := branchName{t.sub.Key, name}
		if j.w.sites[name].restored || j.lost[b] {
			continue
		}
		shown := txn.OutcomeNone
		for _, h := range p.Heuristics {
			if h.Participant == name {
				shown = h.Outcome
			}
		}
		if want := heuristicOf(j.contrary(b)); shown != want {
			j.w.violate("history says %v of %s at %s, and it was %v", shown, b.key, name, want)
		}
	}
}

func heuristicOf(v txn.Verdict) txn.Outcome {
	switch v {
	case txn.VerdictCommit:
		return txn.OutcomeHeuristicCommit
	case txn.VerdictAbort:
		return txn.OutcomeHeuristicRollback
	}
	return txn.OutcomeNone
}

// viewsAreLoud checks the same of what the coordinators show, once they have read all.
func (j *judge) viewsAreLoud() {
	for _, p := range j.w.processes {
		if p.coord == nil {
			continue
		}
		for _, k := range j.order {
			v, _, live := p.coord.LookupKey(k)
			if !live || j.trials[k].retired {
				continue
			}
			for _, br := range v.Branches {
				b := branchName{k, br.Participant}
				if j.w.sites[b.site].restored || j.lost[b] {
					continue
				}
				shown := br.Outcome == txn.OutcomeHeuristicCommit || br.Outcome == txn.OutcomeHeuristicRollback
				if want := heuristicOf(j.contrary(b)); shown && want != br.Outcome || !shown && want != txn.OutcomeNone {
					j.w.stuck("%s shows %s at %s as %v, and it was %v", p, k, b.site, br.Outcome, want)
				}
			}
		}
	}
}

// allAnswered checks that every wish has its answer.
func (j *judge) allAnswered() {
	for _, x := range j.wishes {
		if x.result == txn.WishNone && !j.w.sites[x.site].restored {
			j.w.stuck("the wish %s at %s is not answered", x.Nonce, x.site)
		}
	}
}
