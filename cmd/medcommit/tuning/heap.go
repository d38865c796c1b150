package tuning

import (
	"os"
	"runtime"
)

// reserve is how much more is allocated between two collections than the live heap, in bytes.
const reserve = 32 << 20

// ballast is never touched: it takes address space, and no memory.
var ballast []byte

// roomyHeap makes a process whose live heap is a few MiB collect garbage after every reserve of allocation, where Go would after every
// 4 MiB: under load that was dozens of collections a second, each of which scans, and shrinks, the stacks of thousands of goroutines.
// The process takes at most about reserve more of memory for it, however large its live heap becomes, which a larger GOGC could
// not promise. Where the environment sets GOGC or GOMEMLIMIT, it does nothing.
func roomyHeap() {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	ballast = make([]byte, reserve)
	runtime.KeepAlive(ballast)
}
