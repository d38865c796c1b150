package main

import (
	"context"
	"fmt"
	"os"
	"runtime/pprof"
	"sync/atomic"

	"github.com/medcommit/medcommit/cmd/medcommit/load"
)

// cluster measures every number of clients on one cluster.
func (s *settings) cluster(ctx context.Context, round, zooKeepers, sites int, via string) error {
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
	var next atomic.Int64 // of all measurements on this cluster: an id that was used before means what it meant then
	for _, clients := range s.clients {
		var taken []costs
		result, err := load.Run(ctx, load.Config{
			Clients: clients, Warmup: s.warmup, Duration: s.duration, Transactions: s.transactions,
			Do:      func(ctx context.Context, _ int, _ int64) error { return w.submit(ctx, next.Add(1)) },
			Measure: func() { taken = append(taken, c.costs(ctx)); s.profiling(len(taken) == 1) },
		})
		if err != nil {
			return fmt.Errorf("%d clients: %w", clients, err)
		}
		cost, err := taken[1].since(taken[0], float64(result.Done))
		if err != nil {
			return err
		}
		row(round, zooKeepers, sites, via, &result, &cost)
	}
	return nil
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
