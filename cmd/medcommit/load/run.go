package load

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Config is one measurement.
type Config struct {
	// Clients is how many pieces of work are under way at once. Default 1.
	Clients int
	// Warmup is how long the loop runs before it is measured.
	Warmup time.Duration
	// Duration is how long it is measured. Default 10 s; with Transactions, without a limit where it is zero.
	Duration time.Duration
	// Transactions ends the measurement after so many pieces of work; zero: Duration ends it.
	Transactions int64
	// Do does one piece of work: the n-th of all, by one of the clients. What it returns other than nil is counted as it is named
	// by Reason; an error that is not a Reason ends the measurement.
	Do func(ctx context.Context, client int, n int64) error
	// Measure is called when measuring begins and when it ends, for what else is to be compared. It may be nil.
	Measure func()
}

// Reason is why a piece of work was not done, where that is no failure of the measurement: counted, and not timed.
type Reason string

func (r Reason) Error() string { return string(r) }

// Run runs the loop and gives what was measured. Pieces of work that are under way when it ends are waited for and not counted.
func Run(ctx context.Context, c Config) (Result, error) {
	c.Clients = max(c.Clients, 1)
	if c.Duration == 0 && c.Transactions == 0 {
		c.Duration = 10 * time.Second
	}
	r := &run{Config: c, took: make([][]time.Duration, c.Clients), reasons: make([]map[string]int64, c.Clients)}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var group sync.WaitGroup
	for i := range c.Clients {
		r.reasons[i] = map[string]int64{}
		group.Go(func() {
			if err := r.client(ctx, i); err != nil {
				cancel(err)
			}
		})
	}
	r.measure(ctx, &group)
	if err := context.Cause(ctx); err != nil {
		return Result{}, fmt.Errorf("run the load: %w", err)
	}
	return r.result(), nil
}

type phase int32

const (
	warming phase = iota
	measuring
	over
)

type run struct {
	Config
	phase   atomic.Int32
	next    atomic.Int64 // of all pieces of work
	counted atomic.Int64 // begun while measuring
	took    [][]time.Duration
	reasons []map[string]int64
	elapsed time.Duration
}

func (r *run) measure(ctx context.Context, group *sync.WaitGroup) {
	pause(ctx, r.Warmup)
	r.call()
	begun := time.Now()
	r.phase.Store(int32(measuring))
	ended := make(chan struct{})
	go func() { group.Wait(); close(ended) }()
	limit := make(<-chan time.Time)
	if r.Duration > 0 {
		limit = time.After(r.Duration)
	}
	select {
	case <-limit:
	case <-ended:
	case <-ctx.Done():
	}
	r.phase.Store(int32(over))
	r.elapsed = time.Since(begun)
	r.call()
	<-ended
}

func (r *run) call() {
	if r.Measure != nil {
		r.Measure()
	}
}

// client does one piece of work after the other until the measurement is over.
func (r *run) client(ctx context.Context, i int) error {
	for ctx.Err() == nil {
		counts := phase(r.phase.Load()) == measuring
		if counts && r.Transactions > 0 && r.counted.Add(1) > r.Transactions {
			return nil
		}
		begun := time.Now()
		err := r.Do(ctx, i, r.next.Add(1))
		var reason Reason
		if err != nil && !errors.As(err, &reason) {
			return err
		}
		if phase(r.phase.Load()) == over {
			return nil
		}
		switch {
		case !counts:
		case err != nil:
			r.reasons[i][string(reason)]++
		default:
			r.took[i] = append(r.took[i], time.Since(begun))
		}
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
