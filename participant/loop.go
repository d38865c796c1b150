package participant

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"time"

	"github.com/medcommit/medcommit/txn"
)

// applyQuiet keeps what is said after a transaction, a write to the database and a multi at each site, from a lone client's next one.
const applyQuiet = 5 * time.Millisecond

// How often the machine hears the time: in any case, and at most, before other events.
const (
	tickEvery  = 20 * time.Millisecond
	clockEvery = time.Millisecond
)

// letter is an event on its way to the loop, or something to do there; heard, where set, is closed when the machine has had it.
type letter struct {
	event txn.Event
	then  func()
	heard chan struct{}
}

// tell gives the machine an event.
func (p *Participant) tell(e txn.Event) { p.events.put(letter{event: e}) }

// deliver takes the ledger's events. It holds up the end of a session until the machine has heard of it: effects belong to the
// session that the ledger delivered last, and those of the session that is over must not go to the next one.
func (p *Participant) deliver(ctx context.Context, e txn.Event) {
	if _, lost := e.(txn.SessionLost); !lost || !p.looping.Load() {
		p.tell(e)
		return
	}
	heard := make(chan struct{})
	p.events.put(letter{event: e, heard: heard})
	select {
	case <-heard:
	case <-ctx.Done():
	}
}

// loop is the only goroutine that touches the machine.
func (p *Participant) loop(ctx context.Context) error {
	if err := p.register(ctx); err != nil {
		return err
	}
	p.looping.Store(true)
	p.looked = time.Now() // the first thing that is shown had better be that the site is ready
	ticker := time.NewTicker(tickEvery)
	defer ticker.Stop()
	flush := time.NewTimer(0)
	defer flush.Stop()
	var letters []letter
	ticked := time.Duration(0)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
			if err := p.step(ctx, p.tick()); err != nil {
				return err
			}
		case <-flush.C:
		case <-p.events.ready:
		}
		runtime.Gosched() // who is about to tell more, tells it before anything is sent
		letters = p.events.takeAll(letters)
		// Else a vote would bear the time of a tick, before its own request's.
		if now := p.clock(); len(letters) > 0 && now.Now-ticked >= clockEvery {
			ticked = now.Now
			if err := p.step(ctx, now); err != nil {
				return err
			}
		}
		for _, l := range letters {
			if l.then != nil {
				l.then()
				continue
			}
			if err := p.step(ctx, l.event); err != nil {
				return err
			}
			if l.heard != nil {
				close(l.heard)
			}
		}
		rest := p.linger.Rest(p.machine.Votes(), time.Now())
		if rest > 0 {
			flush.Reset(rest)
		}
		if err := p.carryOut(ctx, p.machine.Flush(txn.Hold{Votes: rest > 0})); err != nil {
			return err
		}
	}
}

func (p *Participant) tick() txn.Tick {
	p.look()
	return p.clock()
}

func (p *Participant) clock() txn.Tick {
	return txn.Tick{Now: time.Since(p.begun), Wall: time.Now().UnixMilli()}
}

func (p *Participant) step(ctx context.Context, e txn.Event) error {
	p.linger.Heard(e, time.Now())
	switch e := e.(type) {
	case txn.SessionUp:
		p.watched = false
		p.log.Info("session up", "participant", p.config.Name)
		p.status.wait(waitRecovery)
		p.watchInventory()
	case txn.SessionLost:
		p.log.Warn("session lost", "participant", p.config.Name)
		p.status.wait(waitSession)
	case txn.Worked:
		if cancel := p.cancels[e.Key]; cancel != nil {
			cancel()
			delete(p.cancels, e.Key)
		}
	case txn.MultiDone:
		p.inventoryWritten(e)
	case txn.MultiLost:
		p.inventoryLost(e)
	case txn.NodeRead:
		if e.Path == txn.AppliedPath(p.config.Name) && e.Exists && !json.Valid(e.Data) {
			p.log.Error("applied cannot be read; all decisions are carried out once more", "participant", p.config.Name)
		}
		if p.replacedBy(e) {
			return fmt.Errorf("another process runs as %s: %w", p.config.Name, ErrReplaced)
		}
		p.inventoryRead(e)
	}
	return p.carryOut(ctx, p.machine.Step(e))
}

// replacedBy tells whether a node that was watched shows that another process has come after this one. The machine finds out with
// its next multi; a process that has nothing to write would keep the database from the other one until then.
func (p *Participant) replacedBy(n txn.NodeRead) bool {
	var found txn.Incarnation
	return n.Path == txn.IncarnationPath(p.config.Name) && n.Exists && n.Version > p.machine.Incarnation() &&
		p.machine.Incarnation() > 0 && json.Unmarshal(n.Data, &found) == nil && found.Process != "" && found.Process != p.process
}

// carryOut does what the machine wants done. What is ZooKeeper's goes to the ledger, in order.
func (p *Participant) carryOut(ctx context.Context, effects []txn.Effect) error {
	var store []txn.Effect
	for _, e := range effects {
		switch e := e.(type) {
		case txn.Work:
			p.begin(ctx, e)
		case txn.CancelWork:
			if cancel := p.cancels[e.Key]; cancel != nil {
				cancel()
			}
		case txn.Finish:
			p.finishes.put(e)
		case txn.ListPrepared:
			p.chores.put(p.listPrepared(e))
		case txn.FindBranches:
			p.chores.put(p.findBranches(e))
		case txn.LoadSite:
			p.chores.put(p.loadSite(e, p.machine.Incarnation()))
			if !p.watched {
				p.watched = true
				store = append(store, txn.WatchNode{Path: txn.IncarnationPath(p.config.Name)})
			}
		case txn.SaveSite:
			p.chores.put(p.saveSite(e))
		case txn.Ready:
			p.status.wait(waitNothing)
			p.log.Info("ready", "participant", p.config.Name, "incarnation", p.machine.Incarnation())
			p.look()
		case txn.WishAnswered:
			w := e.Wish
			p.log.Info("branch resolved", "key", w.Key, "outcome", w.Verdict, "decided", w.Decision, "force", w.Force,
				"reason", w.Reason, "by", w.By, "result", e.Result)
		case txn.SettledByHand:
			if !p.reported[e.Key] { // else it was lost, which is counted, and an operator took note
				p.metrics.settled(e.Verdict)
			}
			p.log.Warn("branch heuristic", "key", e.Key, "ended", e.Verdict, "decision", e.Decision)
		case txn.HeuristicMismatch:
			p.log.Error("branch heuristic against its decision", "key", e.Key, "ended", e.Verdict, "decision", e.Decision)
		case txn.Adopted:
			p.status.wait(waitRecovery)
			p.log.Info("adopted", "participant", p.config.Name, "restored", e.What, "reason", e.Reason, "by", e.By)
		case txn.Restored:
			p.restored(e)
		case txn.PastCompared:
			p.log.Info("history compared with the restored database", "participant", p.config.Name, "lost", e.Lost, "unreadable", e.Blind)
		case txn.Stop:
			return fmt.Errorf("another process runs as %s: %w", p.config.Name, ErrReplaced)
		case txn.BranchChanged:
			p.changed(e)
		default:
			p.noteVotes(e)
			store = append(store, e)
		}
	}
	if len(store) > 0 {
		p.ledger.Do(store...)
	}
	return nil
}

// noteVotes notes that a batch of votes is sent.
func (p *Participant) noteVotes(e txn.Effect) {
	if m, ok := e.(txn.Multi); ok && m.Appends(txn.Votes) {
		p.linger.Sent(m.Token, time.Now())
	}
}

func (p *Participant) restored(e txn.Restored) {
	p.status.wait(waitOperator)
	p.log.Error("restored", "participant", p.config.Name, "older", e.What, "remedy", "this site prepares "+
		"nothing until the one that belongs to the other is back, or an operator says: medcommit participants adopt")
}

func (p *Participant) changed(e txn.BranchChanged) {
	if p.log.IsDebug() { // else its arguments are made for nothing, five times a branch
		p.log.Debug("branch", "key", e.Key, "stand", e.Stand, "vote", e.Ballot.Vote, "detail", e.Ballot.Detail, "decision", e.Verdict)
	}
	switch e.Stand {
	case txn.StandInDoubt, txn.StandVoted:
		p.metrics.voted(e.Ballot.Vote)
	case txn.StandStuck:
		p.log.Error("branch unfinished", "key", e.Key, "decision", e.Verdict, "lost", e.Lost)
	}
	if e.Stand == txn.StandFinished {
		delete(p.reported, e.Key)
	}
	if e.Lost && !p.reported[e.Key] {
		p.reported[e.Key] = true
		p.metrics.heuristic(e.Verdict)
		p.log.Error("branch heuristic", "key", e.Key, "decision", e.Verdict)
	}
}
