package txn

import (
	"slices"
	"time"
)

// Found is where an id was found.
type Found uint8

// The places. FoundNowhere means unknown, never "aborted" (R15).
const (
	FoundNowhere Found = iota
	FoundLive          // the transaction is given
	FoundPast          // it is in the entry of history that is given
)

// Lookup finds what id means: a live transaction and its digest, or the entry of history that holds it.
func (c *Coordinator) Lookup(id string) (t Transaction, digest string, chapter Pos, found Found) {
	live, p, ok := c.index.meaning(id)
	switch {
	case !ok:
		return Transaction{}, "", Pos{}, FoundNowhere
	case live == nil || live.retired && live.decision == nil: // its decision was gone before it was read
		return Transaction{}, "", p.pos, FoundPast
	}
	return c.view(live), live.sub.Digest, Pos{}, FoundLive
}

// LookupKey finds a live submission, duplicates included; dup is then the submission that its id means, or empty where that one is
// in history already.
func (c *Coordinator) LookupKey(k Key) (t Transaction, dup Key, ok bool) {
	live, ok := c.index.txs[k]
	if !ok {
		return Transaction{}, "", false
	}
	if live.duplicate() {
		dup = live.decision.DuplicateOf
	}
	return c.view(live), dup, true
}

// StateOf gives a live submission's state, for who need not see the rest of it yet.
func (c *Coordinator) StateOf(k Key) (s State, ok bool) {
	t, ok := c.index.txs[k]
	if !ok {
		return 0, false
	}
	return t.state(), true
}

// EachLive gives the live transactions that are not in history and whose key is less than before, where before is not empty,
// newest first in log order, until f says no. Duplicates are left out.
func (c *Coordinator) EachLive(before Key, f func(Transaction) bool) {
	for _, pos := range slices.Backward(c.index.tsegs.places()) {
		for _, k := range slices.Backward(c.index.tsegs.at[pos].keys) {
			if before != "" && k >= before {
				continue
			}
			if t := c.index.txs[k]; !t.retired && !c.index.isDuplicate(t) && !f(c.view(t)) {
				return
			}
		}
	}
}

// Chapters gives the entries of history, in log order.
func (c *Coordinator) Chapters() []Pos { return c.index.chapters.places() }

// Counts is what a coordinator's metrics show.
type Counts struct {
	InFlight     int   // live and not complete
	Undecided    int   // of those
	History      int   // ids in history
	HistoryBytes int64 // of ZooKeeper
	Unread       int   // entries that could not be decoded
}

// Counts counts what is known.
func (c *Coordinator) Counts() Counts {
	n := Counts{History: len(c.index.past), HistoryBytes: c.index.bytes, Unread: c.index.unread}
	for _, entries := range c.index.unreadable {
		n.Unread += len(entries)
	}
	for _, t := range c.index.txs {
		if t.completed == 0 && !t.retired {
			n.InFlight++
			if t.decision == nil {
				n.Undecided++
			}
		}
	}
	return n
}

// view makes what clients see of a live transaction.
func (c *Coordinator) view(t *transaction) Transaction {
	d := t.decision
	v := describe(c.cfg.Cluster, &t.sub, d)
	for i := range v.Branches {
		b := &v.Branches[i]
		h, byHand := c.site(b.Participant).settled[t.sub.Key]
		if d == nil {
			b.Vote, b.Voted = t.votes[i].Vote, moment(t.votes[i].at)
			if byHand {
				b.Outcome = h.Outcome()
			}
			continue
		}
		h.Decision = d.Verdict
		switch {
		case byHand:
			b.Outcome, b.Finished = h.Outcome(), moment(t.finished[i])
		case c.site(b.Participant).lost[t.sub.Key]: // also one that was finished before its database was restored
			b.Outcome = OutcomeHeuristicRollback
		case t.finished[i] != 0:
			b.Finished = moment(t.finished[i])
			b.Outcome = outcomeOf(d.Verdict)
		}
	}
	if v.State = t.state(); v.State == StateCommitted || v.State == StateAborted {
		v.Completed = moment(t.completed)
	}
	return v
}

// state is how far a live transaction has come.
func (t *transaction) state() State {
	d, complete := t.decision, t.completed != 0 || t.retired
	switch {
	case d == nil:
		return StatePreparing
	case !complete:
		return decidedState(d.Verdict)
	case d.Verdict == VerdictAbort:
		return StateAborted
	}
	return StateCommitted
}

// decidedState is the state of a transaction from its decision until it is complete.
func decidedState(v Verdict) State {
	if v == VerdictAbort {
		return StateAborting
	}
	return StateCommitting
}

// View makes what clients see of a transaction in history.
func (p *Past) View(cluster string) Transaction {
	v := describe(cluster, &p.Submission, &p.Decision)
	v.Completed = moment(p.Completed)
	for i := range v.Branches {
		v.Branches[i].Outcome = outcomeOf(p.Decision.Verdict)
		v.Branches[i].Finished = v.Completed
		for _, h := range p.Heuristics {
			if h.Participant == v.Branches[i].Participant {
				v.Branches[i].Outcome = h.Outcome
			}
		}
	}
	return v
}

// Amend shows, in the view of a transaction in history, what its sites have lost of it since: their databases were restored (R10).
func (c *Coordinator) Amend(t *Transaction) {
	for i := range t.Branches {
		b := &t.Branches[i]
		if s := c.sites[b.Participant]; s != nil && s.lost[t.Key] && b.Outcome == OutcomeCommitted {
			b.Outcome = OutcomeHeuristicRollback
		}
	}
}

// describe makes the part of a view that the records hold; a decided one is shown as complete.
func describe(cluster string, s *Submission, d *Decision) Transaction {
	v := Transaction{ID: s.ID, Key: s.Key, Created: Moment{time.UnixMilli(s.At).UTC()}, Branches: make([]Branch, len(s.Participants))}
	for i, p := range s.Participants {
		v.Branches[i] = Branch{Participant: p, XID: XID{cluster, s.Key, p}.String()}
	}
	if d == nil {
		return v
	}
	v.Decided, v.Epoch, v.Coordinator = moment(d.At), d.Epoch, d.Coordinator
	v.State = StateCommitted
	if d.Verdict == VerdictAbort {
		retryable := d.Retryable()
		v.State, v.Reason, v.Retryable = StateAborted, d.Reason, &retryable
	}
	for i := range v.Branches {
		for _, cast := range d.Votes {
			if cast.Participant == v.Branches[i].Participant {
				v.Branches[i].Vote, v.Branches[i].Voted = cast.Vote, moment(cast.At)
			}
		}
	}
	return v
}

// Retryable tells whether the same work may succeed under a new id (CONTRACT.md).
func (d *Decision) Retryable() bool {
	if d.Reason == nil {
		return false
	}
	switch d.Reason.Code {
	case ReasonTimeout, ReasonParticipantLost, ReasonWithdrawn:
		return true
	case ReasonVote:
		b, _ := d.Concerns(d.Reason.Participant)
		return b.Retryable
	}
	return false
}

func outcomeOf(v Verdict) Outcome {
	if v == VerdictCommit {
		return OutcomeCommitted
	}
	return OutcomeRolledBack
}
