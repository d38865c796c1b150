package sim

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

var (
	schedules = flag.Int("sim.schedules", 100_000, "how many random schedules to run")
	mutants   = flag.Int("sim.mutants", 20_000, "how many random schedules may look for the loss of a rule")
	seed      = flag.Uint64("sim.seed", 1, "the seed of the first of them; with -sim.schedules 1 it is shown whatever it finds")
)

// TestSchedules runs random schedules, each of which must keep every promise and come to its end.
func TestSchedules(t *testing.T) {
	n := *schedules
	if testing.Short() {
		n = min(n, 5_000)
	}
	if f := search(*seed, n, noMutation, func(*Failure) bool { return true }); f != nil {
		t.Fatal(report(f))
	}
}

// search runs schedules on all processors and gives the first failure that is wanted, in the order of the seeds as far as they ran.
func search(first uint64, n int, m mutation, wanted func(*Failure) bool) *Failure {
	var next atomic.Int64
	var mu sync.Mutex
	var found *Failure
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for {
				i := next.Add(1) - 1
				mu.Lock()
				over := found != nil
				mu.Unlock()
				if over || i >= int64(n) {
					return
				}
				f := runMutated(first+uint64(i), m, false)
				if f == nil || !wanted(f) {
					continue
				}
				mu.Lock()
				if found == nil || f.Seed < found.Seed {
					found = f
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return found
}

// report shows a failing schedule.
func report(f *Failure) string {
	shown := Show(f.Seed)
	if shown == nil {
		return fmt.Sprintf("seed %d: %s (and not when it was run again: a machine is not deterministic)", f.Seed, f.Text)
	}
	if path := os.Getenv("SIM_TRACE"); path != "" {
		_ = os.WriteFile(path, []byte(strings.Join(shown.Trace, "\n")), 0o644)
	}
	return fmt.Sprintf("seed %d: %s\n%s\nseed %d: %s\nrun it again: go test ./txn/sim -run TestSchedules -sim.schedules 1 -sim.seed %d",
		f.Seed, f.Text, strings.Join(shown.Trace, "\n"), f.Seed, f.Text, f.Seed)
}
