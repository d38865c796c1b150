package load

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// clockTicks is how many ticks of /proc's CPU times make a second: on Linux always 100.
const clockTicks = 100

// CPU gives the CPU seconds that a process of this machine has used, its threads included; with children, also those of its
// living descendants: a PostgreSQL server's backends.
func CPU(pid int, children bool) (float64, error) {
	seconds, err := ownCPU(pid)
	if err != nil || !children {
		return seconds, err
	}
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		return 0, fmt.Errorf("list the children of %d: %w", pid, err)
	}
	for _, list := range lists {
		text, err := os.ReadFile(list)
		if err != nil {
			continue // the thread has ended
		}
		for _, word := range strings.Fields(string(text)) {
			child, err := strconv.Atoi(word)
			if err != nil {
				continue
			}
			if more, err := CPU(child, true); err == nil { // else it has ended
				seconds += more
			}
		}
	}
	return seconds, nil
}

// ownCPU adds what children have used that have ended and were waited for.
func ownCPU(pid int) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, fmt.Errorf("read the CPU time of process %d: %w", pid, err)
	}
	// The command, in parentheses, may hold anything. Fields 14 to 17 are utime, stime, cutime and cstime; 3 is the first after it.
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	ticks := 0
	for _, i := range []int{14, 15, 16, 17} {
		if i-3 >= len(fields) {
			return 0, fmt.Errorf("read the CPU time of process %d: %w", pid, os.ErrInvalid)
		}
		n, err := strconv.Atoi(fields[i-3])
		if err != nil {
			return 0, fmt.Errorf("read the CPU time of process %d: %w", pid, err)
		}
		ticks += n
	}
	return float64(ticks) / clockTicks, nil
}

// Resident gives a process's resident memory in bytes.
func Resident(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0, fmt.Errorf("read the memory of process %d: %w", pid, err)
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0, fmt.Errorf("read the memory of process %d: %w", pid, os.ErrInvalid)
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read the memory of process %d: %w", pid, err)
	}
	return pages * int64(os.Getpagesize()), nil
}
