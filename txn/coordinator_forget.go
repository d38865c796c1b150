package txn

import "time"

// forget forgets in order (R11): the horizon moves first, at most once in HorizonEvery; then the submissions are read to the end,
// and the duplicates of what is to go are decided; only then history goes, and only what no live log names any more.
func (c *Coordinator) forget(l *leadership) bool {
	if c.now < l.forgetAt {
		return false
	}
	old := c.oldChapters()
	if len(old) == 0 {
		l.forgetAt = c.now + c.cfg.HorizonEvery/10
		return false
	}
	l.busy = true
	c.ask(func(t Token) Effect { return ReadNode{Token: t, Path: HorizonPath} }, func(e Event) {
		n, _ := e.(NodeRead)
		if c.lead != l {
			return
		}
		c.keep(l, []Op{{Kind: OpSet, Path: HorizonPath, Version: n.Version}}, func(r multiResult) {
			if !r.done {
				return // moved or lost: the next round reads it anew
			}
			l.forgetAt = c.now + c.cfg.HorizonEvery
			l.busy = true
			c.readToEnd(transactionsLog, func() { c.awaitDuplicates(l, old) })
		})
	})
	return true
}

// remembered is for how long what is complete is kept: for the retention, and for the longest that a request which came within it may
// take to look for its id (R15).
func (c *Coordinator) remembered() time.Duration {
	return c.cfg.Retention + 2*Patience(c.cfg.Retention)
}

// oldChapters gives the entries of history that are to be remembered no longer, and all of whose transactions are gone from the live
// logs; it stops at the first that is not so, so that the order is kept.
func (c *Coordinator) oldChapters() []Pos {
	var old []Pos
	c.index.chapters.each(func(pos Pos, ch chapter) bool {
		if c.now-ch.first < c.remembered() {
			return false
		}
		for _, k := range ch.keys {
			if c.index.kept[k] > 0 {
				return true // a site that is away keeps only what concerns it
			}
		}
		old = append(old, pos)
		return len(old) < c.cfg.MaxOps-2
	})
	return old
}

// awaitDuplicates deletes the chapters once every live submission of an id in them is decided a duplicate. It looks again at each
// decision, by being asked for as housekeeping until then.
func (c *Coordinator) awaitDuplicates(l *leadership, old []Pos) {
	if c.lead != l {
		return
	}
	var free []Pos
	for _, pos := range old {
		if ch, ok := c.index.chapters.at[pos]; ok && !c.undecidedIn(ch) {
			free = append(free, pos)
		}
	}
	l.busy = false
	if len(free) == 0 {
		return
	}
	var ops []Op
	for _, pos := range free {
		ops = append(ops, Op{Kind: OpDeleteEntry, Log: historyLog, Pos: pos})
	}
	c.deleteEntries(l, ops, func(o Op) { c.index.dropChapter(o.Pos) })
}

// deleteEntries deletes entries of the logs, in one multi; gone is told of each that is not there any more. What became of it when the
// answer was lost is read back (R6).
func (c *Coordinator) deleteEntries(l *leadership, ops []Op, gone func(Op)) {
	c.keep(l, ops, func(r multiResult) {
		switch {
		case r.done:
			for _, o := range ops {
				gone(o)
			}
		case r.failed && r.err == OpErrNoNode:
			gone(ops[r.index])
		case r.lost():
			l.busy = true
			c.prune(func() { l.busy = false })
		}
	})
}

// undecidedIn tells whether a live submission of an id in the chapter is not decided yet, and sees to it that it will be.
func (c *Coordinator) undecidedIn(ch chapter) bool {
	undecided := false
	for _, h := range ch.ids {
		for _, t := range c.index.ids[h] {
			if t.decision == nil {
				undecided = true
				c.consider(t)
			}
		}
	}
	return undecided
}

// sweep removes payloads that no submission took: the parts and the head of version 0 go in one multi, so that it cannot meet a
// submission, which sets the head.
func (c *Coordinator) sweep(l *leadership) bool {
	if c.now-l.swept < c.cfg.SweepAfter/4 {
		return false
	}
	l.swept = c.now
	l.busy = true
	c.ask(func(t Token) Effect { return Sweep{Token: t} }, func(e Event) {
		heads, _ := e.(Heads)
		if c.lead != l {
			return
		}
		l.busy = false
		seen := map[string]Head{}
		for _, h := range heads.Heads {
			seen[h.Name] = h
		}
		for name := range l.heads {
			if _, ok := seen[name]; !ok {
				delete(l.heads, name)
			}
		}
		if l.heads == nil {
			l.heads = map[string]time.Duration{}
		}
		var old []Head
		for _, h := range heads.Heads {
			first, ok := l.heads[h.Name]
			if !ok {
				l.heads[h.Name] = c.now
			} else if c.now-first >= c.cfg.SweepAfter {
				old = append(old, h)
			}
		}
		c.sweepHeads(l, old)
	})
	return true
}

// sweepHeads removes the heads one by one; one that fails stays for the next round.
func (c *Coordinator) sweepHeads(l *leadership, old []Head) {
	if len(old) == 0 {
		return
	}
	h := old[0]
	var ops []Op
	for i := range h.Parts {
		ops = append(ops, Op{Kind: OpDelete, Path: PartPath(h.Name, i), Version: 0})
	}
	ops = append(ops, Op{Kind: OpDelete, Path: HeadPath(h.Name), Version: 0})
	c.keep(l, ops, func(multiResult) { c.sweepHeads(l, old[1:]) })
}
