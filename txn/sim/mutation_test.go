package sim

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
)

// TestMutations switches each rule off and wants random schedules to find the loss: a rule that no schedule misses is either
// superfluous or not tested.
func TestMutations(t *testing.T) {
	for m := noMutation + 1; m < mutations; m++ {
		t.Run(m.String(), func(t *testing.T) {
			f := search(*seed, *mutants, m, func(*Failure) bool { return true })
			if f == nil {
				t.Fatalf("%d schedules did not miss the rule", *mutants)
			}
			t.Logf("seed %d: %s", f.Seed, f.Text)
		})
	}
}

// census counts the schedules that miss a rule: those that lose something, and those that come to no end.
func census(t *testing.T, m mutation, n int) {
	var next, lost, stuck atomic.Int64
	var mu sync.Mutex
	var first *Failure
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := next.Add(1); i <= int64(n); i = next.Add(1) {
				f := runMutated(*seed+uint64(i), m, false)
				switch {
				case f == nil:
				case f.Stuck:
					stuck.Add(1)
				default:
					lost.Add(1)
					mu.Lock()
					if first == nil || f.Seed < first.Seed {
						first = f
					}
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	text := ""
	if first != nil {
		text = first.Text
	}
	t.Logf("%-24s of %d schedules %5d lose and %5d do not end; %s", m, n, lost.Load(), stuck.Load(), text)
}

func TestCensus(t *testing.T) {
	for m := noMutation; m < mutations; m++ {
		t.Run(m.String(), func(t *testing.T) { census(t, m, *mutants) })
	}
}
