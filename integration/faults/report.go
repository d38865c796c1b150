package main

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"sync"
	"text/tabwriter"
	"time"
)

// report is what a run has found and done.
type report struct {
	options options
	began   time.Time

	mu         sync.Mutex
	violations []string
	strikes    map[string]*tally // by the fault's name
	rounds     int
	longest    time.Duration // from a healing to the last outcome
	rest       time.Duration // from there to an audit without a finding, at most
	ledger     *ledger
	lists      *appenders
}

// tally counts what a fault did.
type tally struct{ done, missed int }

func newReport(o options) *report {
	return &report{options: o, began: time.Now(), strikes: map[string]*tally{}}
}

// violate notes what must not be, and says it at once.
func (r *report) violate(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	v := fmt.Sprintf(format, args...)
	if slices.Contains(r.violations, v) {
		return // seen in an earlier round
	}
	r.violations = append(r.violations, v)
	fmt.Printf("VIOLATION in round %d: %s\n", r.rounds, v)
}

// struck counts a strike; one that found its target struck already is missed.
func (r *report) struck(name string, missed bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.strikes[name]
	if t == nil {
		t = &tally{}
		r.strikes[name] = t
	}
	if missed {
		t.missed++
	} else {
		t.done++
	}
}

// begin begins a round; left is the time of the run that is left.
func (r *report) begin(left time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rounds++
	fmt.Printf("round %d, %s left\n", r.rounds, left.Round(time.Second))
}

// note says what the nemesis does.
func (r *report) note(format string, args ...any) {
	fmt.Printf("  %6.1fs %s\n", time.Since(r.began).Seconds(), fmt.Sprintf(format, args...))
}

// settled notes how long the clients' last outcome took after the healing.
func (r *report) settled(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.longest = max(r.longest, d)
}

// rested notes how long it took until an audit found nothing.
func (r *report) rested(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rest = max(r.rest, d)
}

// checkLogs finds what no process may ever write.
func (r *report) checkLogs(c *cluster) {
	for _, p := range c.programs() {
		text, err := os.ReadFile(p.log)
		if err != nil {
			r.violate("the log of %s cannot be read: %v", p.name, err)
			continue
		}
		for line := range bytes.Lines(text) {
			if bytes.HasPrefix(line, []byte("panic:")) || bytes.HasPrefix(line, []byte("fatal error:")) {
				r.violate("%s: %s", p.name, bytes.TrimSpace(line))
			}
		}
	}
}

// print writes the tables and how to repeat the run.
func (r *report) print(w io.Writer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\nfault\tdone\tmissed\t")
	for _, name := range slices.Sorted(maps.Keys(r.strikes)) {
		fmt.Fprintf(t, "%s\t%d\t%d\t\n", name, r.strikes[name].done, r.strikes[name].missed)
	}
	if r.ledger != nil {
		fmt.Fprintln(t, "\ntransactions\tcommitted\taborted\trefused\tunknown\t")
		outcomes := r.ledger.outcomes()
		for _, k := range slices.Sorted(maps.Keys(outcomes)) {
			o := outcomes[k]
			fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t\n", k, o[toldCommitted], o[toldAborted], o[toldRefused], o[toldNothing])
		}
	}
	_ = t.Flush() // standard output
	if r.lists != nil {
		fmt.Fprintf(w, "\nlists: %s", r.lists.last)
	}
	fmt.Fprintf(w, "\n%d rounds in %s, each audited; at most %s from a healing to the last outcome, and %s from there to a clean audit\n",
		r.rounds, time.Since(r.began).Round(time.Second), r.longest.Round(100*time.Millisecond), r.rest.Round(100*time.Millisecond))
	repeat := fmt.Sprintf("make faults DURATION=%s SEED=%d", r.options.duration, r.options.seed)
	if len(r.violations) == 0 {
		fmt.Fprintf(w, "no violation; again with: %s\n", repeat)
		return
	}
	fmt.Fprintf(w, "%d VIOLATIONS; data, logs and the clients' ledger are in %s; again with: %s\n", len(r.violations), r.options.dir, repeat)
}
