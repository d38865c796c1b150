package txn

import (
	"cmp"
	"slices"
	"time"
)

// Withdrawal (R9): a site that is left alone takes back its votes to commit and says so for good, in one multi, so that nobody
// can decide commit any more; only then, and only where the decisions that are there do not say otherwise, it rolls back.

// maxWithdrawn is how many branches one withdrawal takes.
const maxWithdrawn = 100

// wishWithdrawal notes that a branch is to be withdrawn: an operator's wish, or the machine's own after a long wait.
func (p *Participant) wishWithdrawal(k Key) {
	b := p.branches[k]
	if p.phase == phaseRunning && b != nil && b.withdrawable() && !slices.Contains(p.votes.wishes, b) {
		p.votes.wishes = append(p.votes.wishes, b)
	}
}

func (b *branch) withdrawable() bool {
	return b.segment != nil && b.verdict == VerdictNone && !b.withdrawn
}

// withdrawAged looks for a leader while branches wait, and withdraws those that have waited long enough where none was there at
// any look for as long: a moment without one, as when ZooKeeper stalled and ended every session, says little.
func (p *Participant) withdrawAged() {
	after := p.cfg.WithdrawAfter
	if after <= 0 || p.now < p.votes.nextLook {
		return
	}
	every := min(after/4, time.Second)
	p.votes.nextLook = p.now + every
	for _, b := range p.aged(after) {
		if b.overdue(p.now, after) {
			p.wishWithdrawal(b.key)
		}
	}
	if len(p.aged(every)) == 0 {
		p.votes.alone = false
		return
	}
	p.listNode("election", func(l NodeListed) {
		switch {
		case len(l.Children) > 0:
			p.votes.alone = false
		case !p.votes.alone:
			p.votes.alone, p.votes.aloneSince = true, p.now
		case p.now-p.votes.aloneSince >= after:
			for _, b := range p.aged(after) {
				p.wishWithdrawal(b.key)
			}
		}
	})
}

func (p *Participant) aged(after time.Duration) []*branch {
	var list []*branch
	for _, b := range p.branches {
		if b.inDoubt() && !b.clouded && p.now-b.since >= after {
			list = append(list, b)
		}
	}
	slices.SortFunc(list, func(a, b *branch) int { return cmp.Compare(a.key, b.key) })
	return list
}

// withdraw begins a withdrawal; the lane is its own until it is over.
func (p *Participant) withdraw() {
	wishes := p.votes.wishes
	n := min(len(wishes), maxWithdrawn)
	p.votes.wishes = slices.Clone(wishes[n:])
	p.votes.busy = true
	p.listForWithdrawal(wishes[:n:n])
}

func (p *Participant) listForWithdrawal(wished []*branch) {
	p.touch(func() {
		p.listLog(p.votesLog(), func(l LogListed) { p.withdrawListed(wished, l) })
	})
}

// withdrawal is one multi of a withdrawal.
type withdrawal struct {
	name    string // of its batch
	wished  []*branch
	deleted []Pos
	others  []VoteRecord // the other votes of the deleted segments
}

func (p *Participant) withdrawListed(wished []*branch, l LogListed) {
	p.votes.gen = l.Gen
	wished = slices.DeleteFunc(slices.Clone(wished), func(b *branch) bool { return !b.withdrawable() })
	if len(wished) == 0 {
		p.votes.busy = false
		return
	}
	w := p.planWithdrawal(wished, l.Entries)
	if len(wished) > 1 && (len(w.deleted)+4 > p.cfg.MaxOps || p.votes.limit > 0) {
		p.votes.wishes = append(p.votes.wishes, wished[1:]...)
		w = p.planWithdrawal(wished[:1], l.Entries)
	}
	p.fencedMulti(p.withdrawalOps(w), func(r multiResult) { p.withdrawalAnswered(w, r) })
}

// planWithdrawal picks every segment that holds a vote to commit, or read-only, for one of wished, whoever owns it, and every
// ephemeral one that cannot be read, for it may.
func (p *Participant) planWithdrawal(wished []*branch, entries []Entry) *withdrawal {
	w := &withdrawal{name: p.nextBatch(), wished: wished}
	keys := make(map[Key]bool, len(wished))
	for _, b := range wished {
		keys[b.key] = true
	}
	index := map[Key]int{}
	for _, e := range entries {
		if !holdsCommit(e, keys) {
			continue
		}
		w.deleted = append(w.deleted, e.Pos)
		if e.Segment == nil {
			continue
		}
		for _, v := range e.Segment.Votes {
			if !keys[v.Key] && p.keepsVote(v) {
				w.keep(v, index)
			}
		}
	}
	if room := p.voteLimit() - len(wished) - len(w.deleted); len(w.others) > room {
		w.others = w.others[:max(room, 0)] // the rest is voted again
	}
	return w
}

func holdsCommit(e Entry, keys map[Key]bool) bool {
	if e.Segment == nil {
		return e.Ephemeral
	}
	return slices.ContainsFunc(e.Segment.Votes, func(v VoteRecord) bool {
		return keys[v.Key] && (v.Vote == VoteCommit || v.Vote == VoteReadOnly) // a commit may rest on either
	})
}

// keepsVote tells whether another vote of a deleted segment is to be written again. A vote to commit is repeated only for a branch
// that this process knows to be prepared (R1); one that vanishes merely waits for the next (R8).
func (p *Participant) keepsVote(v VoteRecord) bool {
	b := p.branches[v.Key]
	return b != nil && b.verdict == VerdictNone && (v.Vote != VoteCommit || b.prepared && !b.withdrawn)
}

// keep takes v, where a vote to abort beats any other of the same key (R2).
func (w *withdrawal) keep(v VoteRecord, index map[Key]int) {
	i, known := index[v.Key]
	switch {
	case !known:
		index[v.Key] = len(w.others)
		w.others = append(w.others, v)
	case v.Vote == VoteAbort:
		w.others[i] = v
	}
}

func (p *Participant) withdrawalOps(w *withdrawal) []Op {
	ops := make([]Op, 0, len(w.deleted)+3)
	ops = append(ops, p.fence())
	for _, pos := range w.deleted {
		ops = append(ops, Op{Kind: OpDeleteEntry, Log: p.votesLog(), Pos: pos})
	}
	if len(w.others) > 0 {
		others := &Segment{Batch: w.name, Votes: w.others}
		ops = append(ops, Op{Kind: OpAppend, Log: p.votesLog(), Gen: p.votes.gen, Segment: others, Ephemeral: true})
	}
	final := &Segment{Batch: w.name, Votes: make([]VoteRecord, len(w.wished))}
	for i, b := range w.wished {
		final.Votes[i] = VoteRecord{Key: b.key, Ballot: Ballot{Vote: VoteAbort}, Withdrawn: true, At: p.wall}
	}
	return append(ops, Op{Kind: OpAppend, Log: p.votesLog(), Gen: p.votes.gen, Segment: final})
}

func (p *Participant) withdrawalAnswered(w *withdrawal, r multiResult) {
	switch {
	case r.done && len(r.appended) > 0:
		p.withdrew(w, r.appended)
	case r.done || r.lost():
		p.touch(func() {
			p.listLog(p.votesLog(), func(l LogListed) { p.findWithdrawal(w, l) })
		})
	default: // a segment vanished, the generation ended: look again
		if r.err == OpErrTooLarge {
			p.votes.limit = max(p.voteLimit()/2, 1)
		}
		p.later(0, func() { p.listForWithdrawal(w.wished) })
	}
}

// findWithdrawal reads a lost withdrawal back by its batch (R6).
func (p *Participant) findWithdrawal(w *withdrawal, l LogListed) {
	var found []Pos
	for _, e := range l.Entries {
		if e.Segment != nil && e.Segment.Batch == w.name {
			found = append(found, e.Pos)
		}
	}
	if len(found) == 0 {
		p.withdrawListed(w.wished, l)
		return
	}
	p.withdrew(w, found)
}

// withdrew notes a withdrawal that is written: appended holds the segment of the other votes, if any, and the persistent one.
func (p *Participant) withdrew(w *withdrawal, appended []Pos) {
	for _, pos := range w.deleted {
		if s := p.votes.segments[pos]; s != nil {
			s.gone = true
			delete(p.votes.segments, pos)
		}
	}
	if len(appended) > 1 {
		p.takeOthers(w, appended[0])
	}
	final := p.addVotes(appended[len(appended)-1])
	for _, b := range w.wished {
		b.withdrawn, b.ballot = true, Ballot{Vote: VoteAbort}
		final.attach(b)
		switch {
		case b.call == callWork:
			p.cancelWork(b)
		case b.stand == StandWaiting:
			p.stand(b, StandVoted) // never begun
		}
	}
	p.dropDecided(final)
	p.voteAgain()
	p.votes.busy = false
	p.closeFull(p.votesLog(), final.pos, &p.votes.closing)
	p.readToEnd(p.decisionsLog(), func(LogEnd) {
		for _, b := range w.wished {
			b.free = true
			p.holdWithdrawn(b)
		}
	})
}

func (p *Participant) takeOthers(w *withdrawal, pos Pos) {
	s := p.addVotes(pos)
	for _, v := range w.others {
		if b := p.branches[v.Key]; b != nil {
			s.attach(b)
		}
	}
	p.dropDecided(s)
}

// voteAgain queues the branches whose votes went with the deleted segments and were not written again.
func (p *Participant) voteAgain() {
	var again []*branch
	for _, b := range p.branches {
		voted := b.stand == StandInDoubt || b.stand == StandVoted
		if voted && !b.withdrawn && b.verdict == VerdictNone && !b.hasVote() {
			again = append(again, b)
		}
	}
	slices.SortFunc(again, func(a, b *branch) int { return cmp.Compare(a.key, b.key) })
	for _, b := range again {
		p.vote(b)
	}
}

func (b *branch) hasVote() bool {
	return slices.ContainsFunc(b.segments, func(s *voteSegment) bool { return !s.gone })
}

// holdWithdrawn keeps a withdrawn branch until the formal decision: it is rolled back, once the decisions have been read to their
// end since the withdrawal, and never prepared or voted for again.
func (p *Participant) holdWithdrawn(b *branch) {
	if b.verdict != VerdictNone || b.call != callNone || !b.free || b.clouded {
		return
	}
	if b.prepared {
		p.finish(b, VerdictAbort)
		return
	}
	p.stand(b, StandVoted)
}
