package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/medcommit/medcommit/cmd/medcommit/demo"
	"github.com/medcommit/medcommit/cmd/medcommit/local"
)

func newDev() *cobra.Command {
	var cfg local.Config
	cmd := &cobra.Command{
		Use:     "dev",
		GroupID: "local",
		Short:   "Run a whole cluster on this machine until Ctrl-C",
		Long: `Runs a private ZooKeeper, three coordinators and the demo's three sites on embedded stores, each a process of its
own on a free loopback port. When all of it is ready, DIR/cluster.json says where everything is.`,
		Example: `  medcommit dev --data ./cluster
  medcommit dev --data ./cluster --zookeeper 127.0.0.1:2181`,
		RunE: func(cmd *cobra.Command, _ []string) error { return runDev(cmd, cfg) },
	}
	localFlags(cmd, &cfg)
	cmd.Flags().StringVar(&cfg.Dir, "data", "medcommit-data", "keep the cluster's data in this `folder`")
	return cmd
}

// localFlags are what every command takes that runs a local cluster.
func localFlags(cmd *cobra.Command, cfg *local.Config) {
	cmd.Flags().StringVar(&cfg.ZooKeeper, "zookeeper", "", "use a running ZooKeeper, `HOST:PORT,...`, instead of a private one")
	cmd.Flags().StringVar(&cfg.ZooKeeperHome, "zookeeper-home", "", "the private ZooKeeper's jars are in this `folder` (default: the distribution's)")
	cmd.Flags().StringVar(&cfg.Root, "root", "/medcommit", "the cluster's `path` in ZooKeeper")
}

func runDev(cmd *cobra.Command, cfg local.Config) error {
	ctx := cmd.Context()
	exe, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	cfg.Exe, cfg.Sites = exe, demo.Sites()
	fmt.Fprintln(cmd.ErrOrStderr(), "starting ZooKeeper, 3 coordinators and 3 sites ...")
	cluster, err := local.Start(ctx, cfg)
	if errors.Is(err, context.Canceled) {
		return nil // Ctrl-C while it started
	}
	if err != nil {
		return err
	}
	defer cluster.Stop()
	d := cluster.Describe()
	fmt.Fprintf(cmd.OutOrStdout(), "The cluster is ready; %s/cluster.json says where everything is.\n", cfg.Dir)
	for _, c := range d.Coordinators {
		fmt.Fprintf(cmd.OutOrStdout(), "  coordinator %-10s %s\n", c.ID, c.URL)
	}
	for _, p := range d.Participants {
		fmt.Fprintf(cmd.OutOrStdout(), "  site        %-10s %s\n", p.Name, p.URL)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "Try: medcommit cluster status --coordinators %s\nCtrl-C stops it.\n", d.Coordinators[0].URL)
	watch(ctx, cmd.ErrOrStderr(), cluster)
	return nil
}

// watch says of each process that has ended by itself, once, and returns when ctx ends. The others go on: that is the point of them.
func watch(ctx context.Context, out io.Writer, cluster *local.Cluster) {
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	told := map[string]bool{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for _, name := range cluster.Ended() {
			if !told[name] {
				told[name] = true
				fmt.Fprintf(out, "%s has ended; the others go on\n", name)
			}
		}
	}
}
