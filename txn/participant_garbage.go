package txn

import "slices"

// What the multi that moves "applied" deletes (R11): entries of the inbox and of the votes, and payloads.

// garbage is one thing in ZooKeeper that nobody needs any more: an inbox entry, a vote entry, or a payload's head with its parts.
type garbage struct {
	inbox *inboxSegment
	votes *voteSegment
	head  string
	parts int
}

// discardSegment gives an inbox entry up when all its branches are finished here, with the payloads that belong to it.
func (p *Participant) discardSegment(s *inboxSegment) {
	if s.dropped {
		return
	}
	s.dropped = true
	for _, b := range s.branches {
		if b.request.Head != "" && b.request.Parts <= p.cfg.MaxOps-3 { // more than a multi deletes no submission has
			p.applied.garbage = append(p.applied.garbage, garbage{head: b.request.Head, parts: max(b.request.Parts, 0)})
		}
	}
	p.applied.garbage = append(p.applied.garbage, garbage{inbox: s})
}

// discardVotes gives a vote entry up, whoever owns it, when all its transactions are decided.
func (p *Participant) discardVotes(s *voteSegment) {
	p.applied.garbage = append(p.applied.garbage, garbage{votes: s})
}

// sweeping tells which operations of a multi delete which pieces of garbage: the first taken ones.
type sweeping struct {
	full   bool // more than fitted
	taken  int
	owners []int // the piece of each operation after the first two
}

func (p *Participant) sweep(ops []Op) ([]Op, sweeping) {
	var s sweeping
	for i, g := range p.applied.garbage {
		if g.votes != nil && g.votes.gone {
			s.taken++
			continue
		}
		del := p.deletes(g)
		full := len(ops)+len(del) > p.cfg.MaxOps || p.applied.limit > 0 && s.taken >= p.applied.limit
		if full && s.taken > 0 {
			s.full = true
			break
		}
		ops = append(ops, del...)
		for range del {
			s.owners = append(s.owners, i)
		}
		s.taken++
	}
	return ops, s
}

func (p *Participant) deletes(g garbage) []Op {
	switch {
	case g.inbox != nil:
		return []Op{{Kind: OpDeleteEntry, Log: p.inboxLog(), Pos: g.inbox.pos}}
	case g.votes != nil:
		return []Op{{Kind: OpDeleteEntry, Log: p.votesLog(), Pos: g.votes.pos}}
	}
	ops := make([]Op, 0, g.parts+1)
	for n := range g.parts {
		ops = append(ops, Op{Kind: OpDelete, Path: PartPath(g.head, n), Version: 0})
	}
	return append(ops, Op{Kind: OpDelete, Path: HeadPath(g.head), Version: 1})
}

// leaveOut goes on without one piece of garbage.
func (p *Participant) leaveOut(i int) {
	p.forget(p.applied.garbage[i : i+1])
	p.applied.garbage = slices.Delete(p.applied.garbage, i, i+1)
	p.applyLater(0)
}

// grow lets a limit go that was set when a request was too large: it doubles with each that was not, up to most, where it is none.
func grow(limit, most int) int {
	if limit *= 2; limit < most {
		return limit
	}
	return 0
}

// forget drops what is gone from ZooKeeper from memory too.
func (p *Participant) forget(gone []garbage) {
	for _, g := range gone {
		switch {
		case g.votes != nil:
			g.votes.gone = true
			delete(p.votes.segments, g.votes.pos)
		case g.inbox != nil:
			delete(p.inbox.segments, g.inbox.pos)
			delete(p.inbox.unread, g.inbox.pos)
			for _, b := range g.inbox.branches {
				p.forgetBranch(b)
			}
		}
	}
}

func (p *Participant) forgetBranch(b *branch) {
	b.segment = nil
	p.scan.notice(b.key)
	if b.call == callNone {
		delete(p.branches, b.key)
	}
}
