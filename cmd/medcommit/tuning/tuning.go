// Package tuning fits Go's runtime to processes that are woken hundreds of times a second to do a little each time.
package tuning

// Runtime tunes the process. Call it once, before the work begins.
func Runtime() {
	roomyHeap()
	drowsyMonitor(monitorSlack)
}
