package txn

import (
	"slices"
	"time"
)

// How many complete transactions are retired at once, how long the first of them waits for company, and how long after a look that
// found nothing to clear there is another: a look goes through all that is kept.
const (
	retireAtOnce = 1000
	retireAfter  = time.Second
	clearAfter   = 50 * time.Millisecond
)

// housekeeping is the leader's third lane: retiring, forgetting, generations, sweeping, one multi at a time. Every one of its
// multis checks the epoch (R4).
type housekeeping struct {
	busy     bool
	dirty    bool // entries may have become free to go
	finished []*transaction
	most     int           // transactions retired at once, where a request was too large; else zero
	clearAt  time.Duration // not before
	forgetAt time.Duration // not before
	swept    time.Duration
	heads    map[string]time.Duration // when a head without a submission was first seen
}

func (l *leadership) completed(t *transaction) {
	l.dirty = true
	if !t.duplicate() && !t.retired {
		l.finished = append(l.finished, t)
	}
}

// keepHouse starts the next piece of housekeeping where one is due.
func (c *Coordinator) keepHouse() {
	l := c.leads()
	if l == nil || l.busy {
		return
	}
	for _, piece := range []func(*leadership) bool{c.rollOver, c.restate, c.retire, c.clear, c.clearUnreadable, c.forget, c.sweep} {
		if piece(l) {
			return
		}
	}
}

// keep sends one multi of the housekeeping lane behind the epoch's check. then is told what became of it, while l still leads;
// the index of a failed operation is that in ops.
func (c *Coordinator) keep(l *leadership, ops []Op, then func(multiResult)) {
	l.busy = true
	all := append([]Op{l.checkEpoch()}, ops...)
	c.multiHere(all, func(r multiResult) {
		switch {
		case c.lead != l:
		case r.failed && r.index == 0:
			c.depose(l)
		case r.failed:
			l.busy = false
			r.index--
			then(r)
		case r.lost():
			c.fence(l, func() { l.busy = false; then(r) })
		default:
			l.busy = false
			then(r)
		}
	})
}

// rollOver closes a generation that is full and opens the next, in one multi.
func (c *Coordinator) rollOver(l *leadership) bool {
	for _, log := range []Log{transactionsLog, decisionsLog, historyLog} {
		gen := c.generation(log)
		if c.reached(log, gen) < c.cfg.GenerationSize {
			continue
		}
		ops := []Op{
			{Kind: OpSet, Path: log.GenerationPath(gen), Version: 0, Data: []byte("closed")},
			{Kind: OpCreate, Path: log.GenerationPath(gen + 1)},
		}
		c.keep(l, ops, func(r multiResult) {
			if r.done || r.failed {
				c.reachGeneration(log, gen+1)
			}
		})
		return true
	}
	return false
}

// reached is how many entries were given out in generation gen of log, as far as is known.
func (c *Coordinator) reached(log Log, gen int32) int32 {
	top := c.tops[log.Kind]
	if top.Gen != gen {
		return 0
	}
	return top.Num + 1
}

// retire writes complete transactions to history and deletes the submissions' entries all of whose transactions are there then, in
// one multi: a transaction is never in neither, and never twice in history.
func (c *Coordinator) retire(l *leadership) bool {
	if len(l.finished) == 0 || len(l.finished) < retireAtOnce && c.now-l.finished[0].since < retireAfter {
		return false
	}
	records := &Segment{Batch: c.batch()}
	going := map[*transaction]bool{}
	bytes, n, most := 0, 0, retireAtOnce
	if l.most > 0 {
		most = l.most
	}
	for ; n < len(l.finished) && n < most && bytes < c.cfg.MaxBytes; n++ {
		t := l.finished[n]
		if t.retired || going[t] || c.index.txs[t.sub.Key] != t {
			continue
		}
		going[t] = true
		bytes += 2*len(t.sub.Participants)*24 + 160 // compressed
		records.History = append(records.History, Past{
			Submission: t.sub, Decision: *t.decision, Completed: t.completed, Heuristics: c.heuristics(t),
		})
	}
	batch := append([]*transaction(nil), l.finished[:n]...)
	l.finished = append(l.finished[:0], l.finished[n:]...)
	if len(going) == 0 {
		return false
	}
	ops := []Op{c.appendTo(historyLog, records)}
	free := c.freeSubmissions(going, c.cfg.MaxOps-len(ops)-2)
	for _, pos := range free {
		ops = append(ops, Op{Kind: OpDeleteEntry, Log: transactionsLog, Pos: pos})
	}
	c.keep(l, ops, func(r multiResult) {
		switch {
		case r.done:
			l.busy = true
			l.most = grow(l.most, retireAtOnce)
			c.readToEnd(historyLog, func() {
				each(free, c.index.dropSubmissions)
				l.busy, l.dirty = false, true
			})
			return
		case r.lost(): // fenced: what history holds now is what it holds
			l.busy = true
			c.readToEnd(historyLog, func() {
				l.busy = false
				c.retireAgain(l, batch)
				c.prune(func() {})
			})
			return
		case r.failed && r.err == OpErrClosed:
			c.closed(ops[r.index])
		case r.failed && ops[r.index].Kind == OpDeleteEntry:
			c.index.dropSubmissions(ops[r.index].Pos)
		case r.failed && r.err == OpErrTooLarge:
			l.most = max(n/2, 1)
		}
		c.retireAgain(l, batch)
	})
	return true
}

// heuristics are the branches of t that ended by hand and against its decision.
func (c *Coordinator) heuristics(t *transaction) (list []HeuristicBranch) {
	for _, p := range t.sub.Participants {
		h, byHand := c.site(p).settled[t.sub.Key]
		h.Decision = t.decision.Verdict
		if byHand && h.Verdict != h.Decision {
			list = append(list, HeuristicBranch{Participant: p, Outcome: h.Outcome()})
		}
	}
	return list
}

// retireAgain queues what is not in history, first.
func (c *Coordinator) retireAgain(l *leadership, ts []*transaction) {
	var rest []*transaction
	for _, t := range ts {
		if !t.retired && c.index.txs[t.sub.Key] == t {
			rest = append(rest, t)
		}
	}
	l.finished = append(rest, l.finished...)
	l.dirty = true
}

// freeSubmissions gives the entries of the log "transactions" all of whose transactions are over, or going.
func (c *Coordinator) freeSubmissions(going map[*transaction]bool, most int) []Pos {
	var free []Pos
	c.index.tsegs.each(func(pos Pos, s segment) bool {
		for _, k := range s.keys {
			if t := c.index.txs[k]; !t.over() && !going[t] {
				return true
			}
		}
		free = append(free, pos)
		return len(free) < most
	})
	return free
}

// clear deletes what retiring left: submissions' entries whose transactions are all over, and decisions' entries whose
// transactions' submissions are all gone and which every site concerned has passed for good.
func (c *Coordinator) clear(l *leadership) bool {
	if !l.dirty || c.now < l.clearAt {
		return false
	}
	half := (c.cfg.MaxOps - 2) / 2
	submissions := c.freeSubmissions(nil, half)
	decisions := c.freeDecisions(half)
	if len(submissions)+len(decisions) == 0 {
		l.dirty, l.clearAt = false, c.now+clearAfter
		return false
	}
	var ops []Op
	for _, pos := range submissions {
		ops = append(ops, Op{Kind: OpDeleteEntry, Log: transactionsLog, Pos: pos})
	}
	for _, pos := range decisions {
		ops = append(ops, Op{Kind: OpDeleteEntry, Log: decisionsLog, Pos: pos})
	}
	c.deleteEntries(l, ops, func(o Op) {
		if o.Log == transactionsLog {
			c.index.dropSubmissions(o.Pos)
		} else {
			c.index.dropDecisions(o.Pos)
		}
	})
	return true
}

// freeDecisions gives the entries of the log "decisions" that nobody needs any more.
func (c *Coordinator) freeDecisions(most int) []Pos {
	var free []Pos
	c.index.dsegs.each(func(pos Pos, s segment) bool {
		for _, p := range s.sites {
			site := c.site(p)
			if !site.known || !pos.Before(site.applied.From) || slices.Contains(site.applied.Needs, pos) {
				return true
			}
		}
		for _, k := range s.keys {
			if _, ok := c.index.txs[k]; ok {
				return true
			}
		}
		free = append(free, pos)
		return len(free) < most
	})
	return free
}
