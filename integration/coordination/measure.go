package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"runtime/pprof"
	"slices"
	"sync/atomic"

	"github.com/medcommit/medcommit/cmd/medcommit/load"
)

// cluster measures every number of clients on one cluster.
func (s *settings) cluster(ctx context.Context, zooKeepers, sites int, via string) error {
	c, err := startCluster(ctx, zooKeepers, sites, s.profile)
	if err != nil {
		return err
	}
	defer c.stop()
	w, err := s.way(ctx, c, via)
	if err != nil {
		return err
	}
	defer w.stop()
	m := meter{settings: s, c: c, w: w}
	if s.settle > 0 {
		if _, err := load.Run(ctx, load.Config{Clients: slices.Max(s.clients), Duration: s.settle, Do: m.submit}); err != nil {
			return fmt.Errorf("before anything is measured: %w", err)
		}
	}
	for _, clients := range s.clients {
		var rounds []measured
		for range s.rounds {
			one, err := m.measure(ctx, clients)
			if err != nil {
				return fmt.Errorf("%d clients: %w", clients, err)
			}
			rounds = append(rounds, one)
		}
		slices.SortFunc(rounds, func(a, b measured) int { return cmp.Compare(a.result.PerSecond, b.result.PerSecond) })
		row(zooKeepers, sites, via, &rounds[len(rounds)/2])
	}
	return nil
}

// meter measures one cluster.
type meter struct {
	*settings
	c    *cluster
	w    way
	next atomic.Int64 // of all measurements: an id that was used before means what it meant then
}

// measured is one measurement.
type measured struct {
	result load.Result
	cost   perTransaction
}

func (m *meter) submit(ctx context.Context, _ int, _ int64) error {
	return m.w.submit(ctx, m.next.Add(1))
}

func (m *meter) measure(ctx context.Context, clients int) (measured, error) {
	var taken []costs
	result, err := load.Run(ctx, load.Config{
		Clients: clients, Warmup: m.warmup, Duration: m.duration, Transactions: m.transactions, Do: m.submit,
		Measure: func() { taken = append(taken, m.c.costs(ctx)); m.profiling(len(taken) == 1) },
	})
	if err != nil {
		return measured{}, err
	}
	cost, err := taken[1].since(taken[0], float64(result.Done))
	return measured{result, cost}, err
}

// profiling begins or ends this process's profile; that of the last measurement stays.
func (s *settings) profiling(begin bool) {
	switch {
	case s.profile == "":
	case !begin:
		pprof.StopCPUProfile()
	default:
		file, err := os.Create(s.profile)
		if err == nil {
			err = pprof.StartCPUProfile(file)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "coordination: profile:", err)
		}
	}
}
