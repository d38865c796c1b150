package zkcoord

import (
	"fmt"
	"strings"

	"github.com/medcommit/medcommit/txn"
)

// maxParts is how many parts a payload may have.
const maxParts = maxDecoded/partBytes + 1

// valid finds what no writer of ours writes: names become paths in ZooKeeper, keys become names in databases, and numbers of parts
// become requests, so a record that holds others is as unreadable as one that is no JSON. Its errors name no content.
func valid(s *txn.Segment) error {
	ok, records := true, 0
	each := func(good bool) {
		ok = ok && good
		if ok {
			records++
		}
	}
	for i := range s.Submissions {
		each(validSubmission(&s.Submissions[i]))
	}
	for i := range s.Prepares {
		p := &s.Prepares[i]
		each(p.Key.Valid() && txn.ValidID(p.ID) && p.Timeout >= 0 && validHead(p.Head) && p.Parts >= 0 && p.Parts <= maxParts)
	}
	for i := range s.Wishes {
		w := &s.Wishes[i]
		each(w.Key.Valid() && w.Nonce != "" && w.Verdict != txn.VerdictNone)
	}
	for i := range s.Votes {
		each(s.Votes[i].Key.Valid() && s.Votes[i].Vote != txn.VoteNone)
	}
	for i := range s.Decisions {
		each(validDecision(&s.Decisions[i]))
	}
	for i := range s.History {
		h := &s.History[i]
		each(validSubmission(&h.Submission) && validDecision(&h.Decision) && h.Submission.Key == h.Decision.Key)
	}
	for i := range s.History {
		for _, x := range s.History[i].Heuristics {
			ok = ok && txn.ValidName(x.Participant)
		}
	}
	if !ok {
		return fmt.Errorf("check record %d: %w", records, errUndecodable)
	}
	return nil
}

// belongs finds a segment of records that are not its log's.
func belongs(s *txn.Segment, log txn.Log) error {
	kind, _ := kindOf(s)
	want := map[txn.LogKind]string{
		txn.Transactions: kindSubmissions, txn.Decisions: kindDecisions, txn.History: kindHistory, txn.Inbox: kindPrepares, txn.Votes: kindVotes,
	}[log.Kind]
	if kind != want && (log.Kind != txn.Inbox || kind != kindWishes) {
		return fmt.Errorf("check the kind of the records: %w", errUndecodable)
	}
	return nil
}

func validSubmission(s *txn.Submission) bool {
	if !s.Key.Valid() || !txn.ValidID(s.ID) || s.Timeout < 0 || len(s.Participants) == 0 {
		return false
	}
	for _, p := range s.Participants {
		if !txn.ValidName(p) {
			return false
		}
	}
	return true
}

func validDecision(d *txn.Decision) bool {
	if !d.Key.Valid() || !txn.ValidID(d.ID) || d.Verdict != txn.VerdictCommit && d.Verdict != txn.VerdictAbort || len(d.Votes) == 0 {
		return false
	}
	for i := range d.Votes {
		if !txn.ValidName(d.Votes[i].Participant) {
			return false
		}
	}
	return d.DuplicateOf == "" || d.DuplicateOf.Valid()
}

// validHead tells whether name may be a node below "payloads"; there need not be one.
func validHead(name string) bool {
	return len(name) <= 128 && strings.Trim(name, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-") == ""
}
