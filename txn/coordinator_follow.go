package txn

// readSubmissions takes one entry of the log "transactions".
func (c *Coordinator) readSubmissions(e Entry) {
	x := &c.index
	if x.tsegs.has(e.Pos) {
		return
	}
	if e.Segment == nil {
		c.cannotRead(Transactions, e)
		return
	}
	seg := segment{}
	for _, s := range e.Segment.Submissions {
		if _, ok := x.txs[s.Key]; ok || len(s.Participants) == 0 {
			continue
		}
		seg.keys = append(seg.keys, s.Key)
		x.keep(s.Key)
		t := &transaction{
			sub: s, pos: e.Pos, first: c.now,
			votes: make([]standingVote, len(s.Participants)), finished: make([]int64, len(s.Participants)),
		}
		h := hashID(s.ID)
		if p, ok := x.past[h]; ok && p.key == hashKey(s.Key) {
			t.retired = true
		}
		x.txs[s.Key] = t
		x.ids[h] = append(x.ids[h], t)
		for _, p := range s.Participants {
			c.site(p)
		}
		c.emit(Changed{Key: s.Key, State: StatePreparing})
		if o, ok := x.orphans[s.Key]; ok {
			delete(x.orphans, s.Key)
			c.learn(t, o.decision, o.pos)
		}
		c.submissionRead(t)
	}
	x.tsegs.put(e.Pos, seg)
}

// readDecisions takes one entry of the log "decisions".
func (c *Coordinator) readDecisions(e Entry) {
	x := &c.index
	if x.dsegs.has(e.Pos) {
		if l := c.leads(); l != nil && e.Segment == nil {
			l.broken = append(l.broken, e.Pos)
		}
		return
	}
	if e.Segment == nil {
		c.cannotRead(Decisions, e)
		return
	}
	unknown := c.decided(e.Pos, e.Segment.Decisions)
	if unknown == 0 {
		return
	}
	// A decision for a submission that was not read: the submission is older, so it is read by the end, or gone for good.
	c.readToEnd(transactionsLog, func() {
		for k, o := range x.orphans {
			if o.pos == e.Pos {
				delete(x.orphans, k)
			}
		}
		var gone []Key
		for i := range e.Segment.Decisions {
			if k := e.Segment.Decisions[i].Key; x.txs[k] == nil {
				gone = append(gone, k)
			}
		}
		c.goneToHistory(gone)
	})
}

// decided files the decisions of the entry at pos and gives the number of those whose submission is not known.
func (c *Coordinator) decided(pos Pos, decisions []Decision) int {
	x := &c.index
	seg := segment{}
	concerned := map[string]bool{}
	unknown := 0
	for i := range decisions {
		d := &decisions[i]
		seg.keys = append(seg.keys, d.Key)
		x.keep(d.Key)
		for _, v := range d.Votes {
			c.site(v.Participant)
			if !concerned[v.Participant] {
				concerned[v.Participant] = true
				seg.sites = append(seg.sites, v.Participant)
			}
		}
		t, ok := x.txs[d.Key]
		if ok {
			c.learn(t, d, pos)
			continue
		}
		if _, ok := x.orphans[d.Key]; !ok {
			x.orphans[d.Key] = orphan{d, pos}
			unknown++
		}
	}
	x.dsegs.put(pos, seg)
	return unknown
}

// learn takes the decision of t: the first in log order is the decision, a second one is a bug and ignored (R3).
func (c *Coordinator) learn(t *transaction, d *Decision, pos Pos) {
	if t.decision != nil {
		if t.dpos != pos && !t.decision.restatedBy(d) {
			c.emit(SecondDecision{Key: d.Key})
		}
		return
	}
	t.decision, t.dpos = d, pos
	t.clouded = false
	t.queued = false
	if l := c.leads(); l != nil {
		l.tally(t)
	}
	if !t.duplicate() {
		c.index.supersede(t)
	}
	c.emit(Changed{Key: t.sub.Key, State: decidedState(d.Verdict)})
	for i, p := range t.sub.Participants {
		s := c.site(p)
		if !s.finished(t, i, c.wall) {
			s.outstanding = append(s.outstanding, share{t, i})
		} else {
			c.oneDone(t)
		}
	}
}

// readHistory takes one entry of the log "history".
func (c *Coordinator) readHistory(e Entry) {
	x := &c.index
	if x.chapters.has(e.Pos) {
		return
	}
	if e.Segment == nil {
		c.cannotRead(History, e)
		return
	}
	ch := chapter{first: c.now, size: e.Size}
	for i := range e.Segment.History {
		p := &e.Segment.History[i]
		h, k := hashID(p.Submission.ID), hashKey(p.Submission.Key)
		ch.ids = append(ch.ids, h)
		ch.keys = append(ch.keys, k)
		x.past[h] = past{e.Pos, k}
		for _, name := range p.Submission.Participants {
			c.site(name) // it may have lost its share since
		}
		if t, ok := x.txs[p.Submission.Key]; ok {
			t.retired = true
		}
	}
	x.bytes += int64(ch.size)
	x.chapters.put(e.Pos, ch)
}
