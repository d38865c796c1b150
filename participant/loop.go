package participant

import (
	"context"
	"fmt"
	"time"

	"github.com/medcommit/medcommit/txn"
)

// How often the machine hears the time, and how long a batch of votes waits for more while the last one held more than two.
const (
	tickEvery   = 20 * time.Millisecond
	lingerVotes = 500 * time.Microsecond
)

// loop is the only goroutine that touches the machine.
func (p *Participant) loop(ctx context.Context) error {
	if err := p.register(ctx); err != nil {
		return err
	}
	ticker := time.NewTicker(tickEvery)
	defer ticker.Stop()
	flush := time.NewTimer(0)
	defer flush.Stop()
	var events []txn.Event
	waiting := false // for flush
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
			if err := p.step(ctx, p.tick()); err != nil {
				return err
			}
		case <-flush.C:
			waiting = false
		case <-p.events.ready:
		}
		events = p.events.takeAll(events)
		for _, e := range events {
			if err := p.step(ctx, e); err != nil {
				return err
			}
		}
		if waiting {
			continue
		}
		if p.linger {
			p.linger, waiting = false, true
			flush.Reset(lingerVotes)
			continue
		}
		if err := p.carryOut(ctx, p.machine.Flush()); err != nil {
			return err
		}
	}
}

func (p *Participant) tick() txn.Tick {
	p.look()
	return txn.Tick{Now: time.Since(p.begun), Wall: time.Now().UnixMilli()}
}

func (p *Participant) step(ctx context.Context, e txn.Event) error {
	switch e := e.(type) {
	case txn.SessionUp:
		p.log.Info("session-up", "participant", p.config.Name)
		p.status.wait(waitRecovery)
	case txn.SessionLost:
		p.log.Warn("session-lost", "participant", p.config.Name)
		p.status.wait(waitSession)
	case txn.Worked:
		if cancel := p.cancels[e.Key]; cancel != nil {
			cancel()
			delete(p.cancels, e.Key)
		}
	}
	err := p.carryOut(ctx, p.machine.Step(e))
	if _, lost := e.(txn.SessionLost); lost {
		p.heard <- struct{}{}
	}
	return err
}

// deliver gives the loop an event of the ledger. It returns from SessionLost only when the machine has heard of it: what it asks for
// in a session that it takes to be alive must not be carried out in the next.
func (p *Participant) deliver(ctx context.Context, e txn.Event) {
	p.events.put(e)
	if _, lost := e.(txn.SessionLost); !lost {
		return
	}
	select {
	case <-p.heard:
	case <-ctx.Done():
	}
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
		case txn.LoadSite:
			p.chores.put(p.loadSite(e, p.machine.Incarnation()))
		case txn.SaveSite:
			p.chores.put(p.saveSite(e))
		case txn.Ready:
			p.status.wait(waitNothing)
			p.log.Info("ready", "participant", p.config.Name, "incarnation", p.machine.Incarnation())
			p.look()
		case txn.Restored:
			p.restored(e)
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

// noteVotes makes the next batch of votes linger where this one holds many: more are on their way.
func (p *Participant) noteVotes(e txn.Effect) {
	m, ok := e.(txn.Multi)
	if !ok {
		return
	}
	for _, op := range m.Ops {
		if op.Kind == txn.OpAppend && op.Log.Kind == txn.Votes && op.Segment != nil {
			p.linger = len(op.Segment.Votes) > 2
		}
	}
}

func (p *Participant) restored(e txn.Restored) {
	what := "the database"
	if e.ZooKeeper {
		what = "ZooKeeper"
	}
	p.status.wait(waitOperator)
	p.log.Error("restored", "participant", p.config.Name, "older", what,
		"remedy", "compare both; where this one is to count, let the site go on with: medcommit participants adopt "+p.config.Name)
}

func (p *Participant) changed(e txn.BranchChanged) {
	p.log.Debug("branch", "key", e.Key, "stand", e.Stand, "vote", e.Ballot.Vote, "detail", e.Ballot.Detail, "decision", e.Verdict)
	switch e.Stand {
	case txn.StandInDoubt, txn.StandVoted:
		p.metrics.voted(e.Ballot.Vote)
	case txn.StandStuck:
		p.log.Error("branch-unfinished", "key", e.Key, "decision", e.Verdict, "lost", e.Lost)
	}
	if e.Lost && !p.reported[e.Key] {
		p.reported[e.Key] = true
		p.metrics.heuristic(e.Verdict)
		p.log.Error("branch-heuristic", "key", e.Key, "decision", e.Verdict)
	}
}
