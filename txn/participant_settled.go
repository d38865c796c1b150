package txn

import (
	"slices"
	"time"
)

// What an operator settled by hand stands in "applied" until its transaction is in history, and then stands there (R13). The leader
// deletes a decision only when its transactions are: so the site looks, from time to time, whether the decisions are still in the log.
// It keeps a name until the second look that does not find it, for coordinators drop the live record of a transaction a little later.

// settledLane is when the site looks next, and what the look before did not find.
type settledLane struct {
	next time.Duration
	gone map[Key]bool
}

// clearSettled looks, where something stands in "applied" that the machine has forgotten.
func (p *Participant) clearSettled() {
	if p.now < p.settled.next {
		return
	}
	p.settled.next = p.now + p.cfg.ScanEvery
	if !slices.ContainsFunc(p.applied.settled, p.forgotten) {
		p.settled.gone = nil
		return
	}
	p.listLog(p.decisionsLog(), func(l LogListed) {
		there := map[Key]bool{}
		for _, e := range l.Entries {
			if e.Segment == nil {
				return // it may name any of them
			}
			for i := range e.Segment.Decisions {
				there[e.Segment.Decisions[i].Key] = true
			}
		}
		gone := map[Key]bool{}
		p.applied.settled = slices.DeleteFunc(p.applied.settled, func(s Settled) bool {
			if there[s.Key] || !p.forgotten(s) {
				return false
			}
			gone[s.Key] = true
			p.applied.restless = p.applied.restless || p.settled.gone[s.Key]
			return p.settled.gone[s.Key]
		})
		p.settled.gone = gone
	})
}

// forgotten tells whether a branch that was settled by hand is decided, and over at this site.
func (p *Participant) forgotten(s Settled) bool {
	return !s.Begun && s.Decision != VerdictNone && p.branches[s.Key] == nil
}
