package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// settings are the flags.
type settings struct {
	kinds     []string
	clients   []int
	rounds    int
	warmup    time.Duration
	duration  time.Duration
	settle    time.Duration
	retention time.Duration
	medcommit string
	siteFlags []string
}

func run(ctx context.Context, args []string) error {
	var s settings
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	kinds := flags.String("databases", "postgres,mariadb,embedded", "which databases, one after the other")
	clients := flags.String("clients", "1,16,64", "how many clients, one measurement after the other")
	siteFlags := flags.String("site-flags", "", "further flags of every participant")
	flags.IntVar(&s.rounds, "rounds", 5, "how often everything is measured in turn; the table has the medians")
	flags.DurationVar(&s.warmup, "warmup", time.Second, "how long each measurement is warmed up")
	flags.DurationVar(&s.duration, "duration", 4*time.Second, "how long each measurement lasts")
	flags.DurationVar(&s.settle, "settle", 90*time.Second, "how long each cluster is under load before anything is measured: Java compiles what it finds busy")
	flags.DurationVar(&s.retention, "retention", 10*time.Second, "the coordinators'")
	flags.StringVar(&s.medcommit, "medcommit", "bin/medcommit", "the program")
	err := flags.Parse(args)
	for _, word := range strings.Split(*clients, ",") {
		n, bad := strconv.Atoi(word)
		if bad != nil || n < 1 {
			err = fmt.Errorf("-clients: a list of numbers, not %q", *clients)
		}
		s.clients = append(s.clients, n)
	}
	if err != nil {
		return err
	}
	s.kinds, s.siteFlags = strings.Split(*kinds, ","), strings.Fields(*siteFlags)
	if s.medcommit, err = filepath.Abs(s.medcommit); err != nil {
		return err
	}
	for _, kind := range s.kinds {
		measure := s.compare
		if kind == embeddedKind {
			measure = func(ctx context.Context, _ string) error { return s.embedded(ctx) }
		}
		if err := measure(ctx, kind); err != nil {
			return fmt.Errorf("%s: %w", kind, err)
		}
	}
	return nil
}
