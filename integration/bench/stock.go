package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/medcommit/medcommit/api/client"
	"github.com/medcommit/medcommit/cmd/medcommit/bench"
	"github.com/medcommit/medcommit/cmd/medcommit/load"
	"github.com/medcommit/medcommit/txn"
)

// embedded measures what concerns the embedded store: one hot record, with and without a lock on it, transfers, and a large payload.
func (s *settings) embedded(ctx context.Context) (err error) {
	r, err := s.start(ctx, embeddedKind)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.stop()) }()
	const clients = 64
	if _, err := s.workload(ctx, r, "transfer", clients, s.settle); err != nil {
		return fmt.Errorf("before anything is measured: %w", err)
	}
	fmt.Printf("\nembedded stores, %d clients; %d rounds of %s each, medians\n\n", clients, s.rounds, s.duration)
	fmt.Println("| workload | tx/s | p50 ms | p99 ms | aborted |\n| --- | --- | --- | --- | --- |")
	names := []string{"transfer", "hot-stock", "hot-stock-checked"}
	results := map[string][]load.Result{}
	for range s.rounds {
		for _, name := range names {
			report, err := s.workload(ctx, r, name, clients, s.duration)
			if err != nil {
				return err
			}
			results[name] = append(results[name], report.Result)
		}
	}
	for _, name := range names {
		of := func(f func(load.Result) float64) float64 { return median(results[name], f) }
		aborted := int64(0)
		for _, one := range results[name] {
			for _, n := range one.Failed {
				aborted += n
			}
		}
		fmt.Printf("| %s | %.0f | %.2f | %.2f | %d |\n", name, of(func(r load.Result) float64 { return r.PerSecond }),
			of(func(r load.Result) float64 { return r.P50 }), of(func(r load.Result) float64 { return r.P99 }), aborted)
	}
	fmt.Printf("\nhot-stock is %.1f times hot-stock-checked\n", ratio(results["hot-stock"], results["hot-stock-checked"]))
	return s.payload(ctx, r)
}

func (s *settings) workload(ctx context.Context, r *rig, name string, clients int, d time.Duration) (*bench.Report, error) {
	var urls []string
	for _, c := range r.cluster.Describe().Coordinators {
		urls = append(urls, c.URL)
	}
	cmd := exec.CommandContext(ctx, s.medcommit, "bench", "--coordinators", strings.Join(urls, ","), "--workload", name, "-o", "json",
		"--clients", fmt.Sprint(clients), "--warmup", s.warmup.String(), "--duration", d.String())
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("medcommit bench --workload %s: %w\n%s", name, err, out)
	}
	report := &bench.Report{}
	if err := json.Unmarshal(out, report); err != nil {
		return nil, fmt.Errorf("read the report: %w", err)
	}
	return report, nil
}

// payload times transactions of which one branch brings 1 MB.
func (s *settings) payload(ctx context.Context, r *rig) error {
	c, err := client.New(client.Config{Coordinators: []string{r.cluster.Describe().Coordinators[0].URL}})
	if err != nil {
		return err
	}
	value := `{"key":"bench/large","value":{"text":"` + strings.Repeat("0123456789abcdef", 1<<16) + `"}}`
	var took []time.Duration
	for range 5 * s.rounds {
		begun := time.Now()
		t, err := c.Submit(ctx, txn.Request{Branches: []txn.BranchRequest{
			{Participant: "site-1", Operations: []txn.Operation{{Name: "put", Arguments: json.RawMessage(value)}}},
			{Participant: "site-2", Operations: []txn.Operation{{Name: "put", Arguments: json.RawMessage(`{"key":"bench/small","value":{}}`)}}},
		}}, txn.WaitDecision)
		if err != nil || !t.State.Commit() {
			return fmt.Errorf("hand in a payload of 1 MB: %s, %w", t.State, err)
		}
		took = append(took, time.Since(begun))
	}
	fmt.Printf("a payload of 1 MB: decided after %.1f ms (median of %d)\n", median(took, func(d time.Duration) float64 { return d.Seconds() * 1000 }), len(took))
	return nil
}
