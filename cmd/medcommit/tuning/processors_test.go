package tuning

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestProcessorsFollowTheNeed: one while there is little to do, all while there is much, and all afterwards.
func TestProcessorsFollowTheNeed(t *testing.T) {
	t.Setenv("GOMAXPROCS", "")
	all := runtime.GOMAXPROCS(0)
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	group.Go(func() { Processors(ctx) })
	defer group.Wait()
	defer cancel()
	for range 2 {
		awaitProcessors(t, "an idle process", 1)
		var busy atomic.Bool
		busy.Store(true)
		group.Go(func() {
			for busy.Load() {
				runtime.Gosched()
			}
		})
		awaitProcessors(t, "a busy process", all)
		busy.Store(false)
	}
	awaitProcessors(t, "an idle process", 1)
	cancel()
	awaitProcessors(t, "a process that ends", all)
}

func TestProcessorsLeavesWhatTheEnvironmentSays(t *testing.T) {
	t.Setenv("GOMAXPROCS", "2")
	Processors(t.Context()) // else it would not return
}

// awaitProcessors waits until Go runs on so many.
func awaitProcessors(t *testing.T, what string, want int) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for runtime.GOMAXPROCS(0) != want {
		if time.Now().After(deadline) {
			t.Fatalf("%s runs on %d processors, not on %d", what, runtime.GOMAXPROCS(0), want)
		}
		time.Sleep(processorsEvery / 10)
	}
}
