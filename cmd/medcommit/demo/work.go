package demo

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/medcommit/medcommit/txn"
)

// submitter hands a transaction in and gives it as it was decided. Asking again under the same id is always safe: an error means
// that the outcome is not known yet.
type submitter interface {
	Submit(ctx context.Context, r txn.Request) (txn.Transaction, error)
}

// outcome is what a client was told of one transaction.
type outcome struct {
	id        string
	step      step
	committed bool
	reason    *txn.Reason
	at        time.Time
}

// workload runs courses side by side, and keeps what its clients were told.
type workload struct {
	client  submitter
	clients int
	pause   time.Duration // between two transactions of one client
	told    func(outcome) // for the progress

	mu       sync.Mutex
	outcomes []outcome
	retried  int
	wrong    []string
}

// run works off the courses; each one's steps come one after the other.
func (w *workload) run(ctx context.Context, name string, courses []course) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(w.clients)
	for i, c := range courses {
		g.Go(func() error {
			for n, s := range c {
				if err := w.step(ctx, fmt.Sprintf("%s-%d-%d", name, i, n), s); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return g.Wait()
}

// step carries one step to its end: an abort for a passing reason is tried again under a new id.
func (w *workload) step(ctx context.Context, name string, s step) error {
	for attempt := 1; ; attempt++ {
		t, err := w.decided(ctx, txn.Request{ID: fmt.Sprintf("%s-%d", name, attempt), Branches: s.branches})
		if err != nil {
			return err
		}
		o := outcome{id: t.ID, step: s, committed: t.State.Commit(), reason: t.Reason, at: time.Now()}
		again := !o.committed && t.Retryable != nil && *t.Retryable
		w.note(o, again)
		if !again {
			return wait(ctx, w.pause)
		}
		if err := wait(ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
}

// decided asks until the outcome is known, under the one id.
func (w *workload) decided(ctx context.Context, r txn.Request) (txn.Transaction, error) {
	for {
		t, err := w.client.Submit(ctx, r)
		if err == nil && t.State.Decided() {
			return t, nil
		}
		if err := wait(ctx, 100*time.Millisecond); err != nil {
			return t, err
		}
	}
}

func (w *workload) note(o outcome, again bool) {
	w.mu.Lock()
	w.outcomes = append(w.outcomes, o)
	switch {
	case again:
		w.retried++
	case o.committed && o.step.aborts:
		w.wrong = append(w.wrong, fmt.Sprintf("%s (%s) had to abort, and was committed", o.id, o.step.name))
	case !o.committed && !o.step.aborts:
		w.wrong = append(w.wrong, fmt.Sprintf("%s (%s) had to be committed, and was aborted: %v", o.id, o.step.name, o.reason.Code))
	}
	w.mu.Unlock()
	w.told(o)
}

// felt is the longest time after from in which no transaction that concerns site (empty: any) was decided.
func (w *workload) felt(from time.Time, site string) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	var longest time.Duration
	last := from
	for _, o := range w.outcomes { // in the order of their times
		if o.at.Before(from) || !o.concerns(site) {
			continue
		}
		longest = max(longest, o.at.Sub(last))
		last = o.at
	}
	return longest
}

func (o outcome) concerns(site string) bool {
	for _, b := range o.step.branches {
		if site == "" || b.Participant == site {
			return true
		}
	}
	return false
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
