package load

import (
	"slices"
	"time"
)

// Result is what a measurement gave.
type Result struct {
	Clients int     `json:"clients"`
	Seconds float64 `json:"seconds"`
	// Done counts what was done, and Failed, by reason, what was not.
	Done   int64            `json:"done"`
	Failed map[string]int64 `json:"failed,omitempty"`
	// PerSecond is the rate of what was done.
	PerSecond float64 `json:"per_second"`
	// The latencies of what was done, in milliseconds.
	P50  float64 `json:"p50_ms"`
	P99  float64 `json:"p99_ms"`
	P999 float64 `json:"p999_ms"`
}

func (r *run) result() Result {
	all := slices.Concat(r.took...)
	slices.Sort(all)
	failed := map[string]int64{}
	for _, reasons := range r.reasons {
		for reason, n := range reasons {
			failed[reason] += n
		}
	}
	return Result{
		Clients: r.Clients, Seconds: r.elapsed.Seconds(), Done: int64(len(all)), Failed: failed,
		PerSecond: float64(len(all)) / r.elapsed.Seconds(),
		P50:       percentile(all, 0.5), P99: percentile(all, 0.99), P999: percentile(all, 0.999),
	}
}

// percentile gives the smallest value that at least the share q of all are not above, in milliseconds; zero where there are none.
func percentile(sorted []time.Duration, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	at := int(q*float64(len(sorted))+0.9999999) - 1
	return float64(sorted[min(max(at, 0), len(sorted)-1)].Microseconds()) / 1000
}
