package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// fault is one sort of trouble.
type fault struct {
	name   string
	weight int // how often it is chosen, among the others
	// aim chooses what is struck; nil where there is nothing to strike now.
	aim func(ctx context.Context, c *cluster, r *rand.Rand) *strike
	// length is how long it lasts at least and at most.
	shortest, longest time.Duration
}

// strike is a fault that has found its target.
type strike struct {
	targets []string // what another strike must leave alone meanwhile
	do      func() error
	heal    func(ctx context.Context) error
}

// planned is a fault of a round: what follows from the seed alone.
type planned struct {
	fault  fault
	after  time.Duration // from the round's begin
	length time.Duration
	seed   uint64 // of its aim
}

// How a round is made up.
const (
	mostStrikes = 4
	spread      = 4 * time.Second // in which they begin
)

// plan makes up the n-th round of a seed.
func plan(seed uint64, n int, faults []fault) []planned {
	r := rand.New(rand.NewPCG(seed, uint64(n)))
	total := 0
	for _, f := range faults {
		total += f.weight
	}
	var round []planned
	for range 1 + r.IntN(mostStrikes) {
		at := r.IntN(total)
		for _, f := range faults {
			if at -= f.weight; at >= 0 {
				continue
			}
			length := f.shortest
			if f.longest > f.shortest {
				length += time.Duration(r.Int64N(int64(f.longest - f.shortest)))
			}
			round = append(round, planned{fault: f, after: time.Duration(r.Int64N(int64(spread))), length: length, seed: r.Uint64()})
			break
		}
	}
	return round
}

// nemesis strikes.
type nemesis struct {
	cluster *cluster
	report  *report

	mu   sync.Mutex
	held map[string]bool
}

// round strikes as planned, and returns when everything is healed. Its error is a healing that failed: the run cannot go on.
func (n *nemesis) round(ctx context.Context, plan []planned) error {
	failed := make([]error, len(plan))
	var group sync.WaitGroup
	for i, p := range plan {
		group.Go(func() { failed[i] = n.strike(ctx, p) })
	}
	group.Wait()
	for _, err := range failed {
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (n *nemesis) strike(ctx context.Context, p planned) error {
	pause(ctx, p.after)
	if ctx.Err() != nil {
		return nil
	}
	s := p.fault.aim(ctx, n.cluster, rand.New(rand.NewPCG(p.seed, 0)))
	if s == nil || !n.hold(s.targets) {
		n.report.struck(p.fault.name, true)
		return nil
	}
	defer n.release(s.targets)
	n.report.struck(p.fault.name, false)
	n.report.note("%s: %v for %s", p.fault.name, s.targets, p.length.Round(10*time.Millisecond))
	err := s.do()
	if err == nil {
		pause(ctx, p.length)
	}
	healing, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	if healed := s.heal(healing); healed != nil {
		return fmt.Errorf("heal %s: %w", p.fault.name, healed)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", p.fault.name, err)
	}
	return nil
}

// hold takes targets for a strike, all or none.
func (n *nemesis) hold(targets []string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, t := range targets {
		if n.held[t] {
			return false
		}
	}
	for _, t := range targets {
		n.held[t] = true
	}
	return true
}

func (n *nemesis) release(targets []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, t := range targets {
		delete(n.held, t)
	}
}
