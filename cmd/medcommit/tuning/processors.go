package tuning

import (
	"context"
	"os"
	"runtime"
	"syscall"
	"time"
)

// How often it is looked at how many processors the process needs; with less than fewBelow of one it runs on one, with more than
// manyAbove of one it may use all.
const (
	processorsEvery = 100 * time.Millisecond
	fewBelow        = 0.3
	manyAbove       = 0.5
)

// Processors has Go run the process on one processor while it needs only a part of one, until ctx ends. Where there are more, each
// goroutine that becomes ready has the runtime wake another thread to look for it, which finds the work done, or takes it to where
// its memory is not: for a process that is woken hundreds of times a second that was a third of its switches, and a sixth of its
// CPU time (BENCHMARKS.md). It is not for a process that sits in system calls, as a store does that waits for its disk: what else
// it has to do would wait as well, until the runtime's monitor sees it. Where the environment sets GOMAXPROCS, it does nothing.
func Processors(ctx context.Context) {
	if os.Getenv("GOMAXPROCS") != "" || runtime.NumCPU() == 1 {
		return
	}
	defer runtime.SetDefaultGOMAXPROCS()
	tick := time.NewTicker(processorsEvery)
	defer tick.Stop()
	used, at, few := cpuTime(), time.Now(), false
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		now, t := cpuTime(), time.Now()
		needs := float64(now-used) / float64(t.Sub(at))
		used, at = now, t
		switch {
		case !few && needs < fewBelow:
			few = true
			runtime.GOMAXPROCS(1)
		case few && needs > manyAbove:
			few = false
			runtime.SetDefaultGOMAXPROCS()
		}
	}
}

// cpuTime is what the process has used.
func cpuTime() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
