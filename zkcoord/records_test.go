package zkcoord

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/medcommit/medcommit/txn"
)

// samples has a segment of every kind, with every field filled in one record at least.
func samples() map[string]*txn.Segment {
	key := txn.Key("0123456789abcdefghijklmnop")
	submission := txn.Submission{Key: key, ID: "rx-1", Digest: "d", Participants: []string{"emr", "pharmacy"}, Timeout: 10000, By: "c1", At: 12}
	decision := txn.Decision{
		Key: key, ID: "rx-1", Verdict: txn.VerdictAbort,
		Reason: &txn.Reason{Code: txn.ReasonVote, Participant: "emr", Detail: txn.DetailBounds},
		Votes: []txn.CastVote{
			{Participant: "emr", Ballot: txn.Ballot{Vote: txn.VoteAbort, Detail: txn.DetailBounds, Retryable: true}, At: 5},
			{Participant: "pharmacy"},
		},
		DuplicateOf: key, Epoch: 3, Coordinator: "c2", At: 13,
	}
	return map[string]*txn.Segment{
		"submissions": {Batch: "b1", Submissions: []txn.Submission{submission, {Key: key, ID: "rx-2", Participants: []string{"lab"}}}},
		"prepares": {Batch: "b2", Prepares: []txn.Prepare{
			{Key: key, ID: "rx-1", Timeout: 10000, ReadOnly: true, Payload: []byte(`{"operations":[{"name":"dispense","arguments":{"drug":"<a&b>","quantity":20}}]}`)},
			{Key: key, ID: "rx-2", Head: "h", Parts: 3},
			{Key: key, ID: "rx-3", Payload: []byte(`{ "not": "compact" }`)},
			{Key: key, ID: "rx-4", Payload: []byte("no JSON\n\x00\xff")},
			{Key: key, ID: "rx-5", Payload: []byte(`"` + strings.Repeat("long ", 1000) + `"`)},
			{Key: key, ID: "rx-6", Payload: noise(2000)},
			{Key: key, ID: "rx-7", Payload: []byte("null")},
			{Key: key, ID: "rx-8", Payload: []byte("{\n\"lines\": 2}")},
			{Key: key, ID: "rx-9", Payload: []byte(" {}")},
		}},
		"votes": {Batch: "b3", Votes: []txn.VoteRecord{
			{Key: key, Ballot: txn.Commit(), At: 4},
			{Key: key, Ballot: txn.Abort(txn.DetailDeadlock), Withdrawn: true},
		}},
		"decisions": {Batch: "b4", Decisions: []txn.Decision{decision}},
		"history":   {Batch: "b5", History: []txn.Past{{Submission: submission, Decision: decision, Completed: 14}}},
		"wishes": {Batch: "b6", Wishes: []txn.Wish{
			{Nonce: "n", Key: key, Verdict: txn.VerdictAbort, Decision: txn.VerdictCommit, Force: true, Reason: "the \"old\" site", By: "op", At: 15},
			{Nonce: "m", Key: key, Verdict: txn.VerdictCommit},
		}},
		"heuristic": {Batch: "b7", History: []txn.Past{{
			Submission: submission, Decision: decision, Completed: 14,
			Heuristics: []txn.HeuristicBranch{{Participant: "lab", Outcome: txn.OutcomeHeuristicCommit}},
		}}},
	}
}

func TestSegmentsComeBackAsTheyWere(t *testing.T) {
	c := newCodec()
	for name, want := range samples() {
		data, err := c.encode(want)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got, err := c.decode(data)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: came back as\n%+v, want\n%+v", name, got, want)
		}
	}
}

func TestSegmentsAreReadableLines(t *testing.T) {
	c := newCodec()
	for name, seg := range samples() {
		data, err := c.encode(seg)
		if err != nil {
			t.Fatal(err)
		}
		if name == "history" || name == "heuristic" {
			if !bytes.HasPrefix(data, []byte(zstdMagic)) {
				t.Error("history is not compressed")
			}
			continue
		}
		for i, line := range bytes.Split(bytes.TrimSuffix(data, []byte("\n")), []byte("\n")) {
			if !json.Valid(line) {
				t.Errorf("%s: line %d is no JSON", name, i)
			}
		}
		if name == "prepares" && !bytes.Contains(data, []byte(`"drug":"<a&b>"`)) {
			t.Error("a small payload is not readable")
		}
	}
}

func TestLongPayloadsAreCompressedAlone(t *testing.T) {
	c := newCodec()
	long := []byte(`{"text":"` + strings.Repeat("amoxicillin ", 500) + `"}`)
	size := func(payloads ...[]byte) int {
		seg := &txn.Segment{Batch: "b"}
		for _, p := range payloads {
			seg.Prepares = append(seg.Prepares, txn.Prepare{Payload: p})
		}
		data, err := c.encode(seg)
		if err != nil {
			t.Fatal(err)
		}
		return len(data)
	}
	one, two := size(long), size(long, long)
	if one > len(long)/4 {
		t.Errorf("%d bytes of payload take %d", len(long), one)
	}
	if header := size([]byte("1")); two-one < one-header {
		t.Errorf("the second of two equal payloads takes %d bytes, the first %d", two-one, one-header)
	}
}

func TestNewerSegmentsAreTold(t *testing.T) {
	if _, err := newCodec().decode([]byte(`{"format":2,"batch":"b","kind":"stars"}`)); !errors.Is(err, txn.ErrFormat) {
		t.Fatalf("a newer format: %v", err)
	}
}

func TestSegmentOfTwoKindsIsRefused(t *testing.T) {
	both := samples()["votes"]
	both.Decisions = samples()["decisions"].Decisions
	if _, err := newCodec().encode(both); !errors.Is(err, errNoRecords) {
		t.Fatalf("two kinds: %v", err)
	}
}

func FuzzDecodeSegment(f *testing.F) {
	c := newCodec()
	for _, seg := range samples() {
		data, err := c.encode(seg)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(`{"format":1,"batch":"b","kind":"prepares"}` + "\n" + `{"packed":"KLUv/QAAAQAA"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		seg, err := c.decode(data)
		if err != nil {
			return
		}
		if kind, _ := kindOf(seg); kind == "" {
			return // a header alone
		}
		again, err := c.encode(seg)
		if err != nil {
			t.Fatalf("what was decoded cannot be encoded: %v", err)
		}
		back, err := c.decode(again)
		if err != nil {
			t.Fatalf("what was encoded cannot be decoded: %v", err)
		}
		if third, err := c.encode(back); err != nil || !bytes.Equal(third, again) {
			t.Fatalf("came back as %s, %v, was %s", third, err, again)
		}
	})
}

func BenchmarkCodec(b *testing.B) {
	c := newCodec()
	key := txn.Key("0123456789abcdefghijklmnop")
	for _, kind := range []string{"submissions", "prepares", "votes", "decisions", "history"} {
		seg := &txn.Segment{Batch: "b"}
		one := samples()[kind]
		const records = 64
		for range records {
			seg.Submissions = append(seg.Submissions, one.Submissions...)
			seg.Votes = append(seg.Votes, one.Votes...)
			seg.History = append(seg.History, one.History...)
			for _, d := range one.Decisions {
				d.Verdict, d.Reason, d.DuplicateOf = txn.VerdictCommit, nil, ""
				d.Votes = []txn.CastVote{{Participant: "emr", Ballot: txn.Commit(), At: 5}, {Participant: "pharmacy", Ballot: txn.Commit(), At: 5}}
				seg.Decisions = append(seg.Decisions, d)
			}
			if len(one.Prepares) > 0 {
				seg.Prepares = append(seg.Prepares, txn.Prepare{Key: key, ID: "rx-1", Timeout: 10000, Payload: one.Prepares[0].Payload})
			}
		}
		_, n := kindOf(seg)
		data, err := c.encode(seg)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(kind+"/encode", func(b *testing.B) {
			for b.Loop() {
				if _, err := c.encode(seg); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/record")
			b.ReportMetric(float64(len(data))/float64(n), "bytes/record")
		})
		b.Run(kind+"/decode", func(b *testing.B) {
			for b.Loop() {
				if _, err := c.decode(data); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/record")
		})
	}
}
