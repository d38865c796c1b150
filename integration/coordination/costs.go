package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/medcommit/medcommit/cmd/medcommit/load"
)

// costs are what the processes have used so far.
type costs struct {
	err       error
	cpu       map[string]float64 // seconds by kind of process
	znodes    int64
	proposals int64
	resident  int64 // of the process that is the coordinator
}

// The kinds of processes.
const (
	generator = "generator"
	zooKeeper = "zookeeper"
	sitesKind = "sites"
)

func (c *cluster) costs(ctx context.Context) costs {
	k := costs{cpu: map[string]float64{}}
	add := func(kind string, pid int) {
		used, err := load.CPU(pid, false)
		k.cpu[kind] += used
		if err != nil {
			k.err = err
		}
	}
	add(generator, os.Getpid())
	coordinator := os.Getpid()
	for _, s := range c.zk {
		add(zooKeeper, s.PID())
	}
	for _, ch := range c.children {
		kind := ch.name
		if strings.HasPrefix(kind, "site-") {
			kind = sitesKind
		} else {
			coordinator = ch.cmd.Process.Pid
		}
		add(kind, ch.cmd.Process.Pid)
	}
	zk, err := load.AskZooKeeper(ctx, c.zk[0].Addr())
	if err != nil {
		k.err = err
	}
	k.znodes, k.proposals = zk.Znodes, zk.Proposals
	if k.resident, err = load.Resident(coordinator); err != nil {
		k.err = err
	}
	return k
}

// since gives what was used between before and k, for each of so many transactions; znodes and memory are as they are at k.
func (k costs) since(before costs, transactions float64) (perTransaction, error) {
	for _, err := range []error{before.err, k.err} {
		if err != nil {
			return perTransaction{}, err
		}
	}
	p := perTransaction{
		microseconds: map[string]float64{}, proposals: float64(k.proposals-before.proposals) / transactions,
		znodes: k.znodes, resident: k.resident,
	}
	for kind, used := range k.cpu {
		p.microseconds[kind] = (used - before.cpu[kind]) / transactions * 1e6
	}
	return p, nil
}

// perTransaction is what one transaction cost.
type perTransaction struct {
	microseconds map[string]float64 // of CPU time
	proposals    float64
	znodes       int64
	resident     int64
}

func heading() {
	fmt.Println("| ZooKeepers | sites | via | clients | tx/s | p50 ms | p99 ms | p99.9 ms | proposals/tx | CPU µs/tx: generator | coordinator | sites | ZooKeeper | znodes | coordinator MiB |")
	fmt.Println("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
}

func row(zooKeepers, sites int, via string, m *measured) {
	r, p := &m.result, &m.cost
	fmt.Printf("| %d | %d | %s | %d | %.0f | %.2f | %.2f | %.2f | %.3f | %.0f | %.0f | %.0f | %.0f | %d | %d |\n",
		zooKeepers, sites, via, r.Clients, r.PerSecond, r.P50, r.P99, r.P999, p.proposals,
		p.microseconds[generator], p.microseconds["coordinator"], p.microseconds[sitesKind], p.microseconds[zooKeeper], p.znodes, p.resident>>20)
}
