package zkcoord

import "github.com/medcommit/medcommit/txn"

// appendRecords appends a line for each record.
func appendRecords[T any](b []byte, records []T, write func(*lineWriter, *T)) ([]byte, error) {
	w := lineWriter{b: b}
	for i := range records {
		write(&w, &records[i])
		w.b = append(w.b, '\n')
	}
	return w.b, w.err
}

func writeSubmission(w *lineWriter, s *txn.Submission) {
	w.open()
	w.text("key", string(s.Key))
	w.text("id", s.ID)
	w.text("digest", s.Digest)
	w.texts("participants", s.Participants)
	w.number("timeout", s.Timeout)
	w.text("by", s.By)
	w.number("at", s.At)
	w.close()
}

// writePrepare leaves the object open, for the payload.
func writePrepare(w *lineWriter, p *txn.Prepare) {
	w.open()
	w.text("key", string(p.Key))
	w.text("id", p.ID)
	w.number("timeout", p.Timeout)
	w.textUnlessEmpty("head", p.Head)
	w.numberUnlessZero("parts", int64(p.Parts))
	w.trueIf("read_only", p.ReadOnly)
}

func writeBallot(w *lineWriter, b *txn.Ballot) {
	w.enum("vote", b.Vote)
	if b.Detail != txn.DetailNone {
		w.enum("detail", b.Detail)
	}
	w.trueIf("retryable", b.Retryable)
}

func writeVote(w *lineWriter, v *txn.VoteRecord) {
	w.open()
	w.text("key", string(v.Key))
	writeBallot(w, &v.Ballot)
	w.trueIf("withdrawn", v.Withdrawn)
	w.numberUnlessZero("at", v.At)
	w.close()
}

func writeReason(w *lineWriter, r *txn.Reason) {
	w.member("reason")
	w.open()
	w.enum("code", r.Code)
	w.textUnlessEmpty("participant", r.Participant)
	if r.Detail != txn.DetailNone {
		w.enum("detail", r.Detail)
	}
	w.close()
}

func writeCastVotes(w *lineWriter, votes []txn.CastVote) {
	w.member("votes")
	if votes == nil {
		w.b = append(w.b, "null"...)
		return
	}
	w.b = append(w.b, '[')
	for i := range votes {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		w.open()
		w.text("participant", votes[i].Participant)
		writeBallot(w, &votes[i].Ballot)
		w.numberUnlessZero("at", votes[i].At)
		w.close()
	}
	w.b, w.more = append(w.b, ']'), true
}

func writeDecision(w *lineWriter, d *txn.Decision) {
	w.open()
	w.text("key", string(d.Key))
	w.text("id", d.ID)
	w.enum("verdict", d.Verdict)
	if d.Reason != nil {
		writeReason(w, d.Reason)
	}
	writeCastVotes(w, d.Votes)
	w.textUnlessEmpty("duplicate_of", string(d.DuplicateOf))
	w.number("epoch", int64(d.Epoch))
	w.text("coordinator", d.Coordinator)
	w.number("at", d.At)
	w.close()
}

func writePast(w *lineWriter, p *txn.Past) {
	w.open()
	w.member("s")
	writeSubmission(w, &p.Submission)
	w.member("d")
	writeDecision(w, &p.Decision)
	w.number("c", p.Completed)
	if len(p.Heuristics) > 0 {
		w.member("x")
		w.rare(p.Heuristics)
	}
	w.close()
}
