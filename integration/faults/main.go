package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

// options are what a run is started with.
type options struct {
	program  string        // the medcommit to be tried
	duration time.Duration // no round begins later
	seed     uint64
	dir      string // of data and logs
	clients  int
	keep     bool // dir stays also where nothing was found
}

func main() {
	if os.Getenv(insideWorld) == "" {
		os.Exit(enterWorld())
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var o options
	flag.StringVar(&o.program, "program", "bin/medcommit", "the medcommit `file` to be tried")
	flag.DurationVar(&o.duration, "duration", time.Minute, "no round of faults begins after this `time`")
	flag.Uint64Var(&o.seed, "seed", 0, "the `seed` of what is done in which round; 0 draws one")
	flag.StringVar(&o.dir, "dir", "", "the `folder` of data and logs; default: a temporary one, removed where nothing was found")
	flag.IntVar(&o.clients, "clients", 12, "how many clients hand in transactions at once")
	flag.BoolVar(&o.keep, "keep", false, "keep the folder of data and logs in any case")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "faults: unknown argument %q\n", flag.Arg(0))
		os.Exit(2)
	}
	found, err := run(ctx, o)
	if err != nil {
		fmt.Fprintln(os.Stderr, "faults:", err)
	}
	if err != nil || found > 0 {
		os.Exit(1)
	}
}

// run makes one run and gives the number of violations.
func run(ctx context.Context, o options) (found int, err error) {
	if o.seed == 0 {
		o.seed = rand.Uint64N(1_000_000) + 1
	}
	if o.program, err = filepath.Abs(o.program); err != nil {
		return 0, fmt.Errorf("find the program: %w", err)
	}
	if o.dir == "" {
		if o.dir, err = os.MkdirTemp("", "medcommit-faults-"); err != nil {
			return 0, fmt.Errorf("make the folder: %w", err)
		}
	} else if o.dir, err = filepath.Abs(o.dir); err != nil {
		return 0, fmt.Errorf("find the folder: %w", err)
	}
	r := newReport(o)
	fmt.Printf("faults: DURATION=%s SEED=%d, data and logs in %s\n", o.duration, o.seed, o.dir)
	c, err := startCluster(ctx, o, layouts())
	if err != nil {
		return 0, fmt.Errorf("start the cluster: %w", err)
	}
	err = rounds(ctx, o, c, r)
	r.checkLogs(c)
	if len(r.violations) > 0 || err != nil {
		c.keepEmbedded()
	}
	c.close()
	r.print(os.Stdout)
	if len(r.violations) == 0 && err == nil && !o.keep {
		err = os.RemoveAll(o.dir)
	}
	if errors.Is(err, context.Canceled) {
		err = errors.New("interrupted")
	}
	return len(r.violations), err
}
