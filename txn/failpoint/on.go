//go:build failpoints

package failpoint

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Before is called when the act of p is next. It does not return where the process is to die there.
func Before(p Point) {
	pass(p, SideBefore)
	pass(p, SideHeld)
}

// After is called when the act of p has succeeded. It does not return where the process is to die there.
func After(p Point) { pass(p, SideAfter) }

// trap is where the process is to die: at the left-th passing from now.
type trap struct {
	point Point
	side  Side
	left  atomic.Int64
}

var armed = sync.OnceValue(func() *trap {
	text, set := os.LookupEnv(Environment)
	if !set {
		return nil
	}
	t, err := parse(text)
	if err != nil {
		panic(Environment + ": " + err.Error())
	}
	return t
})

func parse(text string) (*trap, error) {
	where, times, counted := strings.Cut(text, ":")
	name, side, _ := strings.Cut(where, "/")
	p, s := slices.Index(names[:], name), slices.Index(sides[:], side)
	if p < 1 || s < 1 {
		return nil, fmt.Errorf("there is no failpoint %q", where)
	}
	t := &trap{point: Point(p), side: Side(s)}
	n := int64(1)
	if counted {
		var err error
		if n, err = strconv.ParseInt(times, 10, 64); err != nil || n < 1 {
			return nil, fmt.Errorf("%q is no number of times", times)
		}
	}
	t.left.Store(n)
	return t, nil
}

// heldFor is how long the rest of the process goes on while the act of a step is held.
const heldFor = 300 * time.Millisecond

func pass(p Point, s Side) {
	t := armed()
	if t == nil || t.point != p || t.side != s || t.left.Add(-1) != 0 {
		return
	}
	if s == SideHeld {
		time.Sleep(heldFor)
	}
	// One write: the line is whole, and the last of the log but for what other threads write in the same instant.
	fmt.Fprintf(os.Stderr, "%s\n", Died(p, s))
	if err := syscall.Kill(os.Getpid(), syscall.SIGKILL); err != nil {
		panic(err)
	}
	select {} // nothing more happens here until the signal is delivered
}
