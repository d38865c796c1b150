package zkcoord

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/medcommit/medcommit/txn"
)

const (
	// abortPatience is how long an abort is tried: leaders change meanwhile.
	abortPatience = 10 * time.Second
	// abortTry is how long one try waits for the decision before the leader is asked again.
	abortTry = 500 * time.Millisecond
)

// Abort sees to it that the transaction is decided, to abort if it still can be, and gives it as the log then holds it; with
// ErrAlreadyDecided where it was decided to commit. ErrNoLeader says that it is not decided.
func (c *Coordinator) Abort(ctx context.Context, id string) (txn.Transaction, error) {
	t, err := c.abort(ctx, id)
	if err != nil {
		return t, fmt.Errorf("abort the transaction: %w", err)
	}
	if t.State.Commit() {
		return t, fmt.Errorf("abort the transaction: %w", txn.ErrAlreadyDecided)
	}
	return t, nil
}

func (c *Coordinator) abort(ctx context.Context, id string) (txn.Transaction, error) {
	patience, cancel := context.WithTimeout(ctx, abortPatience)
	defer cancel()
	for {
		found, err := c.find(ctx, id)
		if err != nil || found.view.State.Decided() {
			return found.view, err
		}
		if patience.Err() != nil {
			return found.view, txn.ErrNoLeader
		}
		try, stop := context.WithTimeout(ctx, abortTry)
		c.wishAbort(try, found.view.Key)
		t, err := c.follow(try, found.view.Key, txn.WaitDecision)
		stop()
		switch {
		case ctx.Err() != nil:
			return found.view, ctx.Err()
		case err == nil && t.State.Decided() && !isDuplicate(&t):
			return t, nil
		}
	}
}

// wishAbort tells the leader, here or elsewhere, that a client wants the abort of key. Whether it heard shows in the log.
func (c *Coordinator) wishAbort(ctx context.Context, key txn.Key) {
	leader := c.roster.Load()
	if leader.leads(c.cfg.ID) {
		c.box.put(letter{event: txn.AbortWish{Key: key}})
		return
	}
	if leader.leaderURL == "" {
		return
	}
	if err := c.forward(ctx, leader.leaderURL, key); err != nil {
		c.log.Info("abort could not be forwarded", "key", key, "leader", leader.leader, "error", err)
	}
}

func (c *Coordinator) forward(ctx context.Context, leader string, key txn.Key) error {
	target := leader + LeaderPath + "?abort=" + url.QueryEscape(string(key))
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, target, nil)
	if err != nil {
		return err
	}
	response, err := c.cfg.Client.Do(request)
	if err != nil {
		return err
	}
	response.Body.Close()
	if response.StatusCode != http.StatusAccepted {
		return fmt.Errorf("forward an abort: %w: status %d", txn.ErrNoLeader, response.StatusCode)
	}
	return nil
}
