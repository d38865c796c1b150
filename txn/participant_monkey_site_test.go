package txn

import "fmt"

// submit puts a few new requests into the inbox.
func (m *monkey) submit() {
	s := &Segment{}
	for range 1 + m.rng.Intn(3) {
		m.keys++
		s.Prepares = append(s.Prepares, Prepare{Key: Key(fmt.Sprintf("k%03d", m.keys)), Payload: []byte("{}")})
	}
	m.inbox = append(m.inbox, Entry{Pos: m.place(Inbox), Segment: s})
	if m.rng.Intn(4) == 0 { // decided before the site reads it, as a client's abort is
		m.decideKey(s.Prepares[0].Key, VerdictAbort)
	}
}

func (m *monkey) place(kind LogKind) Pos {
	pos := m.gens[kind]
	m.gens[kind] = pos.Next()
	return pos
}

// decide is the leader's: commit where a vote to commit is seen and none to abort, else perhaps abort.
func (m *monkey) decide() {
	for _, e := range m.inbox {
		for _, request := range e.Segment.Prepares {
			if m.verdicts[request.Key] != VerdictNone {
				continue
			}
			vote := m.seen(request.Key)
			switch {
			case vote == VoteCommit || vote == VoteReadOnly:
				if m.rng.Intn(2) == 0 {
					m.decideKey(request.Key, VerdictCommit)
					m.recorded[request.Key] = vote
				}
			case vote == VoteAbort || m.rng.Intn(20) == 0:
				m.decideKey(request.Key, VerdictAbort)
			}
		}
	}
}

func (m *monkey) seen(k Key) Vote {
	found := VoteNone
	for _, e := range m.votes {
		for _, v := range e.Segment.Votes {
			if v.Key == k && (found == VoteNone || v.Vote == VoteAbort) {
				found = v.Vote
			}
		}
	}
	return found
}

func (m *monkey) decideKey(k Key, v Verdict) {
	cast := CastVote{Participant: "emr"}
	if v == VerdictCommit {
		cast.Vote = m.seen(k)
	}
	m.verdicts[k] = v
	ds := []Decision{{Key: k, Verdict: v, Votes: []CastVote{cast}}}
	if m.rng.Intn(4) == 0 {
		ds = append(ds, Decision{Key: "other", Verdict: v, Votes: []CastVote{{Participant: "other"}}})
	}
	m.decisions = append(m.decisions, Entry{Pos: m.place(Decisions), Segment: &Segment{Decisions: ds}})
}

// zombie is another process of the site: a call of it ends late, and prepares. The marker keeps what was committed from that, and
// a read-only branch has nothing to prepare.
func (m *monkey) zombie() {
	if m.keys == 0 {
		return
	}
	k := Key(fmt.Sprintf("k%03d", 1+m.rng.Intn(m.keys)))
	if !m.marked[k] && !m.w.busy[k] && !readOnly(k) && m.rng.Intn(2) == 0 {
		m.note("zombie prepares %s", k)
		m.prepared[k] = true
		m.w.zombie[k] = true
	}
}

func (m *monkey) wish() {
	if m.keys == 0 {
		return
	}
	m.tell(Withdraw{Key: Key(fmt.Sprintf("k%03d", 1+m.rng.Intn(m.keys)))})
}

// giveEntries goes on with the followed logs.
func (m *monkey) giveEntries() {
	if !m.up {
		return
	}
	if m.p.inbox.follows && m.rng.Intn(2) == 0 {
		m.give(m.p.inboxLog())
	}
	if m.p.decisions.follows && m.rng.Intn(2) == 0 {
		m.give(m.p.decisionsLog())
	}
}

// give tells a followed log to its end.
func (m *monkey) give(l Log) {
	log := m.inbox
	if l.Kind == Decisions {
		log = m.decisions
	}
	var entries []Entry
	for _, e := range log {
		if int(e.Pos.Gen)*1000+int(e.Pos.Num) >= m.given[l.Kind] {
			entries = append(entries, e)
		}
	}
	if len(entries) == 0 {
		return
	}
	last := entries[len(entries)-1].Pos
	m.given[l.Kind] = int(last.Gen)*1000 + int(last.Num) + 1
	m.tell(Entries{Log: l, Entries: entries})
}
