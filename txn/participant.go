package txn

import "time"

// Participant is a participant's machine: the protocol of one site, without I/O. Step tells it what happened and gives what must be
// done; nothing else moves it. One goroutine owns it. doc.go says what it promises; the rules are DESIGN.md's.
//
// It is read best in this order: participant_session.go and participant_reconcile.go (a new session and the recovery),
// participant_inbox.go, participant_decisions.go and participant_branch.go (a branch from its request to its end),
// participant_votes.go, participant_applied.go and participant_garbage.go (the two lanes of multis), participant_withdraw.go,
// participant_scan.go, participant_compare.go, participant_settled.go.
type Participant struct {
	cfg   ParticipantConfig
	out   []Effect
	now   time.Duration
	wall  int64
	token Token
	batch uint64

	bumped   bool // this process has once written the incarnation
	known    known
	discards int // how often a session's state was thrown away
	saver    saver

	// branches holds what the session has read, and what the resource manager still works on, whichever session asked for it.
	branches map[Key]*branch
	working  int // calls of Work under way
	finishes int // calls of Finish under way

	siteSession
}

// siteSession is everything that a new session, or a new bump of the incarnation, discards (R5).
type siteSession struct {
	phase       phase
	restore     restoreState
	nonce       string
	attempt     int
	incarnation int32
	answers     map[Token]func(Event)
	timers      []timer

	inbox      inboxState
	decisions  decisionState
	votes      voteLane
	applied    appliedLane
	scan       scanState
	comparison comparison
	settled    settledLane
	retries    []*branch // finishing failed; tried again at their retryAt
}

// phase is how far a session is.
type phase uint8

const (
	phaseDown     phase = iota // no session
	phaseStarting              // fencing, reading
	phaseRestored              // waits for an operator (R10)
	phaseRunning
	phaseStopped // another process runs as this participant
)

// timer is something to do at a Tick.
type timer struct {
	at time.Duration
	do func()
}

// NewParticipant makes a machine that waits for its first SessionUp.
func NewParticipant(cfg ParticipantConfig) *Participant {
	cfg.defaults()
	return &Participant{cfg: cfg, branches: map[Key]*branch{}}
}

func (c *ParticipantConfig) defaults() {
	if c.ScanEvery <= 0 {
		c.ScanEvery = time.Minute
	}
	if c.MaxOps <= 0 {
		c.MaxOps = 1000
	}
	if c.MaxBytes <= 0 {
		c.MaxBytes = 256 << 10
	}
	if c.GenerationSize <= 0 {
		c.GenerationSize = 1_000_000_000
	}
	if c.Slots <= 0 {
		c.Slots = 64
	}
}

// Step tells the machine one event and returns what must be done, in order. Any event may come at any time. The
// slice is valid until the next call.
func (p *Participant) Step(e Event) []Effect {
	p.out = p.out[:0]
	if p.phase == phaseStopped {
		return nil
	}
	switch e := e.(type) {
	case Tick:
		p.tick(e)
	case SessionUp:
		p.sessionUp(e)
	case SessionLost:
		p.sessionLost()
	case Entries:
		p.entries(e)
	case LogEnd:
		p.logEnd(e)
	case MultiDone:
		p.answer(e.Token, e)
	case MultiFailed:
		p.answer(e.Token, e)
	case MultiLost:
		p.answer(e.Token, e)
	case LogListed:
		p.answer(e.Token, e)
	case NodeRead:
		if e.Token == 0 {
			p.adoptionRead(e)
			break
		}
		p.answer(e.Token, e)
	case PastFound:
		p.answer(e.Token, e)
	case PastListed:
		p.answer(e.Token, e)
	case BranchesFound:
		p.answer(e.Token, e)
	case NodeListed:
		p.answer(e.Token, e)
	case PreparedListed:
		p.answer(e.Token, e)
	case SiteLoaded:
		p.answer(e.Token, e)
	case SiteSaved:
		p.siteSaved(e)
	case Worked:
		p.worked(e)
	case Finished:
		p.finished(e)
	case Withdraw:
		p.wishWithdrawal(e.Key)
	case DatabaseBack:
		p.scan.next = p.now
	}
	p.hearWishes()
	p.pump()
	return p.out
}

// Flush gives the multis that merge what has gathered: votes, and what was applied. The driver calls it when it has told all the
// events that it has, and holds back for a short linger what it names. The slice is valid until the next call.
func (p *Participant) Flush(hold Hold) []Effect {
	p.out = p.out[:0]
	if p.phase != phaseRunning {
		return nil
	}
	if !hold.Votes {
		p.flushVotes()
	}
	p.flushApplied()
	return p.out
}

// Votes is what waits in the lane of votes. More may come while branches are worked on, and else with the next submissions, after a decision.
func (p *Participant) Votes() Queue {
	q := Queue{Records: len(p.votes.queue), Busy: p.phase != phaseRunning || p.votes.busy, Coming: p.working + len(p.inbox.waiting)}
	if q.Blind = q.Coming > 0; !q.Blind {
		q.Join(p.votes.undecided())
	}
	return q
}

// Standing tells how many branches wait or are worked on, how many are prepared and undecided, and for how long the oldest of
// those has been.
func (p *Participant) Standing() (queued, inDoubt int, oldestSince time.Duration) {
	for _, b := range p.branches {
		switch {
		case b.stand == StandWaiting || b.stand == StandWorking:
			queued++
		case b.inDoubt():
			inDoubt++
			oldestSince = max(oldestSince, p.now-b.since)
		}
	}
	return queued, inDoubt, oldestSince
}

// Incarnation is the number that the participant's session has taken for itself; the resource manager is opened with it before it
// is asked for LoadSite.
func (p *Participant) Incarnation() int32 { return p.incarnation }

// BranchStanding is where one branch stands, for inventories.
type BranchStanding struct {
	Key     Key
	ID      string // of the transaction, where its request was read
	Logged  bool   // its request or its decision was read
	Stand   Stand
	Ballot  Ballot
	Verdict Verdict
	Lost    bool          // decided to commit, and the database knows nothing of it
	Age     time.Duration // since it is prepared; zero where it is not
}

// Branches gives every branch that the machine remembers, in no order.
func (p *Participant) Branches() []BranchStanding {
	list := make([]BranchStanding, 0, len(p.branches))
	for _, b := range p.branches {
		s := BranchStanding{
			Key: b.key, ID: b.request.ID, Logged: b.segment != nil || b.verdict != VerdictNone,
			Stand: b.stand, Ballot: b.ballot, Verdict: b.verdict, Lost: b.lost,
		}
		if b.prepared {
			s.Age = p.now - b.since
		}
		list = append(list, s)
	}
	return list
}

func (p *Participant) emit(e Effect) { p.out = append(p.out, e) }

func (p *Participant) tick(t Tick) {
	p.now, p.wall = t.Now, t.Wall
	p.fireTimers()
	p.retryFinishing()
	p.judgeWishes()
	if p.phase == phaseRunning {
		p.withdrawAged()
		p.scanDue()
		p.forgetPast()
		p.clearSettled()
	}
}

// later does something at the first Tick that is at least d after the last one, if the session still stands then.
func (p *Participant) later(d time.Duration, do func()) {
	p.timers = append(p.timers, timer{p.now + d, do})
}

func (p *Participant) fireTimers() {
	due, discards := p.timers, p.discards
	p.timers = nil
	for _, t := range due {
		if t.at > p.now {
			p.timers = append(p.timers, t)
			continue
		}
		t.do()
		if p.discards != discards {
			return // the session was discarded, and the other timers with it
		}
	}
}
