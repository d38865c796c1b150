package zkcoord

import (
	"context"
	"time"

	"github.com/medcommit/medcommit/txn"
)

// ask runs f on the loop, where the machine may be looked at, and waits until it ran.
func (c *Coordinator) ask(ctx context.Context, f func()) error {
	done := make(chan struct{})
	c.box.put(letter{call: func() {
		f()
		close(done)
	}})
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-c.ended:
		return txn.ErrUnavailable
	}
}

// submitted takes the machine's answer to a submission.
func (c *Coordinator) submitted(e txn.Submitted) {
	fl := c.flights.land(e.Ticket)
	if fl == nil {
		return
	}
	switch e.Result {
	case txn.SubmitAccepted:
		c.flights.own[e.Key] = fl
		c.await(e.Key, &waiter{wait: fl.wait, answers: fl.answers})
		if _, live := c.machine.StateOf(e.Key); live {
			c.reached(e.Key)
		}
		return
	case txn.SubmitKnown:
		c.await(e.Key, &waiter{wait: fl.wait, answers: fl.answers})
	default:
		fl.answers <- answer{result: e.Result, key: e.Key}
	}
	c.landed(fl)
}

// await lets w wait for key; it is answered at once where key has come far enough.
func (c *Coordinator) await(key txn.Key, w *waiter) {
	c.flights.waiters[key] = append(c.flights.waiters[key], w)
	if s, live := c.machine.StateOf(key); live && enough(w.wait, s) {
		t, _, _ := c.machine.LookupKey(key)
		c.flights.wake(&t)
	}
}

// landed counts a flight as decided, or refused, once.
func (c *Coordinator) landed(fl *flight) {
	if !fl.decided {
		fl.decided = true
		c.flights.undecided--
		c.inFlight.leave(fl.set)
	}
}

// changed is called when a transaction came to a state, and perhaps further by now.
func (c *Coordinator) changed(key txn.Key, to txn.State) {
	if to != 0 && c.synced.Load() && c.notices.wanted() {
		c.tell(key, to)
	}
	c.reached(key)
}

// tell gives listeners the transaction as it was when it came to a state.
func (c *Coordinator) tell(key txn.Key, to txn.State) {
	t, _, live := c.machine.LookupKey(key)
	if !live || c.duplicate(&t) {
		return
	}
	if t.State != to {
		t = t.When(to)
	}
	c.notices.publish(txn.Notice{Kind: txn.EventTransaction, Transaction: &t})
}

// reached answers all who wait for a transaction that has come far enough, and counts it where it was taken in here.
func (c *Coordinator) reached(key txn.Key) {
	if !c.flights.concerns(key) {
		return
	}
	s, live := c.machine.StateOf(key)
	if !live {
		c.wentBy(key)
		return
	}
	if !c.flights.awaits(key, s) {
		return // nobody would look at the view
	}
	t, _, _ := c.machine.LookupKey(key)
	if fl := c.flights.own[key]; fl != nil && t.State.Decided() {
		c.count(fl, &t)
	}
	c.flights.wake(&t)
}

// wentBy is called when key was decided, retired and dropped before its decision was read here: who waits looks for its id.
func (c *Coordinator) wentBy(key txn.Key) {
	if fl := c.flights.own[key]; fl != nil {
		c.landed(fl)
		delete(c.flights.own, key)
	}
	c.flights.missed(key)
}

// unreadable is called when a submission of this coordinator cannot be read in the log: those who wait for it hear "perhaps".
func (c *Coordinator) unreadable(key txn.Key) {
	c.log.Error("submission cannot be read in the log", "key", key)
	if fl := c.flights.own[key]; fl != nil {
		c.landed(fl)
		delete(c.flights.own, key)
	}
	c.flights.tell(answer{result: txn.SubmitPerhaps, key: key})
}

// duplicate tells whether t is one, decided so or not yet.
func (c *Coordinator) duplicate(t *txn.Transaction) bool {
	if t.State.Decided() {
		return isDuplicate(t)
	}
	first, _, _, found := c.machine.Lookup(t.ID)
	return found != txn.FoundLive || first.Key != t.Key
}

func (c *Coordinator) count(fl *flight, t *txn.Transaction) {
	took := time.Since(fl.begun)
	if !fl.decided {
		if !isDuplicate(t) {
			c.metrics.decided(t, took)
		}
		c.landed(fl)
	}
	if enough(txn.WaitCompleted, t.State) {
		if !isDuplicate(t) {
			c.metrics.completed(took)
		}
		delete(c.flights.own, t.Key)
	}
}
