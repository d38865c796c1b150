package txn

// standingVote is a vote as it stands in a segment of its participant, or none.
type standingVote struct {
	Ballot
	withdrawn bool
	at        int64
	pos       Pos
}

// lateVote is a vote for a key that was not read yet.
type lateVote struct {
	participant string
	record      VoteRecord
	pos         Pos
}

// take notes a vote: a visible vote to abort beats any vote to commit of the same site (R2), a newer segment an older one.
func (t *transaction) take(participant string, v VoteRecord, pos Pos) {
	i := t.place(participant)
	if i < 0 || v.Vote == VoteNone {
		return
	}
	old := &t.votes[i]
	if old.Vote == VoteAbort && v.Vote != VoteAbort {
		return
	}
	if old.Vote != VoteNone && pos.Before(old.pos) && v.Vote != VoteAbort {
		return
	}
	*old = standingVote{v.Ballot, v.Withdrawn, v.At, pos}
}

// readVotes takes one entry of a participant's votes.
func (c *Coordinator) readVotes(participant string, e Entry) {
	l := c.leads()
	if l == nil || e.Segment == nil {
		return
	}
	if s := c.site(participant); s.top.Before(e.Pos) {
		s.top = e.Pos
	}
	unknown := false
	for _, v := range e.Segment.Votes {
		t, ok := c.index.txs[v.Key]
		switch {
		case !ok:
			l.voters[v.Key] = append(l.voters[v.Key], lateVote{participant, v, e.Pos})
			unknown = true
		case t.decision == nil:
			t.take(participant, v, e.Pos)
			c.consider(t)
			l.tally(t)
		}
	}
	if !unknown {
		return
	}
	c.readToEnd(transactionsLog, func() {
		for _, v := range e.Segment.Votes {
			delete(l.voters, v.Key) // still unknown: its record is gone, so it is decided
		}
	})
}

// tally counts t, for which somebody has voted, where it is not decided and not about to be. It only serves the lane of decisions to
// guess what is on its way (Queue.Coming).
func (l *leadership) tally(t *transaction) {
	partly := t.decision == nil && !t.queued
	switch {
	case partly && !t.partly:
		l.partly++
	case !partly && t.partly:
		l.partly--
	}
	t.partly = partly
}

// readVotesAgain lists a participant's votes because one that was relied on has vanished: votes in segments that are gone are
// dropped, the others stand (R2), also those that are read while the list is made: it may be older than they are.
func (c *Coordinator) readVotesAgain(participant string) {
	s := c.site(participant)
	l := c.leads()
	if l == nil || s.listing {
		return
	}
	s.listing = true
	top := s.top
	log := Log{Kind: Votes, Participant: participant}
	c.ask(func(t Token) Effect { return ListLog{Token: t, Log: log} }, func(ev Event) {
		s.listing = false
		listed, _ := ev.(LogListed)
		if c.lead != l {
			return
		}
		there := map[Pos]bool{}
		for _, e := range listed.Entries {
			there[e.Pos] = true
		}
		for _, t := range c.index.txs {
			i := t.place(participant)
			if i < 0 || t.decision != nil {
				continue
			}
			if v := &t.votes[i]; v.Vote.relied() && !there[v.pos] && !top.Before(v.pos) {
				*v = standingVote{}
			}
		}
		for _, e := range listed.Entries {
			c.readVotes(participant, e)
		}
	})
}

// relied tells whether a commit relies on the vote's segment still being there.
func (v Vote) relied() bool { return v == VoteCommit || v == VoteReadOnly }

// dropVote forgets the votes of participant in the segment at pos, for those of ts that relied on it.
func dropVote(ts []*transaction, participant string, pos Pos) {
	for _, t := range ts {
		i := t.place(participant)
		if i >= 0 && t.votes[i].Vote.relied() && t.votes[i].pos == pos {
			t.votes[i] = standingVote{}
		}
	}
}
