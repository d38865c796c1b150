package tuning

import (
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"
)

// drowsyMonitor lets the runtime's monitor thread (sysmon) oversleep. Whenever a process is woken, that thread is too, and then looks every
// 20 µs for a while whether a goroutine has been running, or sits in a system call, for too long. For a process that has a little to do,
// hundreds of times a second, this was an eighth to a fifth of its CPU time (BENCHMARKS.md). What the monitor is for, goroutines
// that run for 10 ms, does not need that; what sits in a system call gives up its processor the later, by up to slack.
//
// The kernel wants CAP_SYS_NICE for another thread's slack: where the process has not got it, everything stays as it is.
func drowsyMonitor(slack time.Duration) {
	// The kernel offers this file for threads by their own number only, not below task/.
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/timerslack_ns", monitor()), []byte(strconv.FormatInt(slack.Nanoseconds(), 10)), 0)
}

// monitor is the first thread that the runtime starts: when the process begins, the one with the least number but for the main thread's,
// which is the process's. Later it need not be: numbers begin anew.
var monitor = sync.OnceValue(func() int {
	threads, _ := os.ReadDir("/proc/self/task")
	first := 0
	for _, t := range threads {
		tid, err := strconv.Atoi(t.Name())
		if err == nil && tid != os.Getpid() && (first == 0 || tid < first) {
			first = tid
		}
	}
	return first
})
