package txn

import (
	"fmt"
	"testing"
	"time"
)

// BenchmarkParticipant carries batches of 64 branches through a machine from request to the end of "applied"; one iteration is one
// branch.
func BenchmarkParticipant(b *testing.B) {
	b.ReportAllocs()
	p := NewParticipant(ParticipantConfig{Cluster: "c1", Name: scriptSite, Process: "P"})
	s := &script{p: p, tokens: map[string]Token{}, names: map[Token]string{}, counts: map[string]int{}}
	s.start([]string{"a"})
	const many = 64
	now := time.Second
	for n := 0; n < b.N; n += many {
		now += 50 * time.Millisecond
		requests := make([]Prepare, many)
		decisions := make([]Decision, many)
		for i := range requests {
			k := Key(fmt.Sprintf("%026d", n+i))
			requests[i].Key = k
			decisions[i] = Decision{Key: k, Verdict: VerdictCommit, Votes: []CastVote{{Participant: scriptSite, Ballot: Commit()}}}
		}
		pos := Pos{1, int32(n / many)}
		run(p, Tick{Now: now}, Entries{Log: p.inboxLog(), Entries: []Entry{{Pos: pos, Segment: &Segment{Prepares: requests}}}})
		run(p, Entries{Log: p.decisionsLog(), Entries: []Entry{{Pos: pos, Segment: &Segment{Decisions: decisions}}}})
	}
	if left := len(p.Branches()); left > 3*many {
		b.Fatalf("%d branches are still remembered", left)
	}
}

// run tells the events, and answers what is asked for until nothing is.
func run(p *Participant, events ...Event) {
	for len(events) > 0 {
		var next []Event
		for _, e := range events {
			next = answerWell(p.Step(e), next)
		}
		if len(next) == 0 {
			next = answerWell(p.Flush(Hold{}), next)
		}
		events = next
	}
}

func answerWell(effects []Effect, answers []Event) []Event {
	for _, e := range effects {
		switch e := e.(type) {
		case Work:
			answers = append(answers, Worked{Key: e.XID.Key, Ballot: Commit()})
		case Finish:
			answers = append(answers, Finished{Key: e.XID.Key, Result: FinishDone})
		case SaveSite:
			answers = append(answers, SiteSaved{Token: e.Token})
		case Multi:
			answers = append(answers, MultiDone{Token: e.Token, Appended: []Pos{{1, int32(e.Token)}}})
		}
	}
	return answers
}
