//go:build !linux

package tuning

import "time"

const (
	monitorSlack = 0
	idleSlack    = 0
)

func drowsyMonitor(time.Duration) {}
