package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/medcommit/medcommit/cmd/medcommit/bench"
	"github.com/medcommit/medcommit/cmd/medcommit/load"
)

// costs are CPU seconds used so far, or, made by since, microseconds of a transaction.
type costs struct {
	databases, zookeeper, sites, coordinators, generator, proposals float64
}

// costs reads what the processes have used that do not tell themselves.
func (r *rig) costs() (c costs) {
	for _, s := range r.servers {
		used, err := load.CPU(s.PID(), true)
		if err == nil { // a server that is gone fails the measurement anyway
			c.databases += used
		}
	}
	if used, err := load.CPU(r.cluster.ZooKeeperPID(), true); err == nil {
		c.zookeeper = used
	}
	return c
}

// since makes a transaction's share of what was used between before and c. The servers' part includes the warm-up, at the same rate.
func (c costs) since(before costs, report *bench.Report, warmup time.Duration) costs {
	done := float64(report.Done) * (report.Seconds + warmup.Seconds()) / report.Seconds
	out := costs{databases: (c.databases - before.databases) / done * 1e6, zookeeper: (c.zookeeper - before.zookeeper) / done * 1e6}
	for name, used := range report.CPU {
		switch {
		case strings.HasPrefix(name, "site "):
			out.sites += used
		case strings.HasPrefix(name, "coordinator "):
			out.coordinators += used
		default:
			out.generator += used
		}
	}
	if report.Proposals != nil {
		out.proposals = *report.Proposals
	}
	return out
}

func profile(clients int, spent []costs) string {
	of := func(f func(costs) float64) float64 { return median(spent, f) }
	return fmt.Sprintf("| %d | %.0f | %.0f | %.0f | %.0f | %.0f | %.3f |", clients,
		of(func(c costs) float64 { return c.databases }), of(func(c costs) float64 { return c.sites }), of(func(c costs) float64 { return c.coordinators }),
		of(func(c costs) float64 { return c.zookeeper }), of(func(c costs) float64 { return c.generator }), of(func(c costs) float64 { return c.proposals }))
}
