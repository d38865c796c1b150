package txn

import (
	"encoding/json"
	"slices"
)

// site is what a coordinator knows of one participant.
type site struct {
	name        string
	applied     Applied
	known       bool // applied was read
	outstanding []share
	stuck       []share // passed by applied.At, and named in applied.Unfinished
	lost        map[Key]bool
	settled     map[Key]Settled // by hand (R13)

	// Of a leader:
	listing bool // its votes are being read again
	follows bool
	top     Pos // the highest entry of its votes that was read
}

// share is one participant's share of a transaction.
type share struct {
	t *transaction
	i int // its place among the participants
}

// site gives the record of a participant, and follows its "applied" from now on.
func (c *Coordinator) site(name string) *site {
	s, ok := c.sites[name]
	if !ok {
		s = &site{name: name}
		c.sites[name] = s
	}
	if c.session && !ok {
		c.emit(WatchNode{Path: AppliedPath(name)})
	}
	return s
}

// finished tells whether the participant has finished its share of t, by what it applied; then it notes when that was seen.
func (s *site) finished(t *transaction, i int, wall int64) bool {
	if !s.known || !t.dpos.Before(s.applied.At) {
		return false
	}
	for _, u := range s.applied.Unfinished {
		if u.Key == t.sub.Key {
			return false
		}
	}
	t.finished[i] = wall
	return true
}

// appliedRead takes how far a participant has applied the decisions; what it has passed is done, but for what it names (R14).
func (c *Coordinator) appliedRead(n NodeRead) {
	s := c.siteOfApplied(n.Path)
	if s == nil || !n.Exists {
		return
	}
	var a Applied
	if json.Unmarshal(n.Data, &a) != nil {
		c.index.unread++
		return
	}
	waited := s.findsZooKeeperRestored()
	s.applied, s.known = a, true
	if waited && !s.findsZooKeeperRestored() {
		c.beginAnew(s)
	}
	c.reportLost(s)
	c.takeSettled(s)
	passed := s.stuck
	i := 0
	for i < len(s.outstanding) && s.outstanding[i].t.dpos.Before(a.At) {
		i++
	}
	passed = append(passed, s.outstanding[:i]...)
	s.outstanding = s.outstanding[i:]
	s.stuck = nil
	for _, sh := range passed {
		if s.finished(sh.t, sh.i, c.wall) {
			c.oneDone(sh.t)
		} else {
			s.stuck = append(s.stuck, sh)
		}
	}
	if c.lead != nil {
		c.lead.dirty = true
	}
}

// findsZooKeeperRestored tells whether the site waits for an operator because it found ZooKeeper older than its database (R10).
func (s *site) findsZooKeeperRestored() bool {
	return s != nil && s.applied.Restored != nil && s.applied.Restored.What == RestoredZooKeeper
}

// beginAnew gives every undecided transaction of a site that goes on after a restore its whole time again: the site votes only now.
func (c *Coordinator) beginAnew(s *site) {
	for _, pos := range c.index.tsegs.places() {
		for _, k := range c.index.tsegs.at[pos].keys {
			t := c.index.txs[k]
			if t.decision != nil || !slices.Contains(t.sub.Participants, s.name) {
				continue
			}
			t.first, t.anew, t.wish = c.now, true, false
			if l := c.leads(); l != nil {
				l.deadlines.add(t.first+t.sub.Deadline(), t)
			}
		}
	}
}

func (c *Coordinator) siteOfApplied(path string) *site {
	const head, tail = len("participants/"), len("/applied")
	if len(path) <= head+tail {
		return nil
	}
	s := c.sites[path[head:len(path)-tail]]
	if s == nil || AppliedPath(s.name) != path {
		return nil
	}
	return s
}

// reportLost says once of each branch that its site cannot finish it as decided (R7).
func (c *Coordinator) reportLost(s *site) {
	reported := s.lost
	s.lost = nil // what the site does not name any more is not remembered
	for _, u := range s.applied.Unfinished {
		if !u.Lost {
			continue
		}
		if s.lost == nil {
			s.lost = map[Key]bool{}
		}
		s.lost[u.Key] = true
		if !reported[u.Key] {
			c.emit(Heuristic{Key: u.Key, Participant: s.name, Verdict: u.Verdict})
		}
	}
}

// takeSettled takes the branches that an operator settled by hand at a site, and says so of each once, and when its decision is known.
func (c *Coordinator) takeSettled(s *site) {
	was := s.settled
	s.settled = nil
	for _, h := range s.applied.Settled {
		if h.Begun {
			continue
		}
		if s.settled == nil {
			s.settled = map[Key]Settled{}
		}
		s.settled[h.Key] = h
		if was[h.Key] != h {
			state, _ := c.StateOf(h.Key)
			c.emit(Changed{Key: h.Key, State: state})
		}
	}
}

// oneDone counts a finished share; with the last one the transaction is complete.
func (c *Coordinator) oneDone(t *transaction) {
	t.done++
	if t.done < len(t.sub.Participants) {
		return
	}
	t.completed = max(c.wall, 1)
	t.since = c.now
	c.emit(Changed{Key: t.sub.Key, State: t.state()})
	if c.lead != nil {
		c.lead.completed(t)
	}
}
