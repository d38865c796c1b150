package txn

import (
	"cmp"
	"slices"
	"time"
)

// What an entry that cannot be read means at a site; doc.go has the whole.

// unreadable notes an entry of the decisions of which nobody knows what it says. It may hold the first decision (R3) of every branch
// that the site has voted for by now: those are held until a decision of theirs is read, and nothing else is concluded for them.
// Branches to come are not in it, but perhaps with an abort: a commit relies on votes that were there before. "applied" goes on, and
// names those that are held (R14).
func (p *Participant) unreadable(slot *decisionSlot) {
	p.decisions.blind = true
	if p.phase == phaseRunning {
		p.cloud(slot) // else reconcile does
	}
}

// cloud holds the branches that an entry of the decisions that cannot be read may have decided; slot is that entry's, or nil.
func (p *Participant) cloud(slot *decisionSlot) {
	for _, b := range p.inOrder() {
		voted := b.stand == StandVoting || b.stand == StandInDoubt || b.stand == StandVoted
		if b.verdict != VerdictNone || b.clouded || !b.prepared && !voted && !b.withdrawn && len(b.segments) == 0 {
			continue
		}
		b.clouded = true
		switch {
		case b.passed:
		case len(p.applied.unfinished) < maxUnfinished:
			b.passed = true
			p.applied.unfinished = append(p.applied.unfinished, b)
			p.applied.restless = true
		case slot != nil:
			slot.open++ // there is a limit to what a node holds: "applied" waits
		}
	}
}

// uncloud lets go of the branches that were held, when no entry of the decisions is unreadable any more.
func (p *Participant) uncloud() {
	p.decisions.blind = false
	for _, b := range p.inOrder() {
		if !b.clouded {
			continue
		}
		b.clouded = false
		if b.verdict == VerdictNone && b.passed {
			b.passed = false
			p.applied.resolve(b)
		}
	}
}

func (p *Participant) inOrder() []*branch {
	list := make([]*branch, 0, len(p.branches))
	for _, b := range p.branches {
		list = append(list, b)
	}
	slices.SortFunc(list, func(a, b *branch) int { return cmp.Compare(a.key, b.key) })
	return list
}

// orphan tells whether a branch is in no log, as far as is known.
func (b *branch) orphan() bool {
	return b.segment == nil && b.verdict == VerdictNone && b.call == callNone && !b.presumed
}

// overdue tells whether a branch is in doubt although any leader that can read its transaction had decided it long ago, at its
// deadline: it is withdrawn (R9) whoever leads.
func (b *branch) overdue(now, after time.Duration) bool {
	return b.inDoubt() && !b.clouded && b.request.Timeout > 0 && now-b.since >= time.Duration(b.request.Timeout)*time.Millisecond+2*after
}

// takeFinal takes an unreadable entry of the votes that is persistent, so that it holds a withdrawal, and nobody knows of which
// branches: all that it may concern are withdrawn once more. It goes when they are decided.
func (p *Participant) takeFinal(e Entry) {
	if e.Newer {
		return
	}
	s := p.addVotes(e.Pos)
	for _, segment := range p.inbox.inOrder() {
		for _, b := range segment.branches {
			if b.verdict == VerdictNone {
				s.attach(b)
				p.wishWithdrawal(b.key)
			}
		}
	}
	p.dropDecided(s)
}

// dropUnreadable gives up the unreadable entries of the inbox that were read before a look at the database which found no prepared
// branch that no log knows: no branch of theirs is prepared here, so none was voted for, and each is decided to abort in its time.
func (p *Participant) dropUnreadable() {
	for _, pos := range p.scan.unread {
		if newer, there := p.inbox.unread[pos]; there && !newer {
			p.inbox.unread[pos] = true // once
			p.applied.garbage = append(p.applied.garbage, garbage{inbox: &inboxSegment{pos: pos, dropped: true}})
			p.applied.restless = true
		}
	}
	p.scan.unread = nil
}

// noteUnread remembers an unreadable entry of the inbox.
func (p *Participant) noteUnread(e Entry) {
	if p.inbox.unread == nil {
		p.inbox.unread = map[Pos]bool{}
	}
	p.inbox.unread[e.Pos] = e.Newer
}
