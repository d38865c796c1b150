package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/medcommit/medcommit/cmd/medcommit/bench"
	"github.com/medcommit/medcommit/cmd/medcommit/load"
)

// The contestants, in the order in which they take their turns.
const (
	plain = iota
	fair
	ours
	contestants
)

// compare measures one kind of database.
func (s *settings) compare(ctx context.Context, kind string) (err error) {
	r, err := s.start(ctx, kind)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.stop()) }()
	busy := *s
	busy.duration = s.settle
	if _, _, err := busy.measure(ctx, r, ours, slices.Max(s.clients)); err != nil {
		return fmt.Errorf("before anything is measured: %w", err)
	}
	fmt.Printf("\n%s, two servers; %d rounds of %s each, medians; ratios are of the same round, medians of them\n\n", kind, s.rounds, s.duration)
	fmt.Println("| clients | plain floor tx/s | fair floor tx/s | medcommit tx/s | to plain | to fair | p50 ms: plain | fair | medcommit | p99 ms: plain | fair | medcommit | aborted |")
	fmt.Println("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
	var profiles []string
	for _, clients := range s.clients {
		var results [contestants][]load.Result
		var spent []costs
		for range s.rounds {
			for c := range contestants {
				before := r.costs()
				result, report, err := s.measure(ctx, r, c, clients)
				if err != nil {
					return fmt.Errorf("%d clients: %w", clients, err)
				}
				results[c] = append(results[c], result)
				if c == ours {
					spent = append(spent, r.costs().since(before, report, s.warmup))
				}
			}
		}
		row(clients, &results)
		profiles = append(profiles, profile(clients, spent))
	}
	fmt.Printf("\n| clients | CPU µs a transaction: databases | sites | coordinators | ZooKeeper | generator | proposals |\n| --- | --- | --- | --- | --- | --- | --- |\n%s\n",
		strings.Join(profiles, "\n"))
	return nil
}

// measure lets one contestant take its turn.
func (s *settings) measure(ctx context.Context, r *rig, contestant, clients int) (load.Result, *bench.Report, error) {
	args := []string{"bench"}
	switch contestant {
	case ours:
		d := r.cluster.Describe()
		var urls []string
		for _, c := range d.Coordinators {
			urls = append(urls, c.URL)
		}
		args = append(args, "--coordinators", strings.Join(urls, ","), "--zookeeper", d.ZooKeeper)
	default:
		args = append(args, "floor", "--form", []string{"plain", "fair"}[contestant], "--from", r.databases[0], "--to", r.databases[1])
	}
	args = append(args, "-o", "json", "--clients", fmt.Sprint(clients), "--warmup", s.warmup.String(), "--duration", s.duration.String())
	cmd := exec.CommandContext(ctx, s.medcommit, args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return load.Result{}, nil, fmt.Errorf("medcommit %s: %w\n%s", strings.Join(args[:2], " "), err, out)
	}
	report := &bench.Report{}
	if err := json.Unmarshal(out, report); err != nil {
		return load.Result{}, nil, fmt.Errorf("read the report: %w", err)
	}
	return report.Result, report, nil
}

func row(clients int, results *[contestants][]load.Result) {
	rate := func(r load.Result) float64 { return r.PerSecond }
	var aborted int64
	for _, r := range results[ours] {
		for _, n := range r.Failed {
			aborted += n
		}
	}
	fmt.Printf("| %d | %.0f | %.0f | %.0f | **%.2f** | **%.2f** |", clients, median(results[plain], rate), median(results[fair], rate),
		median(results[ours], rate), ratio(results[ours], results[plain]), ratio(results[ours], results[fair]))
	for _, of := range []func(load.Result) float64{func(r load.Result) float64 { return r.P50 }, func(r load.Result) float64 { return r.P99 }} {
		fmt.Printf(" %.2f | %.2f | %.2f |", median(results[plain], of), median(results[fair], of), median(results[ours], of))
	}
	fmt.Printf(" %d |\n", aborted)
}

func median[T any](all []T, of func(T) float64) float64 {
	var values []float64
	for _, one := range all {
		values = append(values, of(one))
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// ratio is the median of the rounds' own: what else the machine does differs less within a round than between them.
func ratio(a, b []load.Result) float64 {
	var values []float64
	for i := range a {
		values = append(values, a[i].PerSecond/b[i].PerSecond)
	}
	slices.Sort(values)
	return values[len(values)/2]
}
