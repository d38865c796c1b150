// Package tuning fits Go's runtime to processes that are woken hundreds of times a second to do a little each time.
package tuning

import "time"

// monitorSlack is by how much the runtime's monitor may oversleep, and idleSlack by how much while the process has little to do.
const (
	monitorSlack = 500 * time.Microsecond
	idleSlack    = 20 * time.Millisecond
)

// Runtime tunes the process. Call it once, before the work begins.
func Runtime() {
	roomyHeap()
	drowsyMonitor(monitorSlack)
}
