package demo

import (
	"fmt"
	"sort"

	"github.com/medcommit/medcommit/txn"
)

// report prints what was done, felt and found.
func (r *run) report(f Findings) {
	committed, aborted := map[string]int{}, map[string]int{}
	total := 0
	for _, o := range r.load.outcomes {
		if o.committed {
			committed[o.step.name]++
			total++
		} else {
			aborted[o.step.name+": "+because(o.reason)]++
		}
	}
	out := r.cfg.Out
	fmt.Fprintf(out, "\nCommitted %d\n", total)
	lines(committed, func(name string, n int) { fmt.Fprintf(out, "  %-44s %5d\n", name, n) })
	fmt.Fprintf(out, "Aborted %d, at every site or none touched\n", len(r.load.outcomes)-total)
	lines(aborted, func(name string, n int) { fmt.Fprintf(out, "  %-44s %5d\n", name, n) })
	fmt.Fprintf(out, "\nThe leader %s was killed: no decision for %s. %s was killed: none of its transactions decided for %s.\n",
		r.leader.name, seconds(r.leader.felt), r.site.name, seconds(r.site.felt))
	fmt.Fprintf(out, "Audit of the three sites' own stores: %d transactions, %d units left the stock, %d were dispensed.\n",
		f.Checked, f.Stock, f.Dispensed)
	for i, fault := range f.Faults {
		if i == 20 {
			fmt.Fprintf(out, "  FAULT: and %d more\n", len(f.Faults)-i)
			break
		}
		fmt.Fprintf(out, "  FAULT: %s\n", fault)
	}
	if len(f.Faults) == 0 {
		fmt.Fprintln(out, "Every transaction is at all its sites or at none, and nothing is in doubt.")
	}
	for _, c := range r.cluster.Describe().Coordinators {
		fmt.Fprintf(out, "The API is at %s/v1/cluster (%s)\n", c.URL, c.ID)
	}
}

func because(r *txn.Reason) string {
	switch {
	case r == nil:
		return "aborted"
	case r.Detail != txn.DetailNone:
		return r.Detail.String() + " at " + r.Participant
	case r.Participant != "":
		return r.Code.String() + " at " + r.Participant
	}
	return r.Code.String()
}

func lines(counts map[string]int, print func(string, int)) {
	names := make([]string, 0, len(counts))
	for name := range counts {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		print(name, counts[name])
	}
}
