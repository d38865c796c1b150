package participant

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/medcommit/medcommit/txn"
	"github.com/medcommit/medcommit/txn/failpoint"
)

// How often a database that does not answer is asked again.
const (
	firstPause = 50 * time.Millisecond
	lastPause  = 2 * time.Second
)

// begin executes a branch in a goroutine of its own; the machine sees to it that they are at most MaxInFlight.
func (p *Participant) begin(ctx context.Context, w txn.Work) {
	limited, cancel := context.WithTimeout(ctx, time.Duration(w.Prepare.Timeout)*time.Millisecond)
	p.cancels[w.XID.Key] = cancel
	p.workers.do(ctx, func() {
		ballot, ok := p.work(ctx, limited, w)
		if ok { // else the process ends, and the next one finds out
			p.tell(txn.Worked{Key: w.XID.Key, Ballot: ballot})
		}
	})
}

// work gives the branch's ballot. limited ends with the transaction's time-out or its decision; ctx only with the process: once
// the branch may be prepared nothing else ends the asking (R16).
func (p *Participant) work(ctx, limited context.Context, w txn.Work) (ballot txn.Ballot, ok bool) {
	calls, err := p.calls(limited, w)
	if err != nil {
		detail := txn.DetailInternal
		if errors.Is(err, txn.ErrNoPayload) {
			detail = txn.DetailNotPrepared
		}
		p.log.Warn("branch refused", "key", w.XID.Key, "error", err)
		return p.lookUp(ctx, w.XID, txn.Abort(detail))
	}
	failpoint.Before(failpoint.Prepare)
	begun := time.Now()
	ballot, err = p.rm.Prepare(limited, w.XID, calls)
	p.metrics.took(phasePrepare, begun)
	switch {
	case err == nil:
		failpoint.After(failpoint.Prepare)
		if ballot.Detail == txn.DetailDatabaseUnavailable {
			p.suspect()
		}
		return ballot, true
	case errors.Is(err, ErrInDoubt), errors.Is(err, ErrUnavailable):
		p.log.Warn("prepare in doubt", "key", w.XID.Key, "error", err)
		p.suspect()
		return p.lookUp(ctx, w.XID, txn.Abort(txn.DetailDatabaseUnavailable))
	}
	p.log.Error("prepare failed", "key", w.XID.Key, "error", err)
	return p.lookUp(ctx, w.XID, txn.Abort(txn.DetailInternal))
}

// calls reads the branch's work and checks it once more against the catalogue.
func (p *Participant) calls(ctx context.Context, w txn.Work) ([]Call, error) {
	payload := w.Prepare.Payload
	if w.Prepare.Head != "" {
		var err error
		if payload, err = p.payload(ctx, w.Prepare); err != nil {
			return nil, err
		}
	}
	if calls, ok := p.catalogue.plainCalls(payload, w.Prepare.ID, p.config.Name); ok {
		return calls, nil
	}
	var work txn.WorkRequest
	if err := json.Unmarshal(payload, &work); err != nil {
		return nil, errPayload // the decoder's own text may quote it
	}
	return p.catalogue.Calls(work, w.Prepare.ID, p.config.Name)
}

// payload reads a payload in parts, again and again until it is there or surely is not, or ctx ends.
func (p *Participant) payload(ctx context.Context, r txn.Prepare) ([]byte, error) {
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		payload, err := p.ledger.Payload(ctx, r.Head, r.Parts)
		if err == nil || errors.Is(err, txn.ErrNoPayload) || !sleep(ctx, pause) {
			return payload, err
		}
	}
}

// lookUp asks the resource manager, until it answers, whether the branch is prepared, by whomever: that is a vote to commit
// (R16). If it is not, otherwise is the vote. ok is false when the process ends first.
func (p *Participant) lookUp(ctx context.Context, xid txn.XID, otherwise txn.Ballot) (ballot txn.Ballot, ok bool) {
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		standing, err := p.rm.Lookup(ctx, xid)
		switch {
		case err == nil && standing == StandingNone:
			return otherwise, true
		case err == nil:
			return txn.Commit(), true
		}
		p.log.Warn("lookup failed", "key", xid.Key, "error", err, "again-in", pause)
		p.suspect()
		if !sleep(ctx, pause) {
			return txn.Ballot{}, false
		}
	}
}
