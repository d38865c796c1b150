package zkcoord

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/medcommit/medcommit/txn"
)

// queryPatience bounds a question to ZooKeeper: while the connection is suspended there is no answer.
const queryPatience = 10 * time.Second

// catchUpPatience is how long a question waits for what is newer than what is known.
const catchUpPatience = time.Second

// finding is what an id was found to mean.
type finding struct {
	view   txn.Transaction
	digest string
}

// Transaction gives the transaction that id means, or ErrNotFound: unknown, never "aborted". A decision that another coordinator has
// answered with is seen here too.
func (c *Coordinator) Transaction(ctx context.Context, id string) (txn.Transaction, error) {
	found, err := c.find(ctx, id)
	if err != nil {
		return txn.Transaction{}, fmt.Errorf("find the transaction: %w", err)
	}
	if !found.view.State.Decided() {
		if newer, err := c.lookAfresh(ctx, id); err == nil {
			found = newer
		}
	}
	return found.view, nil
}

// lookAfresh catches up before it looks, where that takes not too long.
func (c *Coordinator) lookAfresh(ctx context.Context, id string) (finding, error) {
	ctx, cancel := context.WithTimeout(ctx, catchUpPatience)
	defer cancel()
	if err := c.catchUp(ctx); err != nil {
		return finding{}, err
	}
	return c.look(ctx, id)
}

// find finds what id means. Whoever concludes from absence completes a write first (R6), so that a transaction that another
// coordinator took in and answered for is found here too.
func (c *Coordinator) find(ctx context.Context, id string) (finding, error) {
	ctx, cancel := context.WithTimeout(ctx, queryPatience)
	defer cancel()
	if !c.synced.Load() {
		return finding{}, txn.ErrUnavailable
	}
	c.noteQuestion()
	found, err := c.look(ctx, id)
	if !errors.Is(err, txn.ErrNotFound) {
		return found, err
	}
	if err := c.catchUp(ctx); err != nil {
		return finding{}, err
	}
	return c.look(ctx, id)
}

// look finds what id means by what was read so far. Where an entry of history is gone meanwhile, its ids are forgotten, and may mean
// something else.
func (c *Coordinator) look(ctx context.Context, id string) (finding, error) {
	for {
		found, gone, err := c.lookOnce(ctx, id)
		if !errors.Is(err, errGone) {
			return found, err
		}
		c.box.put(letter{event: txn.ChapterGone{Chapter: gone}})
	}
}

// lookOnce gives, with errGone, the entry of history that is not there any more.
func (c *Coordinator) lookOnce(ctx context.Context, id string) (finding, txn.Pos, error) {
	var found finding
	var chapter txn.Pos
	where := txn.FoundNowhere
	err := c.ask(ctx, func() { found.view, found.digest, chapter, where = c.machine.Lookup(id) })
	switch {
	case err != nil:
		return finding{}, chapter, err
	case where == txn.FoundLive:
		return found, chapter, nil
	case where == txn.FoundNowhere:
		return finding{}, chapter, txn.ErrNotFound
	}
	past, err := c.chapter(ctx, chapter)
	if err != nil {
		return finding{}, chapter, err
	}
	for i := range past {
		if past[i].Submission.ID == id {
			found = finding{past[i].View(c.cluster), past[i].Submission.Digest}
			return found, chapter, c.ask(ctx, func() { c.machine.Amend(&found.view) })
		}
	}
	return finding{}, chapter, txn.ErrNotFound
}

// catchUp reads the logs to their ends after a write of one's own. Those who ask while it is under way share the next one.
func (c *Coordinator) catchUp(ctx context.Context) error {
	w := make(chan error, 1)
	c.box.put(letter{call: func() { c.catching.join(w) }})
	select {
	case err := <-w:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-c.ended:
		return txn.ErrUnavailable
	}
}
