//go:build !linux

package tuning

func drowsyMonitor() {}
