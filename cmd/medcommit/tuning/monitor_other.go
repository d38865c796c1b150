//go:build !linux

package tuning

import "time"

func drowsyMonitor(time.Duration) {}
