package txn

import (
	"fmt"
	"time"
)

// voteLane writes the site's votes: one multi in flight, or one withdrawal, and nothing else of the lane until what became of it
// is known.
type voteLane struct {
	gen      int32
	busy     bool
	queue    []*branch
	limit    int // votes a segment, where a request was too large; else zero
	wishes   []*branch
	segments map[Pos]*voteSegment
	closing  int32
	nextLook time.Duration // for a leader

	// alone says that the last look found no leader; aloneSince is when the first such in a row did.
	alone      bool
	aloneSince time.Duration
}

// voteSegment is one entry of the site's votes, whoever owns it.
type voteSegment struct {
	pos  Pos
	open int // votes in it whose transaction is not decided
	gone bool
}

// undecided counts the votes that wait for a decision.
func (v *voteLane) undecided() (n int) {
	for _, s := range v.segments {
		n += s.open
	}
	return n
}

// voteBytes is the room that a vote is given in a multi; retryVotes the pause after an error that tells nothing.
const (
	voteBytes  = 256
	retryVotes = 50 * time.Millisecond
)

func (p *Participant) nextBatch() string {
	p.batch++
	return fmt.Sprintf("%s-%d", p.cfg.Process, p.batch)
}

// takeVotes takes the segments that former sessions left.
func (p *Participant) takeVotes(l LogListed) {
	for _, e := range l.Entries {
		if e.Segment == nil {
			if !e.Ephemeral {
				p.takeFinal(e)
			}
			continue
		}
		s := p.addVotes(e.Pos)
		for _, v := range e.Segment.Votes {
			b := p.branches[v.Key]
			if b != nil && b.segment != nil {
				s.attach(b)
				if v.Withdrawn {
					b.withdrawn, b.free = true, true // the decisions were read after it
				}
			}
		}
		p.dropDecided(s)
	}
}

func (p *Participant) addVotes(pos Pos) *voteSegment {
	s := &voteSegment{pos: pos}
	if p.votes.segments == nil {
		p.votes.segments = map[Pos]*voteSegment{}
	}
	p.votes.segments[pos] = s
	return s
}

func (s *voteSegment) attach(b *branch) {
	if b.verdict == VerdictNone {
		s.open++
		b.segments = append(b.segments, s)
	}
}

func (p *Participant) dropDecided(s *voteSegment) {
	if s.open == 0 && !s.gone {
		p.discardVotes(s)
	}
}

// vote queues what the site says of a branch.
func (p *Participant) vote(b *branch) {
	p.stand(b, StandVoting)
	p.votes.queue = append(p.votes.queue, b)
}

func (b *branch) toVote() bool {
	return b.stand == StandVoting && b.verdict == VerdictNone && !b.withdrawn
}

func (p *Participant) flushVotes() {
	if !p.votes.busy && len(p.votes.wishes) > 0 {
		p.withdraw()
	}
	if p.votes.busy || len(p.votes.queue) == 0 {
		return
	}
	if batch := p.nextVotes(); len(batch) > 0 {
		p.castVotes(batch)
	}
}

func (p *Participant) voteLimit() int {
	if p.votes.limit > 0 {
		return p.votes.limit
	}
	return max(p.cfg.MaxBytes/voteBytes, 1)
}

func (p *Participant) nextVotes() []*branch {
	limit := p.voteLimit()
	batch := make([]*branch, 0, min(limit, len(p.votes.queue)))
	taken := 0
	for _, b := range p.votes.queue {
		if len(batch) == limit {
			break
		}
		taken++
		if b.toVote() {
			batch = append(batch, b)
		}
	}
	if taken == len(p.votes.queue) {
		p.votes.queue = nil
	} else {
		p.votes.queue = p.votes.queue[taken:]
	}
	return batch
}

func (p *Participant) castVotes(batch []*branch) {
	s := &Segment{Batch: p.nextBatch(), Votes: make([]VoteRecord, len(batch))}
	for i, b := range batch {
		s.Votes[i] = VoteRecord{Key: b.key, Ballot: b.ballot, At: p.wall}
	}
	p.votes.busy = true
	ops := []Op{p.fence(), {Kind: OpAppend, Log: p.votesLog(), Gen: p.votes.gen, Segment: s, Ephemeral: true}}
	p.fencedMulti(ops, func(r multiResult) { p.votesCast(batch, s.Batch, r) })
}

func (p *Participant) votesCast(batch []*branch, name string, r multiResult) {
	switch {
	case r.done && len(r.appended) > 0:
		p.voted(batch, r.appended[0])
		p.votes.busy = false
	case r.done || r.lost():
		p.touch(func() { p.findVotes(batch, name) })
	case r.err == OpErrTooLarge:
		p.votes.limit = max(len(batch)/2, 1)
		p.castAgain(batch)
	case r.err == OpErrClosed:
		p.listLog(p.votesLog(), func(l LogListed) {
			p.votes.gen = l.Gen
			p.castAgain(batch)
		})
	default:
		p.castLater(batch)
	}
}

// findVotes reads a lost multi back by its batch (R6).
func (p *Participant) findVotes(batch []*branch, name string) {
	p.listLog(p.votesLog(), func(l LogListed) {
		p.votes.gen = l.Gen
		for _, e := range l.Entries {
			if e.Segment != nil && e.Segment.Batch == name {
				p.voted(batch, e.Pos)
				p.votes.busy = false
				return
			}
		}
		p.castAgain(batch)
	})
}

// castAgain queues the votes that surely were not written, ahead of all others.
func (p *Participant) castAgain(batch []*branch) {
	p.votes.queue = append(batch, p.votes.queue...)
	p.votes.busy = false
}

func (p *Participant) castLater(batch []*branch) {
	p.later(retryVotes, func() { p.castAgain(batch) })
}

// voted notes that votes are written: from now on they count.
func (p *Participant) voted(batch []*branch, pos Pos) {
	p.votes.limit = grow(p.votes.limit, p.cfg.MaxBytes/voteBytes)
	s := p.addVotes(pos)
	for _, b := range batch {
		s.attach(b)
		if b.stand != StandVoting {
			continue // decided meanwhile
		}
		if b.ballot.Vote == VoteCommit {
			p.stand(b, StandInDoubt)
		} else {
			p.stand(b, StandVoted)
		}
	}
	p.dropDecided(s)
	p.closeFull(p.votesLog(), pos, &p.votes.closing)
}

// closeFull ends a generation of one of the site's own logs when it has had its creates.
func (p *Participant) closeFull(l Log, pos Pos, closing *int32) {
	if pos.Num+1 < p.cfg.GenerationSize || pos.Gen <= *closing {
		return
	}
	*closing = pos.Gen
	p.closeGeneration(l, pos.Gen)
}

func (p *Participant) closeGeneration(l Log, gen int32) {
	ops := []Op{
		p.fence(),
		{Kind: OpSet, Path: l.GenerationPath(gen), Version: 0, Data: []byte("closed")},
		{Kind: OpCreate, Path: l.GenerationPath(gen + 1)},
	}
	p.fencedMulti(ops, func(r multiResult) {
		if r.done || r.err == OpErrBadVersion || r.err == OpErrExists {
			return // closed, now or before; the lane hears of it at its next append
		}
		p.later(time.Second, func() { p.closeGeneration(l, gen) })
	})
}
