package zkcoord

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/medcommit/medcommit/txn"
)

const (
	// wishPatience is how long an operator's call waits for the site's answer.
	wishPatience = 5 * time.Second
	// wishLook is how often is looked for it.
	wishLook = 50 * time.Millisecond
)

// Resolve hands an operator's wish to the site and waits a while for its answer. It gives the transaction, with ErrPerhaps where the
// site has not answered yet, and with ErrNotAsDecided or ErrNotSettled where the branch was left as it is.
func (c *Coordinator) Resolve(ctx context.Context, id string, r txn.Resolution) (txn.Transaction, error) {
	t, err := c.resolve(ctx, id, r)
	if err != nil {
		return t, fmt.Errorf("resolve the branch: %w", err)
	}
	return t, nil
}

func (c *Coordinator) resolve(ctx context.Context, id string, r txn.Resolution) (txn.Transaction, error) {
	t, err := c.Transaction(ctx, id)
	if err != nil {
		return t, err
	}
	b := branchOf(&t, r.Participant)
	decided := decisionOf(&t)
	switch {
	case b == nil:
		return txn.Transaction{}, txn.ErrBranchUnknown
	case endedAs(b.Outcome) == r.Verdict && !(r.Force && lost(b)):
		return t, nil // now or before
	case b.Outcome == txn.OutcomeCommitted, b.Outcome == txn.OutcomeRolledBack:
		return t, &txn.Unsettled{Result: txn.WishFinished}
	case !r.Force && decided == txn.VerdictNone:
		return t, &txn.Unsettled{Result: txn.WishUndecided}
	case !r.Force && decided != r.Verdict:
		return t, &txn.Unsettled{Result: txn.WishContrary}
	}
	wish := txn.Wish{
		Nonce: newNonce(), Key: t.Key, Verdict: r.Verdict, Decision: decided, Force: r.Force, Reason: r.Reason, By: c.cfg.ID,
		At: time.Now().UnixMilli(),
	}
	c.log.Info("operator settles a branch", "transaction", id, "participant", r.Participant, "outcome", r.Verdict, "decision", decided,
		"force", r.Force, "reason", r.Reason, "wish", wish.Nonce)
	ctx, cancel := context.WithTimeout(ctx, wishPatience)
	defer cancel()
	if err := c.wish(ctx, r.Participant, wish); err != nil {
		return t, err
	}
	result := c.awaitWish(ctx, r.Participant, wish.Nonce)
	c.log.Info("operator's wish is answered", "transaction", id, "participant", r.Participant, "wish", wish.Nonce, "result", orNone(result))
	return c.afterWish(context.WithoutCancel(ctx), id, t, result)
}

func orNone(r txn.WishResult) string {
	if r == txn.WishNone {
		return "none yet"
	}
	return r.String()
}

// afterWish gives the transaction as it is now.
func (c *Coordinator) afterWish(ctx context.Context, id string, was txn.Transaction, result txn.WishResult) (txn.Transaction, error) {
	now, err := c.Transaction(ctx, id)
	if err != nil {
		now = was
	}
	switch result {
	case txn.WishDone:
		return now, nil
	case txn.WishNone, txn.WishFailed: // not yet; it is tried on and on
		return now, txn.ErrPerhaps
	}
	return now, &txn.Unsettled{Result: result}
}

// wish appends to the site's inbox. Where the answer was lost it is not repeated: whether the wish is there shows in the site's answer
// (R6).
func (c *Coordinator) wish(ctx context.Context, site string, w txn.Wish) error {
	log := txn.Log{Kind: txn.Inbox, Participant: site}
	for gen := int32(1); ; {
		segment := &txn.Segment{Batch: w.Nonce, Wishes: []txn.Wish{w}}
		event, err := c.errand(ctx, txn.Op{Kind: txn.OpAppend, Log: log, Gen: gen, Segment: segment})
		if err != nil {
			return err
		}
		switch e := event.(type) {
		case txn.MultiDone:
			return nil
		case txn.MultiFailed:
			if e.Err != txn.OpErrClosed {
				return fmt.Errorf("append to the inbox: error %d: %w", e.Err, txn.ErrUnavailable)
			}
			gen++
		case txn.MultiLost:
			if !e.Unsent {
				return nil
			}
			if !sleep(ctx, wishLook) {
				return txn.ErrUnavailable
			}
		}
	}
}

// errand does one multi and gives its answer: MultiDone, MultiFailed or MultiLost. Its error says that the answer was not waited for.
func (c *Coordinator) errand(ctx context.Context, ops ...txn.Op) (txn.Event, error) {
	answers := make(chan txn.Event, 1)
	c.box.put(letter{call: func() { c.port.multi(func(e txn.Event) { answers <- e }, ops...) }})
	select {
	case e := <-answers:
		return e, nil
	case <-ctx.Done():
		return txn.MultiLost{}, nil
	case <-c.ended:
		return nil, txn.ErrUnavailable
	}
}

// awaitWish gives the site's answer, or WishNone where it did not come in time.
func (c *Coordinator) awaitWish(ctx context.Context, site, nonce string) txn.WishResult {
	for {
		applied, err := c.applied(ctx, site)
		if err != nil {
			return txn.WishNone
		}
		for _, a := range applied.Answers {
			if a.Nonce == nonce {
				return a.Result
			}
		}
		if !sleep(ctx, wishLook) {
			return txn.WishNone
		}
	}
}

// applied reads what the site says of itself in the log.
func (c *Coordinator) applied(ctx context.Context, site string) (txn.Applied, error) {
	var a txn.Applied
	data, _, err := c.driver.get(ctx, c.driver.path(txn.AppliedPath(site)))
	if err == nil {
		err = json.Unmarshal(data, &a)
	}
	if err != nil {
		return a, fmt.Errorf("read what the site has applied: %w", err)
	}
	return a, nil
}

func branchOf(t *txn.Transaction, participant string) *txn.Branch {
	for i := range t.Branches {
		if t.Branches[i].Participant == participant {
			return &t.Branches[i]
		}
	}
	return nil
}

func decisionOf(t *txn.Transaction) txn.Verdict {
	switch {
	case !t.State.Decided():
		return txn.VerdictNone
	case t.State.Commit():
		return txn.VerdictCommit
	}
	return txn.VerdictAbort
}

// lost tells whether the branch may be one that its site cannot finish because its database has lost it (R7): it holds up the
// transaction until an operator takes note of that, by force.
func lost(b *txn.Branch) bool { return b.Outcome == txn.OutcomeHeuristicRollback && b.Finished == nil }

// endedAs tells how a branch ended; VerdictNone: it has not.
func endedAs(o txn.Outcome) txn.Verdict {
	switch o {
	case txn.OutcomeCommitted, txn.OutcomeHeuristicCommit:
		return txn.VerdictCommit
	case txn.OutcomeRolledBack, txn.OutcomeHeuristicRollback:
		return txn.VerdictAbort
	}
	return txn.VerdictNone
}
