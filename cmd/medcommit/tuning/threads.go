package tuning

import (
	"context"
	"os"
	"runtime"
	"syscall"
	"time"
)

// How often it is looked at how much of a processor the process needs; with less than littleBelow it has little to do, with more than
// muchAbove it has much.
const (
	threadsEvery = 100 * time.Millisecond
	littleBelow  = 0.3
	muchAbove    = 0.5
)

// Threads has Go get along with few threads while the process needs only a part of one processor, until ctx ends: its monitor hardly
// wakes up, and it runs on one processor unless the environment sets GOMAXPROCS. Else each goroutine that becomes ready has the
// runtime wake another thread to look for it, which finds the work done, or takes it to where its memory is not; and the monitor is
// woken as often. For a process that is woken hundreds of times a second that was half of its switches, and a quarter of its CPU time
// (BENCHMARKS.md). It is not for a process that sits in system calls, as a store does that waits for its disk: what else it has to do
// would wait as well, until the monitor sees it.
func Threads(ctx context.Context) {
	processors := os.Getenv("GOMAXPROCS") == ""
	leave := func() {
		drowsyMonitor(monitorSlack)
		if processors {
			runtime.SetDefaultGOMAXPROCS()
		}
	}
	defer leave()
	tick := time.NewTicker(threadsEvery)
	defer tick.Stop()
	used, at, little := cpuTime(), time.Now(), false
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
		case !little && needs < littleBelow:
			little = true
			drowsyMonitor(idleSlack)
			if processors {
				runtime.GOMAXPROCS(1)
			}
		case little && needs > muchAbove:
			little = false
			leave()
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
