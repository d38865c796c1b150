package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/medcommit/medcommit/api/client"
	"github.com/medcommit/medcommit/api/problem"
	"github.com/medcommit/medcommit/txn"
	"github.com/medcommit/medcommit/zkcoord/zkserver"
)

func newCluster() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "cluster",
		GroupID: "client",
		Short:   "Look at the cluster",
	}
	flags := newClientFlags()
	flags.register(cmd)
	cmd.AddCommand(newClusterStatus(flags))
	return cmd
}

func newClusterStatus(flags *clientFlags) *cobra.Command {
	var servers []string
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show the leader, the coordinators, the participants, branches in doubt, and ZooKeeper's health",
		Long: `Shows the leader and its epoch, what each coordinator says of its readiness (its ZooKeeper session included), the
participants and how many of their branches are in doubt. With --zookeeper it asks the ZooKeeper servers themselves too.`,
		Example: `  medcommit cluster status
  medcommit cluster status --coordinators http://a:7070,http://b:7070 --zookeeper zk1:2181,zk2:2181,zk3:2181`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := flags.connect()
			if err != nil {
				return err
			}
			info, err := c.Cluster(cmd.Context())
			if err != nil {
				return explain(err)
			}
			if flags.json() {
				return printJSON(cmd.OutOrStdout(), info)
			}
			s := newScreen(cmd.OutOrStdout())
			showCluster(cmd.Context(), s, c, &info)
			showServers(cmd.Context(), s, servers)
			return nil
		},
	}
	cmd.Flags().StringSliceVar(&servers, "zookeeper", nil, "ask these ZooKeeper servers too, `HOST:PORT,...`")
	return cmd
}

func showCluster(ctx context.Context, s screen, c *client.Client, info *txn.ClusterInfo) {
	leader := s.paint(red, "none")
	if info.Leader != "" {
		leader = s.paint(green, info.Leader)
	}
	fmt.Fprintf(s, "cluster    %s\nleader     %s, epoch %d\nin flight  %d\nin doubt   %d\n\n", info.Cluster, leader, info.Epoch, info.InFlight, info.InDoubt)
	rows := make([][]cell, len(info.Coordinators))
	for i, k := range info.Coordinators {
		role := "standby"
		if k.Leader {
			role = "leader"
		}
		ready := cell{"ready", green}
		if err := c.Ready(ctx, k.URL); err != nil {
			ready = cell{notReady(err), red}
		}
		rows[i] = []cell{{text: k.ID}, {text: role}, ready, {text: k.URL}, {text: k.Version}, {text: clock(&k.Since)}}
	}
	s.table([]string{"COORDINATOR", "ROLE", "STATUS", "URL", "VERSION", "SINCE"}, rows)
	fmt.Fprintln(s)
	showParticipants(s, info.Participants)
}

// notReady says in a few words what a coordinator waits for.
func notReady(err error) string {
	var p *problem.Problem
	if errors.As(err, &p) && p.Detail != "" {
		return p.Detail
	}
	return "does not answer"
}

// showServers shows what the ZooKeeper servers say of themselves.
func showServers(ctx context.Context, s screen, servers []string) {
	if len(servers) == 0 {
		return
	}
	rows := make([][]cell, len(servers))
	for i, addr := range servers {
		rows[i] = append([]cell{{text: addr}}, serverHealth(ctx, addr)...)
	}
	fmt.Fprintln(s)
	s.table([]string{"ZOOKEEPER", "MODE", "LATENCY MIN/AVG/MAX", "OUTSTANDING", "VERSION"}, rows)
}

func serverHealth(ctx context.Context, addr string) []cell {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	text, err := zkserver.Ask(ctx, addr, "srvr")
	says := map[string]string{}
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		says[name] = value
	}
	mode := cell{says["Mode"], green}
	switch {
	case err != nil:
		mode = cell{"does not answer", red}
	case mode.text == "":
		mode = cell{"does not serve", red}
	}
	version, _, _ := strings.Cut(says["Zookeeper version"], "-")
	return []cell{mode, {text: orDash(says["Latency min/avg/max"])}, {text: orDash(says["Outstanding"])}, {text: orDash(version)}}
}
