package txn

import (
	"fmt"
	"math/rand"
	"testing"
	"time"
)

// TestParticipantIsTotal tells the machine nonsense: any event in any state, answers to what was not asked, or asked otherwise. It
// must answer each, if only with nothing, and never panic.
func TestParticipantIsTotal(t *testing.T) {
	runs := 3000
	if testing.Short() {
		runs = 300
	}
	for seed := range runs {
		n := &nonsense{rng: rand.New(rand.NewSource(int64(seed)))}
		n.play(t, seed)
	}
}

type nonsense struct {
	rng *rand.Rand
	p   *Participant
	now time.Duration
	top Token
}

func (n *nonsense) play(t *testing.T, seed int) {
	defer func() {
		if r := recover(); r != nil {
			t.Fatalf("seed %d: %v", seed, r)
		}
	}()
	s := newScript(t, ParticipantConfig{Slots: 3, WithdrawAfter: time.Second, ScanEvery: time.Second, GenerationSize: 4, MaxOps: 5, MaxBytes: 4 * voteBytes})
	n.p = s.p
	if n.rng.Intn(4) > 0 {
		s.start([]string{"a"})
	}
	for range 300 {
		effects := n.p.Step(n.event())
		if n.rng.Intn(3) == 0 {
			effects = n.p.Flush(Hold{})
		}
		for _, e := range effects {
			n.seen(e)
		}
		if n.p.phase == phaseStopped {
			return
		}
	}
	n.p.Standing()
	n.p.Branches()
}

func (n *nonsense) seen(e Effect) {
	switch e := e.(type) {
	case Multi:
		n.top = e.Token
	case ListLog:
		n.top = e.Token
	case FindPast:
		n.top = e.Token
	case ReadToEnd:
		n.top = e.Token
	case ReadNode:
		n.top = e.Token
	}
}

// token is most often one of the last that were asked for.
func (n *nonsense) token() Token {
	return max(n.top, 3) - Token(n.rng.Intn(4)) + Token(n.rng.Intn(2))
}

func (n *nonsense) key() Key { return Key(fmt.Sprintf("k%d", n.rng.Intn(8))) }

func (n *nonsense) pos() Pos { return Pos{int32(1 + n.rng.Intn(2)), int32(n.rng.Intn(6))} }

func (n *nonsense) log() Log {
	switch n.rng.Intn(3) {
	case 0:
		return n.p.inboxLog()
	case 1:
		return n.p.votesLog()
	}
	return n.p.decisionsLog()
}

func (n *nonsense) ballot() Ballot {
	return Ballot{Vote: Vote(n.rng.Intn(4)), Detail: Detail(n.rng.Intn(3))}
}

func (n *nonsense) entries() []Entry {
	list := make([]Entry, n.rng.Intn(3))
	for i := range list {
		list[i] = Entry{Pos: n.pos(), Ephemeral: n.rng.Intn(2) == 0}
		if n.rng.Intn(20) > 0 {
			list[i].Segment = n.segment()
		}
	}
	return list
}

func (n *nonsense) segment() *Segment {
	s := &Segment{Batch: fmt.Sprintf("P-%d", n.rng.Intn(20))}
	for range n.rng.Intn(3) {
		s.Prepares = append(s.Prepares, Prepare{Key: n.key(), Head: []string{"", "h"}[n.rng.Intn(2)], Parts: n.rng.Intn(8)})
	}
	for range n.rng.Intn(3) {
		s.Votes = append(s.Votes, VoteRecord{Key: n.key(), Ballot: n.ballot(), Withdrawn: n.rng.Intn(4) == 0})
	}
	for range n.rng.Intn(3) {
		votes := []CastVote{{Participant: scriptSite, Ballot: n.ballot()}}
		s.Decisions = append(s.Decisions, Decision{Key: n.key(), Verdict: Verdict(n.rng.Intn(3)), Votes: votes[n.rng.Intn(2):]})
	}
	return s
}

func (n *nonsense) event() Event {
	switch n.rng.Intn(22) {
	case 0:
		if n.rng.Intn(4) > 0 {
			return Worked{Key: n.key(), Ballot: n.ballot()}
		}
		return SessionUp{Nonce: "n"}
	case 1:
		if n.rng.Intn(4) > 0 {
			return Finished{Key: n.key(), Result: FinishResult(n.rng.Intn(5))}
		}
		return SessionLost{}
	case 2:
		return Withdraw{Key: n.key()}
	case 3:
		w := Wish{Key: n.key(), Verdict: Verdict(n.rng.Intn(3)), Decision: Verdict(n.rng.Intn(3)), Force: n.rng.Intn(2) == 0}
		w.Nonce = string(w.Key)
		return Entries{Log: n.p.inboxLog(), Entries: []Entry{{Pos: n.pos(), Segment: &Segment{Wishes: []Wish{w}}}}}
	case 4:
		return NodeRead{Path: AdoptPath("emr"), Exists: true, Data: []byte(`{"nonce":"n-1"}`)}
	case 5:
		return PreparedListed{Token: n.token(), Branches: []XID{n.p.xid(n.key()), {}, n.p.xid(n.key())}, Failed: n.rng.Intn(3) == 0}
	case 6:
		return SiteLoaded{Token: n.token(), Exists: n.rng.Intn(2) == 0, Row: SiteRow{Applied: n.pos(), Incarnation: 1}}
	case 7:
		return SiteSaved{Token: n.p.saver.token, Failed: n.rng.Intn(3) == 0}
	case 8:
		return NodeRead{Token: n.token(), Exists: n.rng.Intn(4) > 0, Version: int32(n.rng.Intn(3)), Data: []byte([]string{"", "{", `{"process":"P"}`}[n.rng.Intn(3)])}
	case 9:
		return NodeListed{Token: n.token(), Children: []string{"x", ""}[:n.rng.Intn(3)]}
	case 10:
		return LogEnd{Token: n.token(), Log: n.log(), Through: n.pos()}
	case 11:
		return LogListed{Token: n.token(), Log: n.log(), Gen: int32(n.rng.Intn(3)), Entries: n.entries()}
	case 12, 13:
		return MultiDone{Token: n.token(), Appended: []Pos{n.pos(), n.pos()}[:n.rng.Intn(3)]}
	case 14:
		return MultiFailed{Token: n.token(), Index: n.rng.Intn(8) - 1, Err: OpError(n.rng.Intn(8))}
	case 15:
		return MultiLost{Token: n.token(), Unsent: n.rng.Intn(2) == 0}
	case 16, 17:
		return Entries{Log: n.log(), Entries: n.entries()}
	case 19:
		return PastListed{Token: n.token(), Keys: []Key{n.key(), n.key()}, Next: n.pos(), End: n.rng.Intn(2) == 0, Blind: n.rng.Intn(3) == 0}
	case 20:
		return BranchesFound{Token: n.token(), Missing: []Key{n.key(), n.key()}, Failed: n.rng.Intn(3) == 0}
	case 18:
		return Worked{Key: n.key(), Ballot: n.ballot()}
	}
	n.now += time.Duration(n.rng.Intn(500)) * time.Millisecond
	return Tick{Now: n.now, Wall: 1}
}
