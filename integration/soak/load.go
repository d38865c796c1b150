package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/medcommit/medcommit/txn"
)

// load hands transactions in, so many at once, and counts what became of them.
type load struct {
	c    *cluster
	next atomic.Int64
	work []byte

	mu     sync.Mutex
	counts map[string]int
}

func newLoad(c *cluster, _ settings) *load {
	return &load{c: c, work: payload("k"), counts: map[string]int{}}
}

// run does n transactions; in the middle of them a participant is killed and comes back, and a coordinator comes and goes.
func (l *load) run(ctx context.Context, n int, m *meter) error {
	g, ctx := errgroup.WithContext(ctx)
	var left atomic.Int64
	left.Store(int64(n))
	half := make(chan struct{})
	began := time.Now()
	for range l.c.settings.clients {
		g.Go(func() error {
			for {
				i := left.Add(-1)
				if i < 0 {
					return nil
				}
				if i == int64(n/2) {
					close(half)
				}
				if err := l.one(ctx, began, int64(n)-i); err != nil {
					return err
				}
			}
		})
	}
	g.Go(func() error {
		select {
		case <-half:
			return m.restarts(ctx)
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	return g.Wait()
}

// one does a transaction; where it is refused for a site that is just starting, or for a history that is full, it is handed in again.
func (l *load) one(ctx context.Context, began time.Time, i int64) error {
	if rate := l.c.settings.rate; rate > 0 {
		due := began.Add(time.Duration(i) * time.Second / time.Duration(rate))
		if !sleep(ctx, time.Until(due)) {
			return ctx.Err()
		}
	}
	h := txn.Handed{
		ID: fmt.Sprintf("tx-%d", l.next.Add(1)), Digest: "d", Timeout: shortTimeout,
		Branches: []txn.HandedBranch{{Participant: workA, Payload: l.work}, {Participant: workB, Payload: l.work}},
	}
	state, err := l.c.submit(ctx, h)
	if err == nil {
		l.count(state)
	}
	return err
}

// submit hands a transaction in until it is taken.
func (c *cluster) submit(ctx context.Context, h txn.Handed) (txn.State, error) {
	for {
		t, err := c.gen.Submit(ctx, h)
		switch {
		case err == nil:
			return t.State, nil
		case errors.Is(err, txn.ErrPerhaps):
			return txn.StatePreparing, nil
		}
		if !sleep(ctx, 10*time.Millisecond) {
			return 0, ctx.Err()
		}
	}
}

func (l *load) count(s txn.State) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.counts[s.String()]++
}

func (l *load) outcomes() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return fmt.Sprint(l.counts)
}

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
