package sim

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

var (
	schedules = flag.Int("sim.schedules", 100_000, "how many random schedules to run")
	seed      = flag.Uint64("sim.seed", 1, "the seed of the first of them")
	mutants   = flag.Int("sim.mutants", 40_000, "how many random schedules may look for the loss of a rule that is switched off")
	tracePath = flag.String("sim.trace", "", "the file to which the first schedule that fails is written, instead of the test's output")
)

// TestSchedules runs random schedules, each of which must keep every promise and come to its end.
func TestSchedules(t *testing.T) {
	n := *schedules
	if testing.Short() {
		n = min(n, 5_000)
	}
	if f := search(*seed, n, noMutation); f != nil {
		t.Fatal(report(t, f))
	}
}

// TestRepeatable runs schedules twice: a seed is a schedule, or a failure could not be looked at.
func TestRepeatable(t *testing.T) {
	for s := *seed; s < *seed+200; s++ {
		one, two := newSchedule(s, noMutation, true), newSchedule(s, noMutation, true)
		one.run()
		two.run()
		if !slices.Equal(one.log, two.log) {
			for i := range min(len(one.log), len(two.log)) {
				if one.log[i] != two.log[i] {
					t.Fatalf("seed %d differs at line %d:\n%s\n%s", s, i, one.log[i], two.log[i])
				}
			}
			t.Fatalf("seed %d: %d lines, then %d", s, len(one.log), len(two.log))
		}
	}
}

// BenchmarkSchedules tells how long a schedule takes.
func BenchmarkSchedules(b *testing.B) {
	for i := range b.N {
		if f := Run(uint64(i) + 1); f != nil {
			b.Fatal(f)
		}
	}
}

// search runs schedules on all processors and gives the first failure, in the order of the seeds as far as they ran.
func search(first uint64, n int, m mutation) *Failure {
	var next atomic.Int64
	var found atomic.Pointer[Failure]
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(n) && found.Load() == nil; i = next.Add(1) - 1 {
				if f := runMutated(first+uint64(i), m, false); f != nil {
					found.CompareAndSwap(nil, f)
				}
			}
		})
	}
	wg.Wait()
	return found.Load()
}

// report shows a failing schedule.
func report(t *testing.T, f *Failure) string {
	shown := Show(f.Seed)
	if shown == nil {
		return fmt.Sprintf("seed %d: %s (and not when it was run again: a machine is not deterministic)", f.Seed, f.Text)
	}
	trace := strings.Join(shown.Trace, "\n")
	if *tracePath != "" {
		if err := os.WriteFile(*tracePath, []byte(trace), 0o644); err != nil {
			t.Error(err)
		}
		trace = "it is written to " + *tracePath
	}
	return fmt.Sprintf("seed %d: %s\n%s\nrun it again: go test ./txn/sim -run TestSchedules -sim.schedules 1 -sim.seed %d", f.Seed, f.Text, trace, f.Seed)
}
