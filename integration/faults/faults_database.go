package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
)

func anyDatabase(b func(s *site) *strike) aim {
	return func(_ context.Context, c *cluster, r *rand.Rand) *strike {
		var some []*site
		for _, s := range c.sites {
			if s.server != nil {
				some = append(some, s)
			}
		}
		return b(some[r.IntN(len(some))])
	}
}

func databaseKilled(s *site) *strike {
	return &strike{
		targets: []string{"database of " + s.name},
		do:      s.server.Kill,
		heal:    s.server.Start,
	}
}

// databaseStopped stops the server with all its processes, or none would notice but new connections.
func databaseStopped(s *site) *strike {
	var stopped []int
	return &strike{
		targets: []string{"database of " + s.name},
		do: func() error {
			stopped = append(childrenOf(s.server.PID()), s.server.PID())
			return signalAll(stopped, syscall.SIGSTOP)
		},
		heal: func(context.Context) error { return signalAll(stopped, syscall.SIGCONT) },
	}
}

func signalAll(pids []int, sig syscall.Signal) error {
	for _, pid := range pids {
		if err := syscall.Kill(pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("signal %d: %w", pid, err)
		}
	}
	return nil
}

// childrenOf lists the direct children of a process.
func childrenOf(parent int) []int {
	var children []int
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", parent)) // the pattern is well formed
	for _, list := range lists {
		text, err := os.ReadFile(list)
		if err != nil {
			continue // the thread has ended
		}
		children = append(children, numbers(string(text))...)
	}
	return children
}

// words that a database's requests of one step hold.
var steps = map[kind][]string{
	postgresSite: {"PREPARE TRANSACTION", "COMMIT PREPARED", "ROLLBACK PREPARED", "medcommit_site"},
	mariadbSite:  {"XA PREPARE", "XA COMMIT", "XA ROLLBACK", "medcommit_site"},
}

// databaseAnswers breaks a participant's connection to its database at one step, after the request has come there or before, and all
// others a moment later.
func databaseAnswers(_ context.Context, c *cluster, r *rand.Rand) *strike {
	s := c.sites[r.IntN(2)] // the third has no server
	step := steps[s.kind][r.IntN(len(steps[s.kind]))]
	before := r.IntN(3) == 0
	return &strike{
		targets: []string{"connections of " + s.name},
		do: func() error {
			if before {
				s.proxy.CutBefore(step)
			} else {
				s.proxy.Swallow(step)
			}
			return nil
		},
		heal: func(context.Context) error {
			s.proxy.CutBefore("")
			s.proxy.Swallow("")
			s.proxy.Cut()
			return nil
		},
	}
}

// diskFull fills the embedded store's disk to the last byte.
func diskFull(_ context.Context, c *cluster, _ *rand.Rand) *strike {
	for _, s := range c.sites {
		if s.disk == "" {
			continue
		}
		filler := filepath.Join(s.disk, "filler")
		return &strike{
			targets: []string{"disk of " + s.name},
			do:      func() error { return fill(filler) },
			heal:    func(context.Context) error { return os.Remove(filler) },
		}
	}
	return nil
}

// fill writes a file until there is no room.
func fill(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("fill the disk: %w", err)
	}
	defer f.Close()
	for size := 1 << 20; size > 0; {
		switch _, err := f.Write(make([]byte, size)); {
		case errors.Is(err, syscall.ENOSPC):
			size /= 2
		case err != nil:
			return fmt.Errorf("fill the disk: %w", err)
		}
	}
	return nil
}
