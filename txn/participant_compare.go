package txn

import (
	"slices"
	"time"
)

// After a database was restored and adopted, history is compared with it (R7, R10): a commit whose decision has left the log is not
// applied again, and what the database lost of it would show nowhere. "applied" says that the comparison is due until it is over, so
// that a crash begins it anew. It reads history once, after the site has read its decisions: what had left them by then was in
// history before.
//
// What is missing is reported like every branch that was to commit and is not there, and named in "applied" until history has
// forgotten it or the database has it after all, which is looked for at every start and at an operator's wish.

// comparison is how far history was compared with the database.
type comparison struct {
	due      bool
	lost     int
	blind    bool          // some of history could not be read
	forgetAt time.Duration // when to look next for what history has forgotten
}

// compareAtOnce is how many branches the database is asked for at once, and maxPast how many of them "applied" names: the others are
// said once. forgetPastEvery is after how many scans history is asked whether it still knows them: all of it is read.
const (
	compareAtOnce   = 100
	maxPast         = maxUnfinished / 2
	forgetPastEvery = 30
)

// comparePast begins the comparison where it is due.
func (p *Participant) comparePast() {
	if p.comparison.due = p.applied.written.Compare; p.comparison.due {
		p.compareFrom(Pos{})
	}
}

func (p *Participant) compareFrom(from Pos) {
	p.emit(ListPast{From: from, Participant: p.cfg.Name, Token: ask(p, func(l PastListed) {
		p.comparison.blind = p.comparison.blind || l.Blind
		p.compareKeys(l.Keys, func() {
			if !l.End {
				p.compareFrom(l.Next)
				return
			}
			p.comparison.due = false
			p.applied.restless = true
			p.emit(PastCompared{Lost: p.comparison.lost, Blind: p.comparison.blind})
		})
	})})
}

func (p *Participant) compareKeys(keys []Key, then func()) {
	if len(keys) == 0 {
		then()
		return
	}
	n := min(len(keys), compareAtOnce)
	p.emit(FindBranches{Keys: keys[:n], Token: ask(p, func(f BranchesFound) {
		if f.Failed {
			p.later(lastRetry, func() { p.compareKeys(keys, then) })
			return
		}
		for _, k := range f.Missing {
			p.losePast(k)
		}
		p.compareKeys(keys[n:], then)
	})})
}

// losePast reports a branch in history that was committed and is not there. One that the machine knows has its own way there.
func (p *Participant) losePast(k Key) {
	if p.branches[k] != nil {
		return
	}
	p.comparison.lost++
	b := pastBranch(k)
	if p.comparison.lost > maxPast || len(p.pastLost()) >= maxPast {
		p.stand(b, StandStuck)
		return
	}
	p.branches[k] = b
	p.stick(b)
}

// Add takes the commits of one entry of history that participant voted to commit; segment is nil where it could not be read.
func (l *PastListed) Add(segment *Segment, participant string) {
	if segment == nil {
		l.Blind = true
		return
	}
	for i := range segment.History {
		past := &segment.History[i]
		byHand := slices.ContainsFunc(past.Heuristics, func(h HeuristicBranch) bool { return h.Participant == participant })
		cast, _ := past.Decision.Concerns(participant)
		if past.Decision.Verdict == VerdictCommit && cast.Vote == VoteCommit && !byHand {
			l.Keys = append(l.Keys, past.Decision.Key)
		}
	}
}

// pastBranch is a branch that history says was committed, and that the database did not have.
func pastBranch(k Key) *branch {
	return &branch{key: k, known: true, past: true, lost: true, ballot: Commit(), verdict: VerdictCommit, recorded: VoteCommit}
}

// takePast goes on with a branch that was missing in a session before, and has the database asked for it once more.
func (p *Participant) takePast(k Key) {
	b := pastBranch(k)
	if was := p.branches[k]; was != nil { // a call of a session before
		b.call, b.called, b.cancelled, b.prepared = was.call, was.called, was.cancelled, was.prepared
	}
	b.passed = true
	p.branches[k] = b
	p.applied.unfinished = append(p.applied.unfinished, b)
	p.retry(b)
}

func (p *Participant) pastLost() (list []*branch) {
	for _, b := range p.applied.unfinished {
		if b.past {
			list = append(list, b)
		}
	}
	return list
}

// forgetPast lets go of what is missing and history has forgotten.
func (p *Participant) forgetPast() {
	if p.now < p.comparison.forgetAt {
		return
	}
	p.comparison.forgetAt = p.now + forgetPastEvery*p.cfg.ScanEvery
	lost := p.pastLost()
	if len(lost) == 0 {
		return
	}
	keys := make([]Key, len(lost))
	for i, b := range lost {
		keys[i] = b.key
	}
	p.emit(FindPast{Keys: keys, Token: ask(p, func(found PastFound) {
		for _, b := range lost {
			_, known := found.Verdicts[b.key]
			if !known && !found.Blind && b.call == callNone && slices.Contains(p.applied.unfinished, b) {
				p.applied.resolve(b)
				delete(p.branches, b.key)
			}
		}
	})})
}
