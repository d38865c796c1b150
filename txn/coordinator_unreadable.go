package txn

import (
	"slices"
	"time"
)

// What an entry that cannot be read means, by its log; doc.go has the whole.

// unreadable is one such entry.
type unreadable struct {
	first time.Duration // when it was first read
	newer bool          // written by a newer program: it is not ours to delete
	size  int
}

// cannotRead notes an entry that cannot be read.
func (c *Coordinator) cannotRead(kind LogKind, e Entry) {
	x := &c.index
	if _, known := x.unreadable[kind][e.Pos]; known {
		return
	}
	if x.unreadable[kind] == nil {
		x.unreadable[kind] = map[Pos]unreadable{}
	}
	x.unreadable[kind][e.Pos] = unreadable{first: c.now, newer: e.Newer, size: e.Size}
	switch kind {
	case Decisions:
		c.cloud()
	case History:
		x.bytes += int64(e.Size) // it takes the room
	}
}

// nowReadable forgets an entry that is gone, or whose content is known after all.
func (c *Coordinator) nowReadable(kind LogKind, pos Pos) {
	u, known := c.index.unreadable[kind][pos]
	if !known {
		return
	}
	delete(c.index.unreadable[kind], pos)
	switch {
	case kind == History:
		c.index.bytes -= int64(u.size)
	case kind == Decisions && len(c.index.unreadable[Decisions]) == 0:
		c.uncloud()
	}
}

// cloud keeps all undecided transactions from being decided: an entry of the decisions that cannot be read may hold their first
// decision (R3). What is submitted later is not in it.
func (c *Coordinator) cloud() {
	for _, t := range c.index.txs {
		if t.decision == nil {
			t.clouded = true
		}
	}
}

func (c *Coordinator) uncloud() {
	for _, pos := range c.index.tsegs.places() {
		for _, k := range c.index.tsegs.at[pos].keys {
			if t := c.index.txs[k]; t.clouded {
				t.clouded = false
				c.consider(t)
			}
		}
	}
}

// knownPlaces gives the places of a log's entries, those that cannot be read included, in log order.
func (x *index) knownPlaces(kind LogKind, readable func() []Pos) func() []Pos {
	return func() []Pos {
		places := readable()
		if len(x.unreadable[kind]) == 0 {
			return places
		}
		for pos := range x.unreadable[kind] {
			places = append(places, pos)
		}
		slices.SortFunc(places, comparePos)
		return places
	}
}

func comparePos(a, b Pos) int {
	switch {
	case a.Before(b):
		return -1
	case b.Before(a):
		return 1
	}
	return 0
}

// restate replaces an entry of the decisions that cannot be read, and whose content this leader knows because it wrote it, by a new
// one with the same records, in one multi: whoever could not read the old one obeys the new one, and who could knows them already.
func (c *Coordinator) restate(l *leadership) bool {
	for len(l.broken) > 0 {
		pos := l.broken[0]
		l.broken = l.broken[1:]
		known, ok := c.index.dsegs.at[pos]
		if !ok {
			continue
		}
		records := &Segment{Batch: c.batch()}
		for _, k := range known.keys {
			if t := c.index.txs[k]; t != nil && t.decision != nil && t.dpos == pos { // others are complete everywhere, and retired
				records.Decisions = append(records.Decisions, *t.decision)
			}
		}
		var ops []Op
		if len(records.Decisions) > 0 {
			ops = append(ops, c.appendTo(decisionsLog, records))
		}
		ops = append(ops, Op{Kind: OpDeleteEntry, Log: decisionsLog, Pos: pos})
		c.keep(l, ops, func(r multiResult) {
			switch {
			case r.done:
				if len(r.appended) > 0 && !c.index.dsegs.has(r.appended[0]) {
					c.decided(r.appended[0], records.Decisions)
				}
				c.index.dropDecisions(pos)
				return
			case r.failed && r.err == OpErrClosed:
				c.closed(ops[r.index])
			case r.failed && r.err == OpErrNoNode:
				return // it was replaced before, and the answer was lost
			}
			l.broken = append(l.broken, pos)
		})
		return true
	}
	return false
}

// oldUnreadable gives the entries of log that have been unreadable for as long as anything is remembered, and that a newer program
// did not write: nobody needs them any more.
func (c *Coordinator) oldUnreadable(log Log) []Pos {
	var old []Pos
	for pos, u := range c.index.unreadable[log.Kind] {
		if !u.newer && c.now-u.first >= c.remembered() && len(old) < 100 {
			old = append(old, pos)
		}
	}
	slices.SortFunc(old, comparePos)
	return old
}

// clearUnreadable deletes submissions and chapters of history that nobody has been able to read for as long as what is
// complete is remembered. Once a submission's entry is gone, no leader to come decides anything of it.
func (c *Coordinator) clearUnreadable(l *leadership) bool {
	for _, log := range []Log{transactionsLog, historyLog} {
		old := c.oldUnreadable(log)
		if len(old) == 0 {
			continue
		}
		var ops []Op
		for _, pos := range old {
			ops = append(ops, Op{Kind: OpDeleteEntry, Log: log, Pos: pos})
		}
		c.deleteEntries(l, ops, func(o Op) { c.nowReadable(log.Kind, o.Pos) })
		return true
	}
	return false
}
