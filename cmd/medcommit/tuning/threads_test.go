package tuning

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestThreadsFollowTheNeed: one while there is little to do, all while there is much, and all afterwards.
func TestThreadsFollowTheNeed(t *testing.T) {
	t.Setenv("GOMAXPROCS", "")
	all := runtime.GOMAXPROCS(0)
	var group sync.WaitGroup
	defer group.Wait()
	cancel := startThreads(t)
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

func TestThreadsLeavesWhatTheEnvironmentSays(t *testing.T) {
	t.Setenv("GOMAXPROCS", "2")
	all := runtime.GOMAXPROCS(0)
	startThreads(t)
	for range 30 { // some while with little to do
		time.Sleep(threadsEvery / 10)
		if now := runtime.GOMAXPROCS(0); now != all {
			t.Fatalf("it runs on %d processors, not on %d", now, all)
		}
	}
}

// startThreads runs Threads until the end of the test, or of what it gives.
func startThreads(t *testing.T) (cancel context.CancelFunc) {
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	group.Go(func() { Threads(ctx) })
	t.Cleanup(func() {
		cancel()
		group.Wait()
	})
	return cancel
}

// awaitProcessors waits until Go runs on so many.
func awaitProcessors(t *testing.T, what string, want int) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for runtime.GOMAXPROCS(0) != want {
		if time.Now().After(deadline) {
			t.Fatalf("%s runs on %d processors, not on %d", what, runtime.GOMAXPROCS(0), want)
		}
		time.Sleep(threadsEvery / 10)
	}
}
