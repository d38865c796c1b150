package zkcoord

import (
	"context"
	"runtime"
	"time"

	"github.com/medcommit/medcommit/txn"
)

const (
	tickEvery = 20 * time.Millisecond
	// countEvery is how many ticks are between two countings for the metrics.
	countEvery = 50
	// historyWarning is the share of --history that is worth a warning.
	historyWarning = 0.8
)

// loop is the one goroutine that owns the machine and all that belongs to it. It takes letters, tells the machine, and carries
// its effects to the driver; it never waits for anything else.
func (c *Coordinator) loop(ctx context.Context) {
	ticker := time.NewTicker(tickEvery)
	defer ticker.Stop()
	wait := time.NewTimer(time.Hour)
	defer wait.Stop()
	var letters []letter
	c.tick()
	for ctx.Err() == nil {
		runtime.Gosched() // who is about to tell more, tells it before anything is sent
		letters = c.box.take(letters)
		if len(letters) > 0 {
			c.clock() // else a decision would bear the time of a tick, before its own transaction's
		}
		for i := range letters {
			c.open(&letters[i])
		}
		c.pace()
		rest := c.flush()
		if rest > 0 {
			wait.Reset(rest)
		}
		select {
		case <-ctx.Done():
		case <-c.box.wake:
		case <-wait.C:
		case <-ticker.C:
			c.tick()
		}
	}
}

// open does what one letter says.
func (c *Coordinator) open(l *letter) {
	switch {
	case l.call != nil:
		l.call()
	case l.flight != nil:
		c.step(c.flights.launch(l.flight))
	default:
		c.take(l.event)
	}
}

// take routes an event of the driver.
func (c *Coordinator) take(event txn.Event) {
	switch e := event.(type) {
	case txn.SessionUp:
		c.port.drop()
		c.step(event)
		c.sessionUp()
		return
	case txn.SessionLost:
		c.send() // what was asked for in that session must not be carried out in the next
		c.port.drop()
		c.step(event)
		c.sessionLost()
		c.send()
		return
	case txn.Entries:
		if e.Log.Kind == txn.History {
			c.segments.see(e.Entries)
		}
	}
	if !c.port.handle(event) {
		c.lingers.heard(event, time.Now())
		c.step(event)
	}
}

// deliver gives the loop an event of the driver. It returns from SessionLost only when the loop has heard of it: what the machine
// asks for in a session that it takes to be alive must not be carried out in the next.
func (c *Coordinator) deliver(life context.Context, event txn.Event) {
	c.box.awaitRoom(life)
	if _, lost := event.(txn.SessionLost); !lost {
		c.box.put(letter{event: event})
		return
	}
	heard := make(chan struct{})
	c.box.put(letter{call: func() {
		c.take(event)
		close(heard)
	}})
	select {
	case <-heard:
	case <-life.Done():
	}
}

func (c *Coordinator) tick() {
	now := c.clock()
	c.election.act()
	c.announcement.tick()
	c.lookAtConnection(now)
	c.ticks++
	if c.ticks%countEvery == 0 {
		c.measure()
	}
	if c.draining && c.flights.idle() {
		c.draining = false
		close(c.drained)
	}
}

// clock tells the machine the time.
func (c *Coordinator) clock() time.Time {
	now := time.Now()
	c.step(txn.Tick{Now: now.Sub(c.started), Wall: now.UnixMilli()})
	return now
}

// lookAtConnection tells when ZooKeeper has not been reached for so long that the session may be over: that it is, ZooKeeper only says
// when it is reached again.
func (c *Coordinator) lookAtConnection(now time.Time) {
	if !c.driver.Suspended() {
		c.suspended = time.Time{}
		c.cutOff.Store(false)
		return
	}
	if c.suspended.IsZero() {
		c.suspended = now
	}
	c.cutOff.Store(now.Sub(c.suspended) >= c.driver.cfg.SessionTimeout)
}

// measure sets the metrics that are counted, and warns while history fills up.
func (c *Coordinator) measure() {
	n := c.machine.Counts()
	c.metrics.history.Set(float64(n.HistoryBytes))
	c.metrics.remembered.Set(float64(n.History))
	c.metrics.unread.Set(float64(n.Unread))
	full := float64(n.HistoryBytes) >= historyWarning*float64(c.cfg.HistoryBytes)
	if full && !c.warned {
		c.log.Warn("history fills up: raise --history or lower --retention, or submissions will be refused",
			"bytes", n.HistoryBytes, "limit", c.cfg.HistoryBytes)
	}
	c.warned = full
}

// step tells the machine one event and carries out what it wants.
func (c *Coordinator) step(event txn.Event) {
	c.stepped = true
	c.carryOut(c.machine.Step(event))
}

// flush lets the machine send its batches but for those that are worth waiting for, and gives for how long; zero: for none.
func (c *Coordinator) flush() (rest time.Duration) {
	c.publish()
	if c.stepped {
		var hold txn.Hold
		hold, rest = c.lingers.rest(c.machine, c.flights.undecided, time.Now())
		c.stepped = rest > 0
		c.carryOut(c.machine.Flush(hold))
	}
	c.send()
	return rest
}

// send gives the driver all that has come together.
func (c *Coordinator) send() {
	if len(c.port.out) == 0 {
		return
	}
	out := c.port.out
	c.port.out = nil
	c.driver.Do(out...)
}

// carryOut does the machine's effects: those for the store go to the driver, in order, the others are done here.
func (c *Coordinator) carryOut(effects []txn.Effect) {
	for _, effect := range effects {
		switch e := effect.(type) {
		case txn.Submitted:
			c.submitted(e)
		case txn.Changed:
			c.changed(e.Key, e.State)
		case txn.Unreadable:
			c.unreadable(e.Key)
		case txn.Leading:
			c.leading(e.Epoch)
		case txn.Deposed:
			c.deposed()
		case txn.Synced:
			c.syncedNow()
		case txn.SecondDecision:
			c.metrics.seconds.Inc()
			c.log.Error("second decision was read and ignored", "key", e.Key)
		case txn.Heuristic:
			c.metrics.heuristics.WithLabelValues(e.Participant).Inc()
			c.log.Error("participant cannot finish a branch as decided",
				"key", e.Key, "participant", e.Participant, "decision", e.Verdict)
		case txn.Sweep:
			c.sweeper.ask(e.Token)
		case txn.Multi:
			c.lingers.sent(&e, time.Now())
			c.port.out = append(c.port.out, effect)
		default:
			c.port.out = append(c.port.out, effect)
		}
	}
}
