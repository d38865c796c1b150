package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/medcommit/medcommit/cmd/medcommit/tuning"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "coordination:", err)
		os.Exit(1)
	}
}

// settings are the flags.
type settings struct {
	clients      []int
	servers      []int
	sites        []int
	via          []string
	settle       time.Duration
	warmup       time.Duration
	duration     time.Duration
	transactions int64
	rounds       int
	medcommit    string
	retention    time.Duration
	profile      string
}

func run(ctx context.Context, args []string) error {
	if len(args) > 0 && args[0] == siteCommand {
		return runSite(ctx, args[1:])
	}
	tuning.Runtime()
	go tuning.Threads(ctx)
	var s settings
	flags := flag.NewFlagSet("coordination", flag.ContinueOnError)
	clients := flags.String("clients", "1,64,256,1024", "how many clients, one measurement after the other")
	servers := flags.String("servers", "1,3", "how many ZooKeeper servers")
	sites := flags.String("sites", "2,8", "how many participants; every transaction is on two of them")
	via := flags.String("via", "embedded,http", "how the clients reach the coordinator")
	flags.DurationVar(&s.settle, "settle", time.Minute, "how long each cluster is under load before anything is measured: Java compiles what it finds busy")
	flags.DurationVar(&s.warmup, "warmup", time.Second, "how long each measurement is warmed up")
	flags.DurationVar(&s.duration, "duration", 3*time.Second, "how long each measurement lasts")
	flags.Int64Var(&s.transactions, "transactions", 0, "end each measurement after so many transactions, whatever --duration says")
	flags.IntVar(&s.rounds, "rounds", 5, "how often everything is measured; the table has the round of the median rate")
	flags.StringVar(&s.medcommit, "medcommit", "bin/medcommit", "the program that is the coordinator of --via http")
	flags.DurationVar(&s.retention, "retention", 10*time.Second, "the coordinator's")
	flags.StringVar(&s.profile, "profile", "", "write a CPU profile of this process (the generator, with --via embedded the coordinator too) to this file")
	err := flags.Parse(args)
	if err == nil {
		s.clients, err = numbers(*clients)
	}
	if err == nil {
		s.servers, err = numbers(*servers)
	}
	if err == nil {
		s.sites, err = numbers(*sites)
	}
	if err != nil {
		return err
	}
	s.via = strings.Split(*via, ",")
	if s.transactions > 0 {
		s.duration = 0
	}
	return s.all(ctx)
}

func numbers(list string) (all []int, err error) {
	for word := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(word)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("a list of numbers such as 1,64, not %q", list)
		}
		all = append(all, n)
	}
	return all, nil
}

// all measures every combination, each number of servers and sites, and each way, on a cluster of its own.
func (s *settings) all(ctx context.Context) error {
	heading()
	for _, servers := range s.servers {
		for _, sites := range s.sites {
			for _, via := range s.via {
				if err := s.cluster(ctx, servers, sites, via); err != nil {
					return fmt.Errorf("%d servers, %d sites, %s: %w", servers, sites, via, err)
				}
			}
		}
	}
	return nil
}
