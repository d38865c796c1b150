package txn

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"
)

// appliedLane moves the node "applied", lazily: one write for many (R11). The database's own site row is written first (R10).
type appliedLane struct {
	written    Applied
	version    int32
	busy       bool
	notBefore  time.Duration
	unfinished []*branch // passed without being finished
	settled    []Settled
	answers    []WishAnswer
	restless   bool // unfinished has changed since the last write
	garbage    []garbage
	limit      int // pieces of garbage a multi; smaller after a request was too large

	mine      int // own decisions applied since the last write
	mineSince time.Duration
	mineLast  time.Duration // when the last of them was
	pace      time.Duration // usually between two of them, or two lots of them
	others    int           // decisions read since the last write
	last      time.Duration
	saved     SiteRow // what the database has
	tried     SiteRow // what it has perhaps: the answer was lost; zero: nothing else
}

// When "applied" moves: when the site has been quiet, else when applyDelay has passed; where only others' decisions have gone by, after
// othersDelay or othersMany. What comes within sameLot is one lot.
const (
	applyDelay  = 100 * time.Millisecond
	sameLot     = 2 * time.Millisecond
	othersDelay = time.Second
	othersMany  = 1000
	// maxUnfinished is how many branches the node names; beyond, it waits for them.
	maxUnfinished = 1000
)

func (p *Participant) readApplied(then func()) {
	p.readNode(AppliedPath(p.cfg.Name), func(n NodeRead) {
		if !n.Exists {
			p.later(lastRetry, func() { p.readApplied(then) })
			return
		}
		var a Applied
		if json.Unmarshal(n.Data, &a) != nil {
			a = Applied{} // nothing is taken for applied: all decisions that are kept are carried out once more, by the markers (R7)
		}
		p.applied.written, p.applied.version = a, n.Version
		then()
	})
}

// gather notes that one more own decision waits to be told.
func (l *appliedLane) gather(now time.Duration) {
	if l.mine == 0 {
		l.mineSince = now
	}
	l.mine++
	if gap := min(now-l.mineLast, applyDelay); gap > sameLot && l.mineLast > 0 {
		l.pace += (gap - l.pace) / 4
	}
	l.mineLast = now
}

// quiet is for how long nothing may come until the site is taken to be quiet: longer than until the next is likely to come, but where
// that is long, no longer than least. Else a site says what it has applied after each lot of a few, and a lone client's transactions
// each cost two proposals more.
func (l *appliedLane) quiet(least time.Duration) time.Duration {
	if least == 0 || l.pace > applyDelay/2 {
		return least
	}
	return max(least, min(2*l.pace, applyDelay/4))
}

func (l *appliedLane) resolve(b *branch) {
	l.unfinished = slices.DeleteFunc(l.unfinished, func(u *branch) bool { return u == b })
	l.restless = true
}

func (p *Participant) idle() bool {
	return p.finishes == 0 && p.working == 0 && !p.votes.busy && len(p.votes.queue) == 0
}

func (p *Participant) applyDue(at Pos) bool {
	l := &p.applied
	if l.busy || p.now < l.notBefore {
		return false
	}
	if l.mine > 0 || l.restless {
		quiet := p.idle() && (l.mine == 0 || p.now-l.mineLast >= l.quiet(p.cfg.ApplyQuiet))
		return quiet || p.now-max(l.mineSince, l.last) >= applyDelay
	}
	if !l.written.At.Before(at) && len(l.garbage) == 0 {
		return false
	}
	return l.others >= othersMany || p.now-l.last >= othersDelay
}

func (p *Participant) flushApplied() {
	at := p.decisions.end()
	if at.Before(p.applied.written.At) {
		at = p.applied.written.At
	}
	if !p.applyDue(at) {
		return
	}
	row := SiteRow{Applied: later(at, p.applied.saved.Applied), Incarnation: p.incarnation}
	p.applied.busy = true
	p.applied.last, p.applied.mine, p.applied.others = p.now, 0, 0
	if row == p.applied.saved {
		p.apply(at)
		return
	}
	p.saveSite(SaveSite{Was: p.applied.saved, Row: row}, func(r saved) {
		switch r {
		case savedFailed:
			p.applied.tried = row
			p.applyLater(time.Second)
		case savedMoved:
			p.start() // it was restored under this session, or has another process
		case savedDone:
			p.applied.saved, p.applied.tried = row, SiteRow{}
			p.apply(at)
		}
	})
}

// checkSite asks whether the database still has the row that this session wrote; if not, the session starts over. then hears
// whether it is known to have. A row that was written perhaps is written again: the one before it would be lower.
func (p *Participant) checkSite(then func(ok bool)) {
	if p.applied.busy {
		then(false)
		return
	}
	p.applied.busy = true
	row := p.applied.saved
	if p.applied.tried != (SiteRow{}) {
		row = p.applied.tried
	}
	p.saveSite(SaveSite{Was: p.applied.saved, Row: row}, func(r saved) {
		switch r {
		case savedMoved:
			p.start()
			return
		case savedDone:
			p.applied.saved, p.applied.tried = row, SiteRow{}
		}
		p.applied.busy = false
		then(r == savedDone)
	})
}

// applyLater lets the lane try again, with what there is then.
func (p *Participant) applyLater(d time.Duration) {
	p.applied.busy = false
	p.applied.notBefore = p.now + d
	p.applied.restless = true
}

// apply moves "applied" in one multi with the deletion of what nobody needs after it.
func (p *Participant) apply(at Pos) {
	ops := []Op{p.fence(), {Kind: OpSet, Path: AppliedPath(p.cfg.Name), Version: p.applied.version}}
	ops, owners := p.sweep(ops)
	next := Applied{
		At: at, Unfinished: p.unfinished(), Settled: slices.Clone(p.applied.settled), Answers: slices.Clone(p.applied.answers),
		Compare: p.comparison.due,
	}
	next.From, next.Needs = p.from(at, p.applied.garbage[:owners.taken])
	ops[1].Data = encodeNode(next)
	p.applied.restless = false
	p.fencedMulti(ops, func(r multiResult) { p.applyAnswered(next, owners, r) })
}

// from is the lowest decision that a kept inbox entry still needs, where swept goes with this multi, and needs are those that
// entries need which are kept for an unfinished branch, as far as there is room to name them.
func (p *Participant) from(at Pos, swept []garbage) (low Pos, needs []Pos) {
	goes := map[*inboxSegment]bool{}
	for _, g := range swept {
		if g.inbox != nil {
			goes[g.inbox] = true
		}
	}
	low = at
	var stuck []*inboxSegment
	for _, s := range p.inbox.segments {
		switch {
		case goes[s] || s.low == (Pos{}) || !s.low.Before(at):
		case len(p.applied.unfinished) > 0 && s.stuck():
			stuck = append(stuck, s)
		case s.low.Before(low):
			low = s.low
		}
	}
	sortSegments(stuck)
	for _, s := range stuck {
		if len(needs)+len(s.branches) <= maxUnfinished {
			needs = s.needs(needs)
		} else if s.low.Before(low) {
			low = s.low
		}
	}
	needs = slices.DeleteFunc(needs, func(pos Pos) bool { return !pos.Before(low) })
	slices.SortFunc(needs, func(a, b Pos) int {
		return cmp.Or(cmp.Compare(a.Gen, b.Gen), cmp.Compare(a.Num, b.Num))
	})
	return low, slices.Compact(needs)
}

// stuck tells whether the entry is kept for a branch that cannot be finished now.
func (s *inboxSegment) stuck() bool {
	return slices.ContainsFunc(s.branches, func(b *branch) bool { return b.passed && !b.finished })
}

// needs adds the decisions of the entry's branches.
func (s *inboxSegment) needs(list []Pos) []Pos {
	for _, b := range s.branches {
		if b.verdict != VerdictNone {
			list = append(list, b.decided)
		}
	}
	return list
}

func (p *Participant) unfinished() []Unfinished {
	var list []Unfinished
	for _, b := range p.applied.unfinished {
		list = append(list, Unfinished{Key: b.key, Verdict: b.verdict, Lost: b.lost, Past: b.past})
	}
	slices.SortFunc(list, func(a, b Unfinished) int { return cmp.Compare(a.Key, b.Key) })
	return list
}

func (p *Participant) applyAnswered(next Applied, s sweeping, r multiResult) {
	switch {
	case r.done:
		p.appliedDone(next, s)
	case r.lost():
		p.touch(func() { p.findApplied(next, s) })
	case r.unsent:
		p.applyLater(retryVotes)
	case r.err == OpErrTooLarge && s.taken > 1:
		p.applied.limit = s.taken / 2
		p.applyLater(0)
	case r.err == OpErrTooLarge && s.taken == 1:
		p.leaveOut(0) // a payload that no multi can delete: it stays behind
	case r.index >= 2 && r.index-2 < len(s.owners):
		p.leaveOut(s.owners[r.index-2]) // it went with its owner's session, or in a write that was taken for lost
	default:
		p.readVersion()
	}
}

// readVersion goes on from what "applied" holds, when it is not what was thought.
func (p *Participant) readVersion() {
	p.readApplied(func() { p.applyLater(retryVotes) })
}

// findApplied reads a lost write back (R6). Only this incarnation can have moved the version.
func (p *Participant) findApplied(next Applied, s sweeping) {
	version := p.applied.version
	p.readApplied(func() {
		if p.applied.version == version+1 {
			p.applied.version = version
			p.appliedDone(next, s)
			return
		}
		p.applyLater(0)
	})
}

func (p *Participant) appliedDone(next Applied, s sweeping) {
	p.applied.written = next
	p.applied.version++
	p.applied.busy = false
	p.applied.restless = p.applied.restless || s.full
	p.applied.limit = grow(p.applied.limit, p.cfg.MaxOps)
	p.forget(p.applied.garbage[:s.taken])
	p.applied.garbage = slices.Delete(p.applied.garbage, 0, s.taken)
	p.judgeWishes() // what was intended is durable now
}
