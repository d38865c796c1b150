package txn

import "slices"

// ruling is what is to be decided of a transaction.
type ruling struct {
	verdict   Verdict
	reason    *Reason
	duplicate Key
}

// judge says what t's decision is to be now, or none. Commit wants a vote of every participant; an abort wants no vote check.
func (c *Coordinator) judge(t *transaction) ruling {
	first, p, ok := c.index.meaning(t.sub.ID)
	if ok && first != t && (first != nil || p.key != hashKey(t.sub.Key)) {
		r := ruling{verdict: VerdictAbort, reason: &Reason{Code: ReasonDuplicate}}
		if first != nil {
			r.duplicate = first.sub.Key
		}
		return r
	}
	all := true
	for i, v := range t.votes {
		if v.Vote == VoteAbort {
			code := ReasonVote
			if v.withdrawn {
				code = ReasonWithdrawn
			}
			return ruling{verdict: VerdictAbort, reason: &Reason{Code: code, Participant: t.sub.Participants[i], Detail: v.Detail}}
		}
		all = all && v.Vote != VoteNone
	}
	switch {
	case all:
		return ruling{verdict: VerdictCommit}
	case !t.wish && !t.late(c.now), c.heldBack(t):
		return ruling{}
	case t.wish:
		return ruling{verdict: VerdictAbort, reason: &Reason{Code: ReasonClient}}
	}
	return ruling{verdict: VerdictAbort, reason: c.lateReason(t)}
}

// heldBack tells whether t waits for an operator's word to one of its sites that has found ZooKeeper restored (R10). The site votes
// after that: perhaps it had committed t in the time that the backup does not know, and an abort, for a deadline or a client, would
// split t. A site whose database was restored holds nothing back: who misses a vote has not committed.
func (c *Coordinator) heldBack(t *transaction) bool {
	return slices.ContainsFunc(t.sub.Participants, func(p string) bool { return c.sites[p].findsZooKeeperRestored() })
}

// lateReason names who had not voted at the deadline: first a site without a session.
func (c *Coordinator) lateReason(t *transaction) *Reason {
	r := &Reason{Code: ReasonTimeout}
	for i, v := range t.votes {
		if v.Vote != VoteNone {
			continue
		}
		p := t.sub.Participants[i]
		if !c.alive[p] {
			return &Reason{Code: ReasonParticipantLost, Participant: p}
		}
		if r.Participant == "" {
			r.Participant = p
		}
	}
	return r
}

// consider queues t where it can be decided.
func (c *Coordinator) consider(t *transaction) {
	l := c.leads()
	if l == nil || t.decision != nil || t.clouded || t.queued || c.judge(t).verdict == VerdictNone {
		return
	}
	t.queued = true
	l.wanted = append(l.wanted, t)
}

// proposal is one multi of decisions: it checks the epoch and every vote segment that its commits rely on (R2).
type proposal struct {
	ops     []Op
	checked map[reliance]bool
	records Segment
	ts      []*transaction
	bytes   int
}

// reliance is a vote segment that a commit relies on.
type reliance struct {
	participant string
	pos         Pos
}

// add puts t into the proposal, unless the request would grow too large.
func (p *proposal) add(c *Coordinator, l *leadership, t *transaction, r ruling) bool {
	var checks []Op
	if r.verdict == VerdictCommit {
		for i, v := range t.votes {
			if rel := (reliance{t.sub.Participants[i], v.pos}); !p.checked[rel] {
				checks = append(checks, Op{Kind: OpCheckEntry, Log: Log{Kind: Votes, Participant: rel.participant}, Pos: rel.pos})
			}
		}
	}
	bytes := len(checks)*checkBytes + decisionBytes + len(t.votes)*castVoteBytes
	if l.mostDecided > 0 && len(p.ts) >= l.mostDecided {
		return false
	}
	if len(p.ts) > 0 && (len(p.ops)+len(checks)+3 > c.cfg.MaxOps || p.bytes+bytes > c.cfg.MaxBytes) {
		return false
	}
	for _, op := range checks {
		p.checked[reliance{op.Log.Participant, op.Pos}] = true
	}
	p.ops = append(p.ops, checks...)
	p.bytes += bytes
	p.ts = append(p.ts, t)
	d := Decision{
		Key: t.sub.Key, ID: t.sub.ID, Verdict: r.verdict, Reason: r.reason, DuplicateOf: r.duplicate,
		Votes: make([]CastVote, len(t.votes)), Epoch: l.epoch, Coordinator: c.cfg.ID, At: c.wall,
	}
	for i, v := range t.votes {
		d.Votes[i] = CastVote{Participant: t.sub.Participants[i], Ballot: v.Ballot, At: v.at}
	}
	p.records.Decisions = append(p.records.Decisions, d)
	return true
}

// flushDecisions asks for the wanted decisions to be logged. The machine stays mute about them until it knows what the log holds.
func (c *Coordinator) flushDecisions() {
	l := c.leads()
	if l == nil || l.deciding || len(l.wanted) == 0 {
		return
	}
	p := &proposal{ops: []Op{l.checkEpoch()}, checked: map[reliance]bool{}, records: Segment{Batch: c.batch()}}
	n := 0
	for ; n < len(l.wanted); n++ {
		t := l.wanted[n]
		r := c.judge(t)
		if t.decision != nil || t.clouded || r.verdict == VerdictNone || c.index.txs[t.sub.Key] != t {
			t.queued = false // decided meanwhile, or a vote has vanished
			continue
		}
		if !p.add(c, l, t, r) {
			break
		}
	}
	l.wanted = append(l.wanted[:0], l.wanted[n:]...)
	if len(p.ts) == 0 {
		return
	}
	p.ops = append(p.ops, c.appendTo(decisionsLog, &p.records))
	l.deciding = true
	c.multiHere(p.ops, func(r multiResult) {
		if c.lead == l {
			c.proposed(l, p, r)
		}
	})
}

// proposed takes what became of a proposal.
func (c *Coordinator) proposed(l *leadership, p *proposal, r multiResult) {
	switch {
	case r.done:
		l.deciding = false
		c.reachGeneration(decisionsLog, r.appended[0].Gen)
		l.mostDecided = grow(l.mostDecided, c.cfg.MaxOps)
		if !c.index.dsegs.has(r.appended[0]) {
			c.decided(r.appended[0], p.records.Decisions)
			if _, bad := c.index.unreadable[Decisions][r.appended[0]]; bad { // it was read before this answer came
				l.broken = append(l.broken, r.appended[0])
				c.nowReadable(Decisions, r.appended[0])
			}
		}
	case r.failed && r.index == 0:
		c.depose(l)
	case r.failed:
		op := p.ops[r.index]
		switch {
		case op.Kind == OpCheckEntry: // a vote vanished: it blocks commit and means nothing else (R8)
			dropVote(p.ts, op.Log.Participant, op.Pos)
			c.readVotesAgain(op.Log.Participant)
		case r.err == OpErrClosed:
			c.closed(op)
		case r.err == OpErrTooLarge:
			l.mostDecided = max(len(p.ts)/2, 1)
		}
		c.wantAgain(l, p)
	case r.unsent:
		c.wantAgain(l, p)
	default: // perhaps: write, read the decisions to the end, and obey what the log holds (R4, R6)
		c.fence(l, func() { c.readToEnd(decisionsLog, func() { c.wantAgain(l, p) }) })
	}
}

// wantAgain gives the lane free and queues what is still not decided.
func (c *Coordinator) wantAgain(l *leadership, p *proposal) {
	l.deciding = false
	for _, t := range p.ts {
		t.queued = false
		c.consider(t)
	}
}

// fence completes a write of the leader's own that checks its epoch; where the epoch has moved, it is deposed.
func (c *Coordinator) fence(l *leadership, then func()) {
	c.multiHere([]Op{l.checkEpoch()}, func(r multiResult) {
		switch {
		case c.lead != l:
		case r.done:
			then()
		case r.failed:
			c.depose(l)
		default:
			c.fence(l, then)
		}
	})
}
