package txn

import (
	"maps"
	"slices"
	"time"
)

// scanState is the search for prepared branches that nobody else would finish (R10): at every start, and every minute, for a
// call of another process of the site may end late.
type scanState struct {
	running bool
	soon    bool
	next    time.Duration
	unread  []Pos        // entries of the inbox that could not be read when the database was asked
	gone    map[Key]bool // finished or forgotten since the database was asked: its list may be older
}

// notice tells a running scan that a branch has moved.
func (s *scanState) notice(k Key) {
	if s.running {
		s.gone[k] = true
	}
}

func (p *Participant) scanDue() {
	if p.scan.running || p.now < p.scan.next {
		return
	}
	p.scan.running, p.scan.gone = true, map[Key]bool{}
	p.scan.unread = slices.SortedFunc(maps.Keys(p.inbox.unread), comparePos)
	p.emit(ListPrepared{Token: ask(p, func(l PreparedListed) {
		if l.Failed {
			p.scanOver(lastRetry)
			return
		}
		p.checkSite(func(ok bool) { // after the list: it is of the database that this session knows
			switch {
			case !ok:
				p.scanOver(lastRetry)
			case len(l.Branches) == 0:
				p.dropUnreadable()
				p.scanOver(p.cfg.ScanEvery)
			default:
				p.touch(func() { p.readForScan(l.Branches) })
			}
		})
	})})
}

func (p *Participant) scanOver(next time.Duration) {
	p.scan.running, p.scan.gone = false, nil
	p.scan.next = p.now + next
}

func (p *Participant) readForScan(listed []XID) {
	p.readToEnd(p.decisionsLog(), func(LogEnd) {
		p.readToEnd(p.inboxLog(), func(LogEnd) { p.judgeListed(listed) })
	})
}

// judgeListed goes through what the database has prepared. What no log in memory knows is looked for in the whole decision log
// once more: decisions are forgotten here before they are retired there.
func (p *Participant) judgeListed(listed []XID) {
	var unknown []Key
	for _, x := range listed {
		if !p.mine(x) || p.scan.gone[x.Key] {
			continue
		}
		b := p.branches[x.Key]
		switch {
		case b == nil || b.orphan():
			unknown = append(unknown, x.Key)
		case b.call == callNone:
			p.judgePrepared(b)
		}
	}
	if len(unknown) == 0 {
		p.dropUnreadable()
		p.scanOver(p.cfg.ScanEvery)
		return
	}
	p.listLog(p.decisionsLog(), func(l LogListed) {
		p.judgeUnknown(unknown, l.Entries)
		p.scanOver(p.cfg.ScanEvery)
	})
}

// judgePrepared takes up a branch that is prepared, by whomever.
func (p *Participant) judgePrepared(b *branch) {
	if b.finished {
		p.finish(b, b.verdict) // a late call has prepared it again
		return
	}
	p.foundPrepared(b)
	switch {
	case b.verdict != VerdictNone:
		p.carryOut(b)
	case b.withdrawn:
		p.holdWithdrawn(b)
	case b.stand == StandWaiting:
		p.vote(b)
	}
}

func (p *Participant) judgeUnknown(unknown []Key, decisions []Entry) {
	if !slices.ContainsFunc(decisions, func(e Entry) bool { return e.Segment == nil }) {
		p.uncloud()
	}
	decided := map[Key]Entry{}
	index := map[Key]int{}
	for _, e := range decisions {
		if e.Segment == nil {
			p.decisions.blind = true
			continue
		}
		for i := range e.Segment.Decisions {
			k := e.Segment.Decisions[i].Key
			if _, known := decided[k]; !known {
				decided[k], index[k] = e, i
			}
		}
	}
	var orphans []*branch
	for _, k := range unknown {
		b := p.branches[k]
		if b != nil && !b.orphan() || p.scan.gone[k] {
			continue
		}
		if b == nil {
			b = &branch{key: k}
			p.branches[k] = b
		}
		b.known = true
		p.foundPrepared(b)
		e, known := decided[k]
		if !known {
			orphans = append(orphans, b)
			continue
		}
		d := &e.Segment.Decisions[index[k]]
		recorded, _ := d.Concerns(p.cfg.Name)
		b.verdict, b.decided, b.recorded = d.Verdict, e.Pos, recorded.Vote
		p.carryOut(b)
	}
	p.presume(orphans)
}

// presume rolls back branches that are prepared and in no live log: they were decided to abort and forgotten, or never handed in.
// History is asked first: after a restore it may know that they were committed.
func (p *Participant) presume(orphans []*branch) {
	if len(p.inbox.unread) > 0 || p.decisions.blind {
		for _, b := range orphans {
			if b.call == callNone && !b.clouded { // else "applied" names it
				delete(p.branches, b.key)
			}
		}
		return
	}
	var keys []Key
	asked := map[Key]*branch{}
	for _, b := range orphans {
		if b.call == callNone {
			b.known, b.presumed = true, true
			keys, asked[b.key] = append(keys, b.key), b
		}
	}
	if len(keys) == 0 {
		return
	}
	p.emit(FindPast{Keys: keys, Token: ask(p, func(found PastFound) {
		for _, k := range keys {
			b := asked[k]
			if p.branches[k] == b && b.call == callNone && b.verdict == VerdictNone && !b.finished {
				p.presumed(b, found)
			}
		}
	})})
}

func (p *Participant) presumed(b *branch, found PastFound) {
	v, known := found.Verdicts[b.key]
	switch {
	case known:
		b.presumed, b.verdict = false, v
		p.carryOut(b)
	case found.Blind || p.decisions.blind || len(p.inbox.unread) > 0:
		b.presumed = false
		if !b.clouded {
			delete(p.branches, b.key)
		}
	default:
		p.finish(b, VerdictAbort)
	}
}
