package bench

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/medcommit/medcommit/cmd/medcommit/load"
)

// Report is what "medcommit bench" gives with -o json.
type Report struct {
	Workload string `json:"workload"`
	load.Result
	// Proposals is how many of ZooKeeper's proposals a transaction took; absent where no server was named.
	Proposals *float64 `json:"zookeeper_proposals_per_transaction,omitempty"`
	// CPU is the CPU time that a transaction took, in microseconds, by process: what each says of itself at /metrics.
	CPU map[string]float64 `json:"cpu_microseconds_per_transaction,omitempty"`
	// Conserved tells that the sums at the end are those of the beginning.
	Conserved bool `json:"conserved"`
}

// Text writes the report for people.
func (r *Report) Text(w io.Writer) {
	fmt.Fprintf(w, "%s, %d clients, %.1f s: %.0f committed a second; p50 %.2f ms, p99 %.2f ms, p99.9 %.2f ms\n",
		r.Workload, r.Clients, r.Seconds, r.PerSecond, r.P50, r.P99, r.P999)
	for _, reason := range slices.Sorted(maps.Keys(r.Failed)) {
		fmt.Fprintf(w, "  aborted for %s: %d\n", reason, r.Failed[reason])
	}
	if r.Proposals != nil {
		fmt.Fprintf(w, "  ZooKeeper: %.3f proposals a transaction\n", *r.Proposals)
	}
	if len(r.CPU) > 0 {
		var parts []string
		for _, name := range slices.Sorted(maps.Keys(r.CPU)) {
			parts = append(parts, fmt.Sprintf("%s %.0f µs", name, r.CPU[name]))
		}
		fmt.Fprintf(w, "  CPU time a transaction: %s\n", strings.Join(parts, ", "))
	}
	if r.Conserved {
		fmt.Fprintln(w, "  the sums are conserved")
	} else {
		fmt.Fprintln(w, "  THE SUMS ARE NOT CONSERVED")
	}
}
