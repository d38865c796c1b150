package txn

import (
	"fmt"
	"testing"
	"time"
)

// BenchmarkCoordinatorFlush measures a flush of a leader that has nothing to send, with an hour of history behind it.
func BenchmarkCoordinatorFlush(b *testing.B) {
	c := NewCoordinator(CoordinatorConfig{Cluster: "c1", ID: "one", Nonce: "n"})
	c.session, c.synced, c.now = true, true, time.Second
	c.lead = &leadership{stage: leading, voters: map[Key][]lateVote{}}
	for i := range int32(3600) {
		past := Past{Submission: Submission{Key: Key(fmt.Sprint(i)), ID: fmt.Sprint(i)}}
		c.readHistory(Entry{Pos: Pos{Gen: 1, Num: i}, Segment: &Segment{History: []Past{past}}})
	}
	b.ReportAllocs()
	for b.Loop() {
		c.Flush(Hold{})
	}
}

// BenchmarkCoordinatorClear measures a site's "applied" moving while another site is away and keeps what concerns it.
func BenchmarkCoordinatorClear(b *testing.B) {
	c := NewCoordinator(CoordinatorConfig{Cluster: "c1", ID: "one", Nonce: "n"})
	c.session, c.synced, c.now = true, true, time.Second
	c.lead = &leadership{stage: leading, voters: map[Key][]lateVote{}}
	for i := range int32(2000) {
		s, d := &Segment{}, &Segment{}
		for j := range 50 {
			k := Key(fmt.Sprintf("%d-%d", i, j))
			s.Submissions = append(s.Submissions, Submission{Key: k, ID: string(k), Participants: []string{"a", "b"}})
			d.Decisions = append(d.Decisions, Decision{Key: k, Verdict: VerdictAbort, Votes: []CastVote{{Participant: "a"}, {Participant: "b"}}})
		}
		c.readSubmissions(Entry{Pos: Pos{Gen: 1, Num: i}, Segment: s})
		c.readDecisions(Entry{Pos: Pos{Gen: 1, Num: i}, Segment: d})
	}
	applied := NodeRead{Path: AppliedPath("a"), Exists: true, Data: []byte(`{"at":{"g":1,"n":2000},"from":{"g":1,"n":2000}}`)}
	c.Step(applied)
	b.ReportAllocs()
	for b.Loop() {
		c.Step(applied)
		c.Flush(Hold{})
	}
}
