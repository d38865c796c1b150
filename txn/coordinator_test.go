package txn

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"
)

func TestCoordinatorKnowsAnIDWhileHistoryIsFull(t *testing.T) {
	r := newCoordinatorRig(t, CoordinatorConfig{HistoryBytes: 100})
	r.lead()
	r.submit(1, "k1", "live", "a")
	r.submit(2, "k2", "past", "a")
	r.vote("a", "k2")
	r.apply("a")
	r.pass(2 * time.Second)
	r.submit(3, "k3", "live", "a")
	r.submit(4, "k4", "past", "a")
	r.submit(5, "k5", "new", "a")
	for ticket, want := range map[Ticket]SubmitResult{3: SubmitKnown, 4: SubmitPast, 5: SubmitFull} {
		if got := r.answered(ticket); got != want {
			t.Errorf("submission %d is answered %v, not %v", ticket, got, want)
		}
	}
}

// A vote that is read while its site's votes are listed again, because another has vanished, is not in the list and stands all
// the same: nothing would give it a second time.
func TestCoordinatorKeepsAVoteThatIsReadDuringAListing(t *testing.T) {
	r := newCoordinatorRig(t, CoordinatorConfig{})
	r.lead()
	r.submit(1, "k1", "t1", "a", "b")
	r.submit(2, "k2", "t2", "a", "c")
	votes := Log{Kind: Votes, Participant: "a"}
	old := r.vote("a", "k1", "k2")
	r.vanish(votes, old)
	r.hold = func(e Effect) bool { _, ok := e.(ListLog); return ok }
	r.vote("c", "k2") // its decision finds that a's vote has vanished
	if len(r.held) != 1 {
		t.Fatalf("a's votes are listed %d times", len(r.held))
	}
	list := LogListed{Token: r.held[0].(ListLog).Token, Log: votes, Gen: 1}
	r.vote("a", "k1", "k2")
	r.step(list)
	r.vote("b", "k1")
	if got := r.state("k1"); got != StateCommitting {
		t.Errorf("t1 is %v though both sites' votes stand", got)
	}
}

// A candidature that is new finds a leadership that an earlier one left, and replaces it.
func TestCoordinatorLeadsAnewWhereItStillLeads(t *testing.T) {
	r := newCoordinatorRig(t, CoordinatorConfig{})
	r.lead()
	r.versions[EpochPath]++ // another one led meanwhile, and nothing told this one
	r.said = nil
	r.lead()
	if len(r.said) != 1 || r.said[0] != (Leading{Epoch: 3}) {
		t.Errorf("it says %v, not that it leads at epoch 3", r.said)
	}
	r.submit(1, "k1", "t1", "a")
	r.vote("a", "k1")
	if got := r.state("k1"); got != StateCommitting {
		t.Errorf("t1 is %v", got)
	}
}

func TestCoordinatorForgetsDeadlinesOfWhatIsDecided(t *testing.T) {
	r := newCoordinatorRig(t, CoordinatorConfig{})
	r.lead()
	r.submit(1, "open", "open", "a") // the earliest deadline, and not decided
	for i := range 2000 {
		k := Key(fmt.Sprintf("k%04d", i))
		r.submit(Ticket(i+2), k, string(k), "a")
		r.vote("a", k)
	}
	if n := len(r.c.lead.deadlines.heap); n > 1000 {
		t.Errorf("%d deadlines are kept for one transaction that is not decided", n)
	}
}

func TestCoordinatorRetiresInSmallerPiecesWhatIsTooLarge(t *testing.T) {
	r := newCoordinatorRig(t, CoordinatorConfig{})
	r.lead()
	for i := range 20 {
		k := Key(fmt.Sprintf("k%04d", i))
		r.submit(Ticket(i+1), k, string(k), "a")
		r.vote("a", k)
	}
	r.apply("a")
	r.room = 3
	r.pass(2 * time.Second)
	r.pass(2 * time.Second)
	if n := r.c.Counts(); n.History != 20 || n.InFlight != 0 {
		t.Errorf("%+v", n)
	}
}

// A transaction that is late, or that a client wants aborted, waits for an operator's word to a site that has found ZooKeeper restored:
// that site may have committed it, and has its whole time to vote after that (R10). One whose database was restored lets the time pass.
func TestCoordinatorHoldsBackWhatASiteMayHaveCommitted(t *testing.T) {
	r := newCoordinatorRig(t, CoordinatorConfig{})
	r.lead()
	finds := func(site string, f *Finding) {
		data, err := json.Marshal(Applied{Restored: f})
		if err != nil {
			t.Fatal(err)
		}
		r.step(NodeRead{Path: AppliedPath(site), Exists: true, Data: data})
	}
	r.submit(1, "k1", "late", "a", "b")
	r.submit(2, "k2", "unwanted", "a", "b")
	r.submit(3, "k3", "voted", "a", "b")
	r.submit(4, "k4", "elsewhere", "a", "c")
	finds("b", &Finding{What: RestoredZooKeeper, Nonce: "n"})
	finds("c", &Finding{What: RestoredDatabase, Nonce: "n"})
	r.vote("a", "k1", "k2", "k3", "k4")
	r.step(AbortWish{Key: "k2"})
	r.pass(time.Hour)
	want := func(states map[Key]State) {
		t.Helper()
		for key, want := range states {
			if got := r.state(key); got != want {
				t.Errorf("%s is %v, not %v", key, got, want)
			}
		}
	}
	want(map[Key]State{"k1": StatePreparing, "k2": StatePreparing, "k3": StatePreparing, "k4": StateAborting})
	r.vote("b", "k3")
	want(map[Key]State{"k1": StatePreparing, "k2": StatePreparing, "k3": StateCommitting})
	finds("b", nil)
	r.step(AbortWish{Key: "k1"})
	r.pass(time.Minute)
	want(map[Key]State{"k1": StatePreparing, "k2": StatePreparing})
	r.vote("b", "k1")
	r.pass(time.Hour)
	want(map[Key]State{"k1": StateCommitting, "k2": StateAborting})
}

// Logs are read each at its own pace, so that a decision may be read before its submission, and what a site has applied before both:
// listeners hear of every state all the same.
func TestCoordinatorSaysEveryStateWhateverIsReadFirst(t *testing.T) {
	sub := &Segment{Submissions: []Submission{{Key: "k", ID: "x", Digest: "d", Participants: []string{"a"}, Timeout: 600_000}}}
	dec := &Segment{Decisions: []Decision{{
		Key: "k", ID: "x", Verdict: VerdictCommit, At: 1, Epoch: 1, Coordinator: "one", Votes: []CastVote{{Participant: "a", Ballot: Commit()}},
	}}}
	submission := func(r *coordinatorRig) { r.append(transactionsLog, sub) }
	decision := func(r *coordinatorRig) { r.append(decisionsLog, dec) }
	applied := func(r *coordinatorRig) { r.apply("a") }
	for name, read := range map[string][]func(*coordinatorRig){
		"in order":           {submission, decision, applied},
		"the decision first": {decision, submission, applied},
		"all is there":       {decision, applied, submission},
	} {
		t.Run(name, func(t *testing.T) {
			r := newCoordinatorRig(t, CoordinatorConfig{})
			r.hold = func(e Effect) bool { _, end := e.(ReadToEnd); return end }
			for _, f := range read {
				f(r)
				r.step()
			}
			var got []State
			for _, e := range r.said {
				if c, ok := e.(Changed); ok {
					got = append(got, c.State)
				}
			}
			if want := []State{StatePreparing, StateCommitting, StateCommitted}; !slices.Equal(got, want) {
				t.Errorf("%v, not %v", got, want)
			}
			now, _, _ := r.c.LookupKey("k")
			if was := now.When(StatePreparing); was.Decided != nil || was.Completed != nil || was.Epoch != 0 || was.Branches[0].Outcome != OutcomeNone {
				t.Errorf("when it was preparing: %+v", was)
			}
			if now.State != StateCommitted || now.Decided == nil || now.Branches[0].Outcome != OutcomeCommitted {
				t.Errorf("now: %+v", now)
			}
		})
	}
}

// A submission whose answer is lost for long may have been in the log, and be forgotten: that it is not there now says nothing (R15).
func TestCoordinatorSaysPerhapsOfWhatMayBeForgotten(t *testing.T) {
	for _, lostFor := range []struct {
		time.Duration
		want SubmitResult
	}{
		{Patience(time.Minute), SubmitAgain},
		{Patience(time.Minute) + time.Millisecond, SubmitPerhaps},
	} {
		r := newCoordinatorRig(t, CoordinatorConfig{Retention: time.Minute})
		var sent Multi
		r.hold = func(e Effect) bool {
			m, ok := e.(Multi)
			first := ok && sent.Ops == nil
			if first {
				sent = m
			}
			return first
		}
		r.submit(1, "k1", "t1", "a")
		r.pass(lostFor.Duration)
		r.step(MultiLost{Token: sent.Token})
		if got := r.answered(1); got != lostFor.want {
			t.Errorf("after %v the answer is %d, not %d", lostFor.Duration, got, lostFor.want)
		}
	}
}
