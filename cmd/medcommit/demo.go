package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/medcommit/medcommit/api/client"
	"github.com/medcommit/medcommit/cmd/medcommit/demo"
	"github.com/medcommit/medcommit/txn"
)

func newDemo() *cobra.Command {
	var cfg demo.Config
	cmd := &cobra.Command{
		Use:     "demo",
		GroupID: "local",
		Short:   "A guided run: real transactions, a killed leader, an audit",
		Long: `Starts a private ZooKeeper, three coordinators and three hospital sites, prescribes and dispenses for some hundred
patients, kills the leader and a site with SIGKILL in the middle, and then reads the sites' own stores: every
transaction must be at all its sites or at none. It ends with exit code 1 where anything is off.`,
		Example: `  medcommit demo
  medcommit demo --keep`,
		RunE: func(cmd *cobra.Command, _ []string) error { return runDemo(cmd, cfg) },
	}
	localFlags(cmd, &cfg.Local)
	cmd.Flags().StringVar(&cfg.Local.Dir, "data", "", "keep the cluster's data in this `folder` (default: a temporary one)")
	cmd.Flags().IntVar(&cfg.Patients, "patients", 300, "how many patients")
	cmd.Flags().BoolVar(&cfg.Keep, "keep", false, "leave the cluster up at the end")
	return cmd
}

func runDemo(cmd *cobra.Command, cfg demo.Config) error {
	exe, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	if cfg.Patients < 1 {
		return wrongUsage(errors.New("--patients: at least 1"))
	}
	temporary := cfg.Local.Dir == ""
	if temporary {
		if cfg.Local.Dir, err = demo.TempDir(); err != nil {
			return err
		}
	}
	cfg.Local.Exe, cfg.Out, cfg.Connect = exe, cmd.OutOrStdout(), connectDemo
	cfg.Progress = func(total int) demo.Progress { return newBar(cmd, total) }
	err = demo.Run(cmd.Context(), cfg)
	switch {
	case err != nil && temporary && cmd.Context().Err() == nil:
		fmt.Fprintf(cmd.ErrOrStderr(), "the cluster's logs are in %s/logs\n", cfg.Local.Dir)
	case temporary && !cfg.Keep:
		err = errors.Join(err, os.RemoveAll(cfg.Local.Dir))
	}
	return err
}

// bar is a progress bar on standard error, and nothing where that is no terminal.
type bar struct{ bar *progressbar.ProgressBar }

func newBar(cmd *cobra.Command, total int) bar {
	return bar{progressbar.NewOptions(total,
		progressbar.OptionSetWriter(cmd.ErrOrStderr()), progressbar.OptionSetVisibility(isTerminal(cmd.ErrOrStderr())),
		progressbar.OptionSetDescription("transactions"), progressbar.OptionShowCount(), progressbar.OptionSetPredictTime(false),
		progressbar.OptionClearOnFinish())}
}

// Done and End have no error that would change the run: what cannot be shown is not shown.
func (b bar) Done() { _ = b.bar.Add(1) }
func (b bar) End()  { _ = b.bar.Finish() }

// connectDemo makes the demo's client of a cluster.
func connectDemo(coordinators []string) (demo.Client, error) {
	c, err := client.New(client.Config{Coordinators: coordinators, Patience: time.Second})
	if err != nil {
		return nil, err
	}
	return demoClient{c}, nil
}

// demoClient waits for decisions.
type demoClient struct{ *client.Client }

// Submit waits for the decision; an abort is an outcome, and no error.
func (c demoClient) Submit(ctx context.Context, r txn.Request) (txn.Transaction, error) {
	return c.Client.Submit(ctx, r, txn.WaitDecision)
}
