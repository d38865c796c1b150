package txn

import "time"

// branch is this site's share of one transaction, as far as the machine knows it.
type branch struct {
	key     Key
	segment *inboxSegment // where its request stands; nil: not read, or gone
	request Prepare
	known   bool // the inbox was read far enough to tell whether it has an entry
	stand   Stand
	since   time.Duration // when it was found prepared

	call      call    // what the resource manager does with it now; outlives the session
	called    Verdict // of callFinish
	cancelled bool    // CancelWork was said

	ballot    Ballot // what this site says of it
	prepared  bool   // it may be prepared in the database
	withdrawn bool   // the site's persistent vote to abort exists (R9)
	free      bool   // and the decisions were read to their end since: undecided, it may be rolled back
	clouded   bool   // an entry of the decisions that cannot be read may hold its decision
	presumed  bool   // rolled back because no log knows it (R10)
	past      bool   // only history knows it, and that it was committed (participant_compare.go)
	segments  []*voteSegment

	verdict  Verdict
	decided  Pos
	recorded Vote // what the decision says that this site voted
	slot     *decisionSlot

	finished bool
	passed   bool    // "applied" may pass it, and names it
	lost     bool    // decided to commit, and the database knows nothing of it
	settled  Verdict // how an operator wants it ended by force
	hand     bool    // and so it was
	attempts int
	retryAt  time.Duration
}

// call is a running call of the resource manager.
type call uint8

const (
	callNone call = iota
	callWork
	callFinish
)

func (b *branch) inDoubt() bool {
	return b.prepared && b.verdict == VerdictNone && (b.stand == StandVoting || b.stand == StandInDoubt)
}

func (p *Participant) xid(k Key) XID {
	return XID{Cluster: p.cfg.Cluster, Key: k, Participant: p.cfg.Name}
}

func (p *Participant) stand(b *branch, s Stand) {
	if b.stand == s {
		return
	}
	b.stand = s
	p.emit(BranchChanged{Key: b.key, Stand: s, Ballot: b.ballot, Verdict: b.verdict, Lost: b.lost})
}

// foundPrepared notes that the database has the branch prepared, whoever prepared it. It then obeys the decision, and until
// there is one nothing rolls it back (R16).
func (p *Participant) foundPrepared(b *branch) {
	if !b.prepared {
		b.prepared, b.since = true, p.now
	}
	if b.ballot.Vote == VoteNone && b.call != callWork {
		b.ballot = Commit()
	}
}

// carryOut does what was decided, once nothing else of the branch is under way.
func (p *Participant) carryOut(b *branch) {
	if !b.known || b.finished {
		return
	}
	switch b.call {
	case callWork:
		p.cancelWork(b)
		return
	case callFinish:
		return
	}
	switch {
	case b.hand:
		p.compare(b)
		return
	case b.settled != VerdictNone:
		p.finish(b, b.settled)
		return
	}
	if p.nothingToDo(b) {
		p.done(b)
		return
	}
	p.finish(b, b.verdict)
}

func (p *Participant) cancelWork(b *branch) {
	if !b.cancelled {
		b.cancelled = true
		p.emit(CancelWork{b.key})
	}
}

// nothingToDo tells whether a decided branch has no second phase in the database.
func (p *Participant) nothingToDo(b *branch) bool {
	if b.prepared {
		return false // what is prepared obeys, even where the record says read-only
	}
	if b.verdict == VerdictAbort || b.recorded == VoteReadOnly || b.ballot.Vote == VoteReadOnly {
		return true
	}
	return b.decided.Before(p.applied.written.At) && !b.passed // finished before this session
}

// finish asks the resource manager to commit or roll back. It is said for what is decided, withdrawn with no decision behind it
// (R9), presumed aborted (R10), or settled by an operator; never for a vote to abort of our own (R16).
func (p *Participant) finish(b *branch, v Verdict) {
	b.call, b.called = callFinish, v
	p.finishes++
	if b.stand != StandStuck && !b.finished {
		p.stand(b, StandFinishing)
	}
	p.emit(Finish{XID: p.xid(b.key), Verdict: v, ByHand: b.byHand()})
}

// finished takes the answer to Finish.
func (p *Participant) finished(e Finished) {
	b := p.branches[e.Key]
	if b == nil || b.call != callFinish {
		return
	}
	b.call = callNone
	p.finishes--
	p.scan.notice(b.key)
	if b.called == VerdictAbort && e.Result != FinishFailed {
		b.prepared = false
	}
	switch {
	case p.phase != phaseRunning && p.phase != phaseDown:
	case b.byHand() && e.Result == FinishDone && b.settled != b.verdict:
		p.handed(b)
	case b.byHand() && e.Result == FinishUnknown: // nothing to commit, or it is committed: a call before had done it
		b.settled, b.prepared = VerdictNone, false
		p.dropIntent(b)
		p.goOn(b)
	case b.byHand() && e.Result == FinishFailed:
		p.retry(b)
	case b.finished: // a repetition of it, for the scan
		if b.segment == nil {
			delete(p.branches, b.key)
		}
	case b.verdict == VerdictNone:
		p.finishedUndecided(b, e.Result)
	case b.called != b.verdict:
		p.carryOut(b)
	default:
		p.finishedDecided(b, e.Result)
	}
}

// byHand tells whether the branch is being finished as an operator forces it.
func (b *branch) byHand() bool {
	return b.settled != VerdictNone && b.called == b.settled && !b.hand && !b.finished
}

func (p *Participant) finishedUndecided(b *branch, r FinishResult) {
	switch {
	case r == FinishFailed && (b.withdrawn || b.presumed):
		p.retry(b)
	case b.presumed:
		delete(p.branches, b.key)
	default:
		p.goOn(b)
	}
}

func (p *Participant) finishedDecided(b *branch, r FinishResult) {
	switch {
	case r == FinishUnknown && b.verdict == VerdictCommit:
		if b.recorded == VoteReadOnly || b.ballot.Vote == VoteReadOnly {
			p.done(b)
			return
		}
		b.lost = true // R7: not found is not committed
		p.stick(b)
		if !b.past {
			p.retry(b)
		}
	case r == FinishFailed:
		p.retry(b)
		if b.attempts >= stuckAfter {
			p.stick(b)
		}
	default:
		p.done(b)
	}
}

// stuckAfter is how often finishing fails before the branch is let behind; retries come after firstFinish, twice that, and so on.
const (
	stuckAfter  = 3
	firstFinish = 100 * time.Millisecond
	lastFinish  = 10 * time.Second
)

func (p *Participant) retry(b *branch) {
	b.attempts++
	b.retryAt = p.now + backoff(firstFinish, lastFinish, b.attempts)
	p.retries = append(p.retries, b)
}

// retryFinishing tries again what failed, when its time has come (R14).
func (p *Participant) retryFinishing() {
	if len(p.retries) == 0 || p.phase != phaseRunning && p.phase != phaseDown {
		return
	}
	due := p.retries
	p.retries = nil
	for _, b := range due {
		switch {
		case b.finished || b.call != callNone:
		case b.retryAt > p.now:
			p.retries = append(p.retries, b)
		case b.verdict != VerdictNone:
			p.carryOut(b)
		case b.settled != VerdictNone:
			p.finish(b, b.settled)
		case b.withdrawn || b.presumed:
			p.finish(b, VerdictAbort)
		}
	}
}

// stick lets "applied" pass a branch that cannot be finished now, and names it there (R11, R14).
func (p *Participant) stick(b *branch) {
	p.stand(b, StandStuck)
	if b.passed {
		return
	}
	if len(p.applied.unfinished) >= maxUnfinished {
		return // there is a limit to what a node holds: "applied" waits
	}
	b.passed = true
	p.applied.unfinished = append(p.applied.unfinished, b)
	p.applied.restless = true
	p.release(b)
}

// done notes that a decided branch is over at this site.
func (p *Participant) done(b *branch) {
	if b.finished {
		return
	}
	b.finished, b.prepared, b.lost = true, false, false
	p.dropIntent(b)
	p.stand(b, StandFinished)
	p.scan.notice(b.key)
	if b.passed {
		p.applied.resolve(b)
	}
	p.release(b)
	if b.segment == nil {
		delete(p.branches, b.key)
		return
	}
	b.segment.open--
	if b.segment.open == 0 {
		p.discardSegment(b.segment)
	}
}

// release lets "applied" pass the branch's decision.
func (p *Participant) release(b *branch) {
	if b.slot == nil {
		return
	}
	b.slot.open--
	b.slot = nil
	p.applied.gather(p.now)
}
