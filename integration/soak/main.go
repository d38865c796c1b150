// Command soak runs many transactions through a cluster of processes while one participant is away all the time, and prints, every
// so often, what must stay bounded: the memory of each process, the nodes in ZooKeeper, and the time that a participant, a new
// coordinator and a new leader need to read what there is. At the end the participant comes back and must finish what it left.
//
// The two participants that do all the work have a resource manager that does nothing, so that the coordination is what is seen;
// the one that is away is a real one, on the embedded store. The transactions come from a coordinator that this program embeds.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// settings are the command's flags.
type settings struct {
	exe          string
	transactions int
	every        int
	clients      int
	retention    time.Duration
	heapMB       int
	rate         int
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	run := soak
	if len(os.Args) > 1 && os.Args[1] == siteCommand {
		run = runSite
	}
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

func readSettings(args []string) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("soak", flag.ContinueOnError)
	flags.StringVar(&s.exe, "medcommit", "bin/medcommit", "the program whose commands are run")
	flags.IntVar(&s.transactions, "transactions", 2_000_000, "how many transactions")
	flags.IntVar(&s.every, "every", 100_000, "a line after so many transactions")
	flags.IntVar(&s.clients, "clients", 256, "how many at once")
	flags.DurationVar(&s.retention, "retention", 30*time.Second, "the coordinators' --retention")
	flags.IntVar(&s.heapMB, "heap", 2048, "ZooKeeper's heap, in MB")
	flags.IntVar(&s.rate, "rate", 0, "at most so many a second; 0: as many as there can be")
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	if s.transactions < 1 || s.every < 1 || s.clients < 1 || s.retention < time.Second {
		return s, fmt.Errorf("what is counted must be at least 1, the retention 1s")
	}
	return s, nil
}

func soak(ctx context.Context, args []string) error {
	s, err := readSettings(args)
	if err != nil {
		return err
	}
	c, err := startCluster(ctx, s)
	if err != nil {
		return err
	}
	defer c.stop()
	left, err := c.leaveAway(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("%s is away; it left %s\n", away, left)
	m := newMeter(c)
	m.head()
	if err := m.line(ctx, 0); err != nil {
		return err
	}
	load := newLoad(c, s)
	for done := 0; done < s.transactions; {
		some := min(s.every, s.transactions-done)
		if err := load.run(ctx, some, m); err != nil {
			return err
		}
		done += some
		if err := m.line(ctx, done); err != nil {
			return err
		}
	}
	fmt.Printf("transactions by outcome: %s\n", load.outcomes())
	return c.comeBack(ctx, m)
}
