package txn

import "slices"

// inboxState is what was read of the site's inbox.
type inboxState struct {
	follows  bool
	next     Pos          // entries before it were read
	unread   map[Pos]bool // those that could not be: absence from the inbox proves nothing; true: not to be deleted, or being so
	segments map[Pos]*inboxSegment
	waiting  []*branch // to be begun, in inbox order; among them some that were decided meanwhile
	crowded  int       // at this length waiting is cleared of those
	early    []*branch // decided, and their inbox entry not read yet
	asking   bool      // reading to the end for the early ones
	wishes   []*wish
	hearing  bool  // reading the decisions to their end for wishes
	closing  int32 // highest generation that is closed, or being closed
}

// inboxSegment is one entry of the inbox.
type inboxSegment struct {
	pos      Pos
	branches []*branch
	open     int // of them, those that are not finished here
	low      Pos // lowest decision of them; zero: none
	dropped  bool
}

func (i *inboxState) inOrder() []*inboxSegment {
	list := make([]*inboxSegment, 0, len(i.segments))
	for _, s := range i.segments {
		list = append(list, s)
	}
	sortSegments(list)
	return list
}

func sortSegments(list []*inboxSegment) {
	slices.SortFunc(list, func(a, b *inboxSegment) int {
		if a.pos.Before(b.pos) {
			return -1
		}
		return 1
	})
}

func (p *Participant) entries(e Entries) {
	switch {
	case e.Log == p.inboxLog() && p.inbox.follows:
		p.readInbox(e.Entries)
	case e.Log == p.decisionsLog() && p.decisions.follows:
		p.readDecisions(e.Entries)
	}
}

func (p *Participant) logEnd(e LogEnd) {
	if e.Log == p.decisionsLog() && p.decisions.follows && p.decisions.readTo.Before(e.Through) {
		p.decisions.readTo = e.Through
	}
	p.answer(e.Token, e)
}

func (p *Participant) readInbox(entries []Entry) {
	for _, e := range entries {
		if e.Pos.Before(p.inbox.next) {
			continue
		}
		p.inbox.next = e.Pos.Next()
		p.closeFull(p.inboxLog(), e.Pos, &p.inbox.closing)
		if e.Segment == nil {
			p.noteUnread(e)
			continue
		}
		p.readPrepares(e)
	}
}

func (p *Participant) readPrepares(e Entry) {
	s := &inboxSegment{pos: e.Pos, branches: make([]*branch, 0, len(e.Segment.Prepares))}
	if p.inbox.segments == nil {
		p.inbox.segments = map[Pos]*inboxSegment{}
	}
	p.inbox.segments[s.pos] = s
	for _, request := range e.Segment.Prepares {
		b := p.branches[request.Key]
		if b == nil {
			b = &branch{key: request.Key}
			p.branches[request.Key] = b
		}
		if b.segment != nil {
			continue // a key is new for every submission: the first request is the branch
		}
		b.segment, b.request = s, request
		s.branches = append(s.branches, b)
		if !b.finished {
			s.open++
		}
		if b.verdict != VerdictNone {
			s.decided(b.decided)
		}
	}
	p.readWishes(s, e.Segment.Wishes)
	for _, b := range s.branches {
		if p.phase == phaseRunning {
			p.arrive(b)
		}
	}
	if s.open == 0 {
		p.discardSegment(s) // it holds nothing that is not over
	}
}

// decided notes that one of the segment's branches was decided at pos.
func (s *inboxSegment) decided(pos Pos) {
	if s.low == (Pos{}) || pos.Before(s.low) {
		s.low = pos
	}
}

// arrive takes up a branch whose inbox entry was read, with all that is known of it by now.
func (p *Participant) arrive(b *branch) {
	b.known = true
	switch {
	case b.finished:
	case b.verdict != VerdictNone:
		p.carryOut(b)
	case b.call == callWork:
		p.stand(b, StandWorking) // begun in a session before
	case b.call == callFinish: // asked for in a session before; its answer comes here again
	case b.settled != VerdictNone && !b.hand:
		p.finish(b, b.settled) // intended in a session before
	case b.withdrawn:
		p.holdWithdrawn(b)
	case b.ballot.Vote != VoteNone:
		p.vote(b)
	default:
		p.stand(b, StandWaiting)
		p.inbox.waiting = append(p.inbox.waiting, b)
	}
}

// pump begins waiting branches, in inbox order, while there are slots.
func (p *Participant) pump() {
	if p.phase != phaseRunning {
		return
	}
	for p.working < p.cfg.Slots && len(p.inbox.waiting) > 0 {
		b := p.inbox.waiting[0]
		p.inbox.waiting[0] = nil
		p.inbox.waiting = p.inbox.waiting[1:]
		if b.stand != StandWaiting {
			continue // decided, withdrawn, or found prepared meanwhile
		}
		b.call, b.cancelled = callWork, false
		p.working++
		p.stand(b, StandWorking)
		p.emit(Work{XID: p.xid(b.key), Prepare: b.request})
		b.request.Payload = nil
	}
	if len(p.inbox.waiting) > p.inbox.crowded {
		p.inbox.waiting = slices.DeleteFunc(p.inbox.waiting, func(b *branch) bool { return b.stand != StandWaiting })
		p.inbox.crowded = 2*len(p.inbox.waiting) + 1000
	}
}

// worked takes the answer to Work: prepared, or not prepared when the resource manager last looked.
func (p *Participant) worked(e Worked) {
	b := p.branches[e.Key]
	if b == nil || b.call != callWork {
		return
	}
	b.call = callNone
	p.working--
	b.ballot = e.Ballot
	switch e.Ballot.Vote {
	case VoteCommit:
		p.foundPrepared(b)
	case VoteNone:
		b.ballot = Abort(DetailInternal)
	}
	if p.phase == phaseRunning || p.phase == phaseDown {
		p.goOn(b)
	}
}

// goOn takes a branch from where its call ended.
func (p *Participant) goOn(b *branch) {
	switch {
	case b.verdict != VerdictNone:
		p.carryOut(b)
	case !b.known:
		p.stray(b)
	case b.withdrawn:
		p.holdWithdrawn(b)
	case b.ballot.Vote != VoteNone:
		p.vote(b)
	default:
		p.arrive(b)
	}
}

// stray forgets a branch of a former session that no log knows. Where it is prepared the next scan of the database judges it.
func (p *Participant) stray(b *branch) {
	if p.phase != phaseRunning {
		return
	}
	if b.prepared {
		p.scan.next = p.now
	}
	delete(p.branches, b.key)
}

// wantInbox reads the inbox to its end for branches that were decided before their entry was read (R5).
func (p *Participant) wantInbox() {
	if p.phase != phaseRunning || p.inbox.asking {
		return
	}
	early := slices.DeleteFunc(p.inbox.early, func(b *branch) bool { return b.known })
	p.inbox.early = nil
	if len(early) == 0 {
		return
	}
	p.inbox.asking = true
	p.readToEnd(p.inboxLog(), func(LogEnd) {
		p.inbox.asking = false
		for _, b := range early {
			p.conclude(b)
		}
		p.wantInbox()
	})
}

// conclude ends what is known of a decided branch whose inbox entry is gone: it was finished here before, unless the database
// still has it.
func (p *Participant) conclude(b *branch) {
	if b.known {
		return // its entry came
	}
	b.known = true
	if b.prepared || b.call != callNone || !p.nothingToDo(b) {
		p.carryOut(b) // a commit that "applied" has not passed: the database says whether it was done
		return
	}
	p.done(b)
}
