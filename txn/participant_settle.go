package txn

import "slices"

// Wishes (R13): an operator settles a branch by hand. A wish is a record of the inbox; it is judged once the decisions have been
// read to their end after it, and answered in the multi that deletes it, so that it is carried out again after a crash and never
// after its answer. What is decided is tried again at once; a forced roll-back of an undecided branch is a withdrawal and no
// heuristic (R9); everything else that is forced is heuristic, is named in "applied" and compared with the decision.

// maxAnswers is how many answers "applied" keeps for their wishers.
const maxAnswers = 32

// wish is one that was read and not answered.
type wish struct {
	Wish
	segment *inboxSegment
	read    bool // the decisions were read to their end since
	tried   bool
}

func (p *Participant) readWishes(s *inboxSegment, wishes []Wish) {
	for _, w := range wishes {
		if slices.ContainsFunc(p.applied.written.Answers, func(a WishAnswer) bool { return a.Nonce == w.Nonce }) {
			continue
		}
		p.inbox.wishes = append(p.inbox.wishes, &wish{Wish: w, segment: s})
		s.open++
	}
}

// hearWishes reads the decisions to their end for new wishes, after a write of its own (R6).
func (p *Participant) hearWishes() {
	fresh := slices.DeleteFunc(slices.Clone(p.inbox.wishes), func(w *wish) bool { return w.read })
	if p.phase != phaseRunning || p.inbox.hearing || len(fresh) == 0 {
		return
	}
	p.inbox.hearing = true
	p.touch(func() {
		p.readToEnd(p.decisionsLog(), func(LogEnd) {
			p.inbox.hearing = false
			for _, w := range fresh {
				w.read = true
			}
			p.judgeWishes()
		})
	})
}

func (p *Participant) judgeWishes() {
	if p.phase != phaseRunning || len(p.inbox.wishes) == 0 {
		return
	}
	var left []*wish
	for _, w := range p.inbox.wishes {
		r := WishNone
		if w.read {
			r = p.grant(w)
		}
		if r == WishNone {
			left = append(left, w)
			continue
		}
		p.answerWish(w, r)
	}
	p.inbox.wishes = left
}

func (p *Participant) answerWish(w *wish, r WishResult) {
	p.applied.answers = append(p.applied.answers, WishAnswer{Nonce: w.Nonce, Result: r})
	if n := len(p.applied.answers) - maxAnswers; n > 0 {
		p.applied.answers = slices.Delete(p.applied.answers, 0, n)
	}
	p.applied.restless = true
	p.emit(WishAnswered{Wish: w.Wish, Result: r})
	if b := p.branches[w.Key]; b != nil {
		p.dropIntent(b)
	}
	w.segment.open--
	if w.segment.open == 0 {
		p.discardSegment(w.segment)
	}
}

// grant does what a wish says, or refuses it; WishNone: not known yet.
func (p *Participant) grant(w *wish) WishResult {
	b := p.branches[w.Key]
	switch {
	case w.Verdict == VerdictNone, b == nil, b.segment == nil && b.verdict == VerdictNone:
		return WishUnknown
	case b.finished || b.hand:
		if b.end() == w.Verdict {
			return WishDone
		}
		return WishFinished
	case !w.Force && b.verdict == VerdictNone:
		return WishUndecided
	case b.call != callNone || !b.known:
		return WishNone
	case b.settled != VerdictNone: // it is under way by force, also from a session before
		return w.again(b.settled == w.Verdict)
	case b.verdict == w.Verdict:
		return p.grantDecided(w, b)
	case b.verdict != VerdictNone && (!w.Force || w.Decision != b.verdict):
		return WishContrary
	case b.verdict == VerdictNone && w.Verdict == VerdictAbort:
		return p.grantWithdrawal(b)
	}
	return p.grantHeuristic(w, b)
}

// again tells a wish whose branch is tried on and on that it fails; one for another end waits.
func (w *wish) again(same bool) WishResult {
	if same && w.tried {
		return WishFailed
	}
	w.tried = w.tried || same
	return WishNone
}

// end is how the branch ended in the database.
func (b *branch) end() Verdict {
	if b.hand {
		return b.settled
	}
	return b.verdict
}

func (p *Participant) grantDecided(w *wish, b *branch) WishResult {
	if w.tried {
		return WishFailed
	}
	w.tried = true
	p.carryOut(b)
	return WishNone
}

func (p *Participant) grantWithdrawal(b *branch) WishResult {
	if b.withdrawn && b.free && !b.prepared {
		return WishDone
	}
	p.wishWithdrawal(b.key)
	return WishNone
}

func (p *Participant) grantHeuristic(w *wish, b *branch) WishResult {
	begun := b.stand != StandWaiting && b.stand != StandWorking
	switch {
	case b.verdict == VerdictNone && b.withdrawn:
		return WishWithdrawn
	case len(p.applied.settled) >= maxUnfinished && !p.named(b):
		return WishFull
	case b.past && w.Verdict == VerdictAbort:
		return WishDone // it stays named until history has forgotten it
	case b.lost && w.Verdict == VerdictAbort: // it is not there: the operator takes note
		b.settled = VerdictAbort
		p.handed(b)
		return WishDone
	case !b.prepared && !begun:
		return WishNone
	case !b.prepared:
		return WishNotPrepared
	case !p.intends(b, w.Verdict):
		return WishNone
	}
	w.tried = true
	b.settled = w.Verdict
	p.finish(b, w.Verdict)
	return WishNone
}

// handed notes a branch that was ended by hand.
func (p *Participant) handed(b *branch) {
	b.hand, b.prepared = true, false
	p.noteSettled(b)
	p.applied.restless = true
	p.emit(SettledByHand{Key: b.key, Verdict: b.settled, Decision: b.verdict})
	if b.verdict != VerdictNone {
		p.compare(b)
		return
	}
	if b.ballot.Vote == VoteNone {
		b.ballot = Commit() // it is committed, in a session before: only a commit is forced on what is undecided
	}
	if b.withdrawn {
		p.stand(b, StandVoted)
		return
	}
	p.vote(b) // once more, for one that is there may be of a session that ends
}

// compare ends a branch that was settled by hand and is decided: what contradicts its decision stays named (R13).
func (p *Participant) compare(b *branch) {
	for i := range p.applied.settled {
		if s := &p.applied.settled[i]; s.Key == b.key {
			s.Decision = b.verdict
		}
	}
	if b.settled == b.verdict {
		p.applied.settled = slices.DeleteFunc(p.applied.settled, func(s Settled) bool { return s.Key == b.key })
	} else {
		p.emit(HeuristicMismatch{Key: b.key, Verdict: b.settled, Decision: b.verdict})
	}
	p.applied.restless = true
	p.done(b)
}

// takeSettled goes on with what was settled by hand in a session before; what no log knows any more is in history.
func (p *Participant) takeSettled() {
	p.applied.answers = slices.Clone(p.applied.written.Answers)
	for _, s := range p.applied.written.Settled {
		b := p.branches[s.Key]
		if b == nil || b.segment == nil && b.verdict == VerdictNone {
			p.applied.restless = true
			continue
		}
		b.settled, b.hand = s.Verdict, !s.Begun
		p.applied.settled = append(p.applied.settled, s)
	}
}
