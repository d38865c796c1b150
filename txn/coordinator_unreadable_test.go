package txn

import (
	"fmt"
	"testing"
	"time"
)

// A leader whose own decisions cannot be read in the log replaces the entry by one that can.
func TestCoordinatorWritesItsUnreadableDecisionsAgain(t *testing.T) {
	r := newCoordinatorRig(t, CoordinatorConfig{})
	r.lead()
	r.submit(1, "k1", "t1", "a", "b")
	r.vote("a", "k1")
	r.garbled[decisionsLog] = true
	r.hold = func(e Effect) bool { // the multi that replaces the entry
		m, ok := e.(Multi)
		return ok && m.Ops[len(m.Ops)-1].Kind == OpDeleteEntry
	}
	r.vote("b", "k1")
	if len(r.held) != 1 || len(r.entries[decisionsLog]) != 1 || r.entries[decisionsLog][0].Segment != nil {
		t.Fatalf("it holds back %v; the log holds %v", r.held, r.entries[decisionsLog])
	}
	r.garbled[decisionsLog], r.hold = false, func(Effect) bool { return false }
	r.take(r.held)
	r.step()
	entries := r.entries[decisionsLog]
	if len(entries) != 1 || entries[0].Pos.Num != 1 || entries[0].Segment.Decisions[0].Key != "k1" || entries[0].Segment.Decisions[0].Verdict != VerdictCommit {
		t.Fatalf("the log holds %+v", entries)
	}
	for _, e := range r.said {
		if _, shouted := e.(SecondDecision); shouted {
			t.Error("the same decision once more is shouted")
		}
	}
	r.apply("a", "b")
	r.pass(2 * time.Second)
	if got := r.c.Counts(); got.Unread != 0 || got.History != 1 || len(r.entries[decisionsLog]) != 0 {
		t.Errorf("left are %+v, %v", got, r.entries[decisionsLog])
	}
}

// A leader that finds an entry of the decisions that it cannot read decides nothing that may be in it (R3), and all else.
func TestCoordinatorDecidesNothingThatMayBeDecided(t *testing.T) {
	r := newCoordinatorRig(t, CoordinatorConfig{})
	submissions := []Submission{
		{Key: "k1", ID: "t1", Digest: "d", Participants: []string{"a"}, Timeout: 1000},
		{Key: "k2", ID: "t1", Digest: "d", Participants: []string{"a"}, Timeout: 1000}, // a duplicate
	}
	r.append(transactionsLog, &Segment{Submissions: submissions})
	r.garbled[decisionsLog] = true
	r.append(decisionsLog, &Segment{Decisions: []Decision{{Key: "k1", ID: "t1", Verdict: VerdictCommit, Votes: []CastVote{{Participant: "a", Ballot: Commit()}}}}})
	r.garbled[decisionsLog] = false
	r.step()
	r.lead()
	r.vote("a", "k1")
	r.pass(time.Minute)
	if got := r.state("k1"); got != StatePreparing || len(r.entries[decisionsLog]) != 1 {
		t.Fatalf("t1 is %v; the log holds %v", got, r.entries[decisionsLog])
	}
	r.submit(1, "k3", "t3", "a")
	r.vote("a", "k3")
	if got := r.state("k3"); got != StateCommitting {
		t.Errorf("what was handed in later is %v", got)
	}
	r.vanish(decisionsLog, Pos{Gen: 1}) // an operator says that it counts for nothing
	r.pass(time.Minute)
	if got := r.state("k1"); got != StateCommitting {
		t.Errorf("t1 is %v when nothing is unreadable any more", got)
	}
	if got := r.state("k2"); got != StateAborting {
		t.Errorf("its duplicate is %v", got)
	}
}

// A submission that cannot be read is answered "perhaps", never handed in again, and its entry goes when nothing else of its time is
// remembered.
func TestCoordinatorDoesNotRepeatWhatItCannotRead(t *testing.T) {
	r := newCoordinatorRig(t, CoordinatorConfig{Retention: time.Minute})
	r.lead()
	r.garbled[transactionsLog] = true
	r.submit(1, "k1", "t1", "a")
	r.garbled[transactionsLog] = false
	said := 0
	for _, e := range r.said {
		if u, ok := e.(Unreadable); ok && u.Key == "k1" {
			said++
		}
		if c, ok := e.(Changed); ok && c.Key == "k1" {
			t.Error("it is said to be decided and gone")
		}
	}
	if said != 1 {
		t.Errorf("it is said to be unreadable %d times", said)
	}
	r.submit(2, "k2", "t2", "a")
	r.vote("a", "k2")
	if got := r.state("k2"); got != StateCommitting {
		t.Errorf("another is %v", got)
	}
	r.pass(30 * time.Second)
	if n := r.c.Counts().Unread; n != 1 {
		t.Errorf("%d entries are unreadable", n)
	}
	r.pass(31 * time.Second) // a request that came within the retention may still look for its id
	if n := r.c.Counts().Unread; n != 1 {
		t.Errorf("%d entries are unreadable after the retention", n)
	}
	r.pass(time.Minute)
	if n := r.c.Counts().Unread; n != 0 || len(r.entries[transactionsLog]) != 1 {
		t.Errorf("%d entries are unreadable, the log holds %v", n, r.entries[transactionsLog])
	}
}

// What a newer program wrote is not deleted by an older one.
func TestCoordinatorLeavesWhatIsNewer(t *testing.T) {
	r := newCoordinatorRig(t, CoordinatorConfig{Retention: time.Minute})
	r.lead()
	for _, log := range []Log{transactionsLog, historyLog} {
		r.entries[log] = []Entry{{Newer: true, Pos: Pos{Gen: 1}}}
		r.step(Entries{Log: log, Entries: r.entries[log]})
		r.given[log]++
	}
	r.pass(2 * time.Minute)
	r.pass(2 * time.Minute)
	if len(r.entries[transactionsLog])+len(r.entries[historyLog]) != 2 {
		t.Errorf("the logs hold %v, %v", r.entries[transactionsLog], r.entries[historyLog])
	}
}

// Decisions that are too many for one request go in smaller ones.
func TestCoordinatorDecidesInSmallerPieces(t *testing.T) {
	r := newCoordinatorRig(t, CoordinatorConfig{})
	r.lead()
	var keys []Key
	for i := range 20 {
		k := Key(fmt.Sprintf("k%04d", i))
		keys = append(keys, k)
		r.submit(Ticket(i+1), k, string(k), "a")
	}
	r.room = 3
	r.vote("a", keys...)
	r.step()
	for _, k := range keys {
		if got := r.state(k); got != StateCommitting {
			t.Errorf("%s is %v", k, got)
		}
	}
}

// What was deleted and the answer lost is read back, and not deleted again (R6).
func TestCoordinatorReadsBackADeletionOfTheUnreadable(t *testing.T) {
	r := newCoordinatorRig(t, CoordinatorConfig{Retention: time.Minute})
	r.lead()
	r.garbled[transactionsLog] = true
	for i := range 3 {
		r.submit(Ticket(i+1), Key(fmt.Sprintf("k%d", i)), fmt.Sprintf("t%d", i), "a")
	}
	r.garbled[transactionsLog] = false
	deletions := 0
	r.hold = func(e Effect) bool {
		m, ok := e.(Multi)
		if !ok || m.Ops[len(m.Ops)-1].Kind != OpDeleteEntry {
			return false
		}
		deletions++
		if deletions == 1 {
			r.multi(m)
			r.tell(MultiLost{Token: m.Token})
		}
		return deletions == 1
	}
	r.pass(3 * time.Minute)
	if n := r.c.Counts().Unread; n != 0 || deletions != 1 {
		t.Errorf("%d entries are unreadable after %d deletions", n, deletions)
	}
}
