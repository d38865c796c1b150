package main

import (
	"context"
	"math/rand/v2"

	"github.com/medcommit/medcommit/txn"
)

// layout is what a workload needs at the sites.
type layout interface {
	// tables is the DDL and the first rows at a site with an SQL database, one statement each.
	tables(k kind) []string
	// operations are the entries of a site's catalogue, YAML below "operations:", indented by two blanks.
	operations(k kind) string
}

// workload is one sort of work that clients do, and what the auditor makes of it. Its methods but next are called by one goroutine.
type workload interface {
	layout
	// opening are transactions that must commit before the first fault.
	opening() []txn.Request
	// next is what a client does next; several clients ask at once, each with its own r.
	next(r *rand.Rand) job
	// audit compares the sites, which nobody works on, with what clients were told, and gives what is wrong.
	audit(ctx context.Context, sites []*site, l *ledger) ([]string, error)
}

// job is one transaction before it has an id.
type job struct {
	of       workload
	kind     string // for the table at the end
	branches []txn.BranchRequest
	effects  []effect
}

// effect is what a committed transaction leaves at a site.
type effect struct {
	site   string
	item   string
	amount int64
}

// layouts are those of the workloads and of the lists.
func layouts() []layout {
	all := []layout{listLayout{}}
	for _, w := range workloads() {
		all = append(all, w)
	}
	return all
}

func workloads() []workload { return []workload{newHospital()} }
