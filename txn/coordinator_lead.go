package txn

import (
	"encoding/json"
	"maps"
	"slices"
	"time"
)

// stage is how far a take-over has come.
type stage uint8

const (
	fencing stage = iota + 1 // the epoch is being moved
	reading                  // the logs are read to their ends
	leading                  // it decides
)

// leadership is what only a leader has.
type leadership struct {
	stage       stage
	epoch       int32
	wanted      []*transaction // to be decided, in this order
	deciding    bool           // the lane of decisions is taken
	mostDecided int            // transactions decided at once, where a request was too large; else zero
	broken      []Pos          // decisions' entries of its own that cannot be read
	deadlines   deadlines
	voters      map[Key][]lateVote // votes for keys not read yet
	partly      int                // transactions for which somebody has voted, mostly without others: see tally

	housekeeping
}

// takeOver fences first (R4): it moves the epoch in a multi that checks its own election node, and reads only then.
// Where it still leads, an earlier candidature was lost without its hearing of it: it begins anew.
func (c *Coordinator) takeOver(e Lead) {
	if !c.synced {
		c.emit(Deposed{})
		return
	}
	c.stepDown()
	c.lead = &leadership{stage: fencing, voters: map[Key][]lateVote{}}
	c.bump(c.lead, e)
}

func (c *Coordinator) bump(l *leadership, e Lead) {
	c.ask(func(t Token) Effect { return ReadNode{Token: t, Path: EpochPath} }, func(ev Event) {
		n, _ := ev.(NodeRead)
		data, err := json.Marshal(EpochRecord{Leader: c.cfg.ID, Nonce: e.Nonce})
		if err != nil || c.lead != l {
			return
		}
		ops := []Op{
			{Kind: OpCheck, Path: e.ElectionPath, Version: 0},
			{Kind: OpSet, Path: EpochPath, Version: n.Version, Data: data},
		}
		if e.Remove != "" {
			ops = append(ops, Op{Kind: OpDelete, Path: e.Remove, Version: 0})
		}
		c.multiHere(ops, func(r multiResult) {
			switch {
			case c.lead != l:
			case r.done:
				l.epoch = n.Version + 1
				l.stage = reading
				c.prune(func() { c.readAll(func() { c.begin(l) }) })
			case r.failed && r.index == 0:
				c.depose(l)
			case r.failed && r.index == 2:
				c.bump(l, Lead{ElectionPath: e.ElectionPath, Nonce: e.Nonce})
			default: // the epoch moved meanwhile, or the answer was lost: a second bump of one's own does no harm
				c.bump(l, e)
			}
		})
	})
}

// begin starts deciding: all logs were read to their ends after the fence, on the same session.
func (c *Coordinator) begin(l *leadership) {
	if c.lead != l {
		return
	}
	l.stage = leading
	l.dirty = true
	if len(c.index.unreadable[Decisions]) > 0 {
		c.cloud() // what was read after that entry may be older than it
	}
	c.emit(Leading{Epoch: l.epoch})
	for _, pos := range c.index.tsegs.places() {
		for _, k := range c.index.tsegs.at[pos].keys {
			t := c.index.txs[k]
			if t.completed != 0 {
				l.completed(t)
			}
			c.submissionRead(t)
		}
	}
}

// depose ends the leadership l: another leader has moved the epoch, or the election node is gone.
func (c *Coordinator) depose(l *leadership) {
	if c.lead == l {
		c.stepDown()
		c.emit(Deposed{})
	}
}

// stepDown forgets what only a leader has.
func (c *Coordinator) stepDown() {
	if c.lead == nil {
		return
	}
	c.lead = nil
	for _, name := range slices.Sorted(maps.Keys(c.sites)) {
		s := c.sites[name]
		if s.follows {
			c.emit(Unfollow{Log: Log{Kind: Votes, Participant: s.name}})
		}
		s.follows, s.listing = false, false
	}
	for _, t := range c.index.txs {
		t.queued, t.wish, t.partly = false, false, false
		clear(t.votes)
	}
}

// checkEpoch is in every multi of a leader.
func (l *leadership) checkEpoch() Op { return Op{Kind: OpCheck, Path: EpochPath, Version: l.epoch} }

// leads gives the leadership while it decides, else nil.
func (c *Coordinator) leads() *leadership {
	if c.lead == nil || c.lead.stage != leading {
		return nil
	}
	return c.lead
}

// submissionRead lets the leader care for a transaction: follow the votes of its participants, and count its time.
func (c *Coordinator) submissionRead(t *transaction) {
	l := c.leads()
	if l == nil || t.decision != nil {
		return
	}
	for _, p := range t.sub.Participants {
		if s := c.site(p); !s.follows {
			s.follows = true
			c.emit(Follow{Log: Log{Kind: Votes, Participant: p}})
		}
	}
	for _, v := range l.voters[t.sub.Key] {
		t.take(v.participant, v.record, v.pos)
	}
	delete(l.voters, t.sub.Key)
	l.deadlines.add(t.first+t.sub.Deadline(), t)
	c.consider(t)
}

// wish notes that a client wants an abort. What a site may have committed is not aborted for that (R10).
func (c *Coordinator) wish(k Key) {
	t, ok := c.index.txs[k]
	if c.leads() == nil || !ok || t.decision != nil || t.anew || c.heldBack(t) {
		return
	}
	t.wish = true
	c.consider(t)
}

// passDeadlines wants the decision of each transaction whose time is over (R12).
func (c *Coordinator) passDeadlines() {
	l := c.leads()
	if l == nil {
		return
	}
	for {
		t, ok := l.deadlines.next(c.now)
		if !ok {
			return
		}
		c.consider(t) // what is held back begins anew after that
	}
}

func (t *transaction) late(now time.Duration) bool { return now >= t.first+t.sub.Deadline() }
