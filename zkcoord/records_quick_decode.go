package zkcoord

import (
	"encoding/json"

	"github.com/medcommit/medcommit/txn"
)

// The readers below read the members in the order in which records_encode.go writes them.

// readHeader reads a header of this program's format; false: encoding/json is to read it.
func readHeader(line []byte) (h header, ok bool) {
	q := quick{b: line}
	q.must(`{"format":`)
	h.Format = int(q.number())
	q.must(`,"batch":`)
	h.Batch = q.text()
	q.must(`,"kind":`)
	h.Kind = q.text()
	q.must(`}`)
	if q.bad || len(q.b) > 0 || h.Format != txn.FormatVersion {
		return header{}, false
	}
	return h, true
}

func readSubmission(q *quick, s *txn.Submission) {
	q.must(`{"key":`)
	s.Key = txn.Key(q.text())
	q.must(`,"id":`)
	s.ID = q.text()
	q.must(`,"digest":`)
	s.Digest = q.text()
	q.must(`,"participants":`)
	names := make([]string, 0, 2)
	if q.list(func() { names = append(names, q.name()) }) {
		s.Participants = names
	}
	q.must(`,"timeout":`)
	s.Timeout = q.number()
	q.must(`,"by":`)
	s.By = q.name()
	q.must(`,"at":`)
	s.At = q.number()
	q.must(`}`)
}

func readPrepare(q *quick, p *prepareLine) {
	q.must(`{"key":`)
	p.Key = txn.Key(q.text())
	q.must(`,"id":`)
	p.ID = q.text()
	q.must(`,"timeout":`)
	p.Timeout = q.number()
	if q.has(`,"head":`) {
		p.Head = q.text()
	}
	if q.has(`,"parts":`) {
		p.Parts = int(q.number())
	}
	p.ReadOnly = q.has(`,"read_only":true`)
	if q.has(`,"work":`) {
		p.Work = q.rest()
		return
	}
	q.must(`}`) // what is packed is rare, and long
}

// rest reads the last member's value, and the closing brace after it.
func (q *quick) rest() json.RawMessage {
	last := len(q.b) - 1
	if last < 1 || q.b[last] != '}' || !json.Valid(q.b[:last]) || isSpace(q.b[0]) || isSpace(q.b[last-1]) {
		q.fail()
		return nil
	}
	work := append(json.RawMessage(nil), q.b[:last]...)
	q.b = q.b[:0]
	return work
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

func readBallot(q *quick, b *txn.Ballot) {
	q.must(`,"vote":`)
	q.enum(&b.Vote)
	if q.has(`,"detail":`) {
		q.enum(&b.Detail)
	}
	b.Retryable = q.has(`,"retryable":true`)
}

func readVote(q *quick, v *txn.VoteRecord) {
	q.must(`{"key":`)
	v.Key = txn.Key(q.text())
	readBallot(q, &v.Ballot)
	v.Withdrawn = q.has(`,"withdrawn":true`)
	if q.has(`,"at":`) {
		v.At = q.number()
	}
	q.must(`}`)
}

func readReason(q *quick) *txn.Reason {
	r := &txn.Reason{}
	q.must(`{"code":`)
	q.enum(&r.Code)
	if q.has(`,"participant":`) {
		r.Participant = q.name()
	}
	if q.has(`,"detail":`) {
		q.enum(&r.Detail)
	}
	q.must(`}`)
	return r
}

func readCastVote(q *quick) (v txn.CastVote) {
	q.must(`{"participant":`)
	v.Participant = q.name()
	readBallot(q, &v.Ballot)
	if q.has(`,"at":`) {
		v.At = q.number()
	}
	q.must(`}`)
	return v
}

func readDecision(q *quick, d *txn.Decision) {
	q.must(`{"key":`)
	d.Key = txn.Key(q.text())
	q.must(`,"id":`)
	d.ID = q.text()
	q.must(`,"verdict":`)
	q.enum(&d.Verdict)
	if q.has(`,"reason":`) {
		d.Reason = readReason(q)
	}
	q.must(`,"votes":`)
	votes := make([]txn.CastVote, 0, 2)
	if q.list(func() { votes = append(votes, readCastVote(q)) }) {
		d.Votes = votes
	}
	if q.has(`,"duplicate_of":`) {
		d.DuplicateOf = txn.Key(q.text())
	}
	q.must(`,"epoch":`)
	d.Epoch = q.number32()
	q.must(`,"coordinator":`)
	d.Coordinator = q.name()
	q.must(`,"at":`)
	d.At = q.number()
	q.must(`}`)
}

func readPast(q *quick, p *txn.Past) {
	q.must(`{"s":`)
	readSubmission(q, &p.Submission)
	q.must(`,"d":`)
	readDecision(q, &p.Decision)
	q.must(`,"c":`)
	p.Completed = q.number()
	if q.has(`,"x":`) {
		q.list(func() { p.Heuristics = append(p.Heuristics, readHeuristic(q)) })
	}
	q.must(`}`)
}

func readHeuristic(q *quick) (h txn.HeuristicBranch) {
	q.must(`{"participant":`)
	h.Participant = q.name()
	q.must(`,"outcome":`)
	q.enum(&h.Outcome)
	q.must(`}`)
	return h
}
