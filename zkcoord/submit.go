package zkcoord

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/medcommit/medcommit/txn"
)

// waitGrace is how long after a transaction's timeout a caller still waits.
const waitGrace = 5 * time.Second

// errAgain says that a submission is surely not in the log, and its id in nobody's use: submit it again with a new key.
var errAgain = errors.New("submit again")

// Submit hands in a checked request and waits as it says. It returns the transaction as it stands when the wait ends. Where the
// error is none of txn's sentinels, ErrPerhaps or that of ctx, nothing was started.
func (c *Coordinator) Submit(ctx context.Context, h txn.Handed) (txn.Transaction, error) {
	t, err := c.submit(ctx, h)
	if err != nil {
		c.metrics.refused(err)
		return t, fmt.Errorf("submit the transaction: %w", err)
	}
	return t, nil
}

func (c *Coordinator) submit(ctx context.Context, h txn.Handed) (txn.Transaction, error) {
	begun := time.Now()
	wait, cancel := context.WithTimeout(ctx, h.Timeout+waitGrace)
	defer cancel()
	if err := c.admit(&h); err != nil {
		return c.orKnown(wait, &h, err)
	}
	for {
		parcels, err := c.pack(wait, &h)
		if err != nil {
			return txn.Transaction{}, err
		}
		if time.Since(begun) > txn.Patience(c.cfg.Retention) { // R15
			return txn.Transaction{}, txn.ErrUnavailable
		}
		t, err := c.fly(ctx, wait, &h, parcels)
		if !errors.Is(err, errAgain) {
			return t, err
		}
		if wait.Err() != nil {
			return txn.Transaction{}, txn.ErrUnavailable
		}
	}
}

// admit tells whether a new transaction may be started now.
func (c *Coordinator) admit(h *txn.Handed) error {
	if err := c.Ready(); err != nil {
		return err
	}
	roster := c.roster.Load()
	for i := range h.Branches {
		if err := roster.admit(h.Branches[i].Participant); err != nil {
			return fmt.Errorf("participant %s: %w", h.Branches[i].Participant, err)
		}
	}
	return c.inFlight.look(participantSet(h.Branches))
}

// orKnown answers a request that was not admitted by the transaction that its id already means, where there is one: it was
// started before, and a client that asks again wants to know.
func (c *Coordinator) orKnown(wait context.Context, h *txn.Handed, refused error) (txn.Transaction, error) {
	if errors.Is(refused, txn.ErrUnavailable) {
		return txn.Transaction{}, refused
	}
	if _, err := c.look(wait, h.ID); err != nil {
		return txn.Transaction{}, refused
	}
	t, err := c.meaning(wait, h, false)
	if errors.Is(err, errAgain) {
		return txn.Transaction{}, refused
	}
	return t, err
}

// fly hands the submission in under a new key and waits for its end.
func (c *Coordinator) fly(ctx, wait context.Context, h *txn.Handed, parcels []txn.Prepare) (txn.Transaction, error) {
	set := participantSet(h.Branches)
	if err := c.inFlight.enter(set); err != nil {
		return txn.Transaction{}, err
	}
	now := time.Now()
	fl := &flight{wait: h.Wait, set: set, begun: now, answers: make(chan answer, 1)}
	key := newKey(now)
	fl.submit = txn.Submit{Submission: c.submission(h, key, now), Prepares: address(parcels, key)}
	c.box.put(letter{flight: fl})
	select {
	case a := <-fl.answers:
		return c.settle(wait, h, a)
	case <-wait.Done():
	case <-c.ended:
		return txn.Transaction{}, txn.ErrPerhaps
	}
	if ctx.Err() != nil {
		return txn.Transaction{}, ctx.Err()
	}
	return c.asItStands(ctx, key)
}

// settle makes of the machine's answer what the caller gets.
func (c *Coordinator) settle(wait context.Context, h *txn.Handed, a answer) (txn.Transaction, error) {
	switch a.result {
	case txn.SubmitAccepted:
		if isDuplicate(&a.view) {
			return c.meaning(wait, h, false)
		}
		return a.view, nil
	case txn.SubmitKnown, txn.SubmitPast:
		return c.meaning(wait, h, a.missed)
	case txn.SubmitIDReuse:
		return txn.Transaction{}, txn.ErrIDReuse
	case txn.SubmitAgain, txn.SubmitNoPayload:
		return txn.Transaction{}, errAgain
	case txn.SubmitNoSite:
		return txn.Transaction{}, txn.ErrParticipantUnknown
	case txn.SubmitFull:
		return txn.Transaction{}, txn.ErrHistoryFull
	case txn.SubmitPerhaps:
		return txn.Transaction{}, txn.ErrPerhaps
	case txn.SubmitTooLarge:
		return txn.Transaction{}, txn.ErrTooLarge
	}
	return txn.Transaction{}, txn.ErrUnavailable
}

// meaning waits for the transaction that the id already means, and answers with it. errAgain: the id means nothing any more. Missed
// says that h, or what the id meant before with the same body, was started and went by: where it is not found, be it that it was
// forgotten or that nobody can be asked, and whatever the id means now, the answer is ErrPerhaps.
func (c *Coordinator) meaning(wait context.Context, h *txn.Handed, missed bool) (txn.Transaction, error) {
	for caught := false; ; {
		found, err := c.find(wait, h.ID)
		switch {
		case missed && (err != nil || found.digest != h.Digest):
			return txn.Transaction{}, txn.ErrPerhaps
		case errors.Is(err, txn.ErrNotFound):
			return txn.Transaction{}, errAgain
		case err != nil:
			return txn.Transaction{}, err
		case found.digest != h.Digest && !caught && !found.view.State.Decided():
			if err := c.catchUp(wait); err != nil { // it may be a duplicate of what was not read yet (R3)
				return txn.Transaction{}, err
			}
			caught = true
			continue
		case found.digest != h.Digest:
			return txn.Transaction{}, txn.ErrIDReuse
		case enough(h.Wait, found.view.State):
			return found.view, nil
		}
		t, err := c.follow(wait, found.view.Key, h.Wait)
		if err == nil && !isDuplicate(&t) {
			return t, nil
		}
		if err != nil && !errors.Is(err, errAgain) {
			return t, err
		}
		missed = missed || err != nil
	}
}

// follow waits until the live submission key has come as far as wait says, or ctx ends: then it gives it as it stands. errAgain:
// it is not live any more.
func (c *Coordinator) follow(ctx context.Context, key txn.Key, wait txn.Wait) (txn.Transaction, error) {
	w := &waiter{wait: wait, answers: make(chan answer, 1)}
	err := c.ask(ctx, func() { c.await(key, w) })
	if err != nil {
		return txn.Transaction{}, err
	}
	select {
	case a := <-w.answers:
		if a.result != txn.SubmitAccepted {
			return txn.Transaction{}, errAgain
		}
		return a.view, nil
	case <-c.ended:
		return txn.Transaction{}, txn.ErrPerhaps
	case <-ctx.Done():
	}
	c.box.put(letter{call: func() { c.flights.forget(key, w) }})
	return c.asItStands(context.WithoutCancel(ctx), key)
}

// asItStands gives a submission whose wait is over. ErrPerhaps: the log was not seen to hold it, or it is a duplicate, and what its id
// means is for a later question to find out.
func (c *Coordinator) asItStands(ctx context.Context, key txn.Key) (t txn.Transaction, err error) {
	live := false
	if err := c.ask(ctx, func() { t, _, live = c.machine.LookupKey(key) }); err != nil || !live || isDuplicate(&t) {
		return txn.Transaction{}, txn.ErrPerhaps
	}
	return t, nil
}

func isDuplicate(t *txn.Transaction) bool {
	return t.Reason != nil && t.Reason.Code == txn.ReasonDuplicate
}
