package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/medcommit/medcommit/api"
	"github.com/medcommit/medcommit/cmd/medcommit/tuning"
	"github.com/medcommit/medcommit/conns"
	"github.com/medcommit/medcommit/zkcoord"
)

var _ api.Service = (*zkcoord.Coordinator)(nil)

// coordinatorFlags are those of `medcommit coordinator`.
type coordinatorFlags struct {
	roleFlags
	id          string
	voteTimeout time.Duration
	retention   time.Duration
	history     size
	maxInFlight int
	maxBody     size
}

func newCoordinator() *cobra.Command {
	f := coordinatorFlags{history: 256 << 20, maxBody: 8 << 20}
	cmd := &cobra.Command{
		Use:     "coordinator",
		GroupID: "roles",
		Short:   "Run a coordinator",
		Long: `Runs one coordinator. Start several: any of them answers every call, one leads, and when it dies another goes on
where it was. Nothing is kept on the coordinator's machine.`,
		Example: `  medcommit coordinator --id c1 --zookeeper zk1:2181,zk2:2181,zk3:2181
  medcommit coordinator --config coordinator.yaml`,
		RunE: func(cmd *cobra.Command, _ []string) error { return runCoordinator(cmd, f) },
	}
	host, _ := os.Hostname() // without one --id must be given
	f.add(cmd, "127.0.0.1:7070")
	flags := cmd.Flags()
	flags.StringVar(&f.id, "id", host, "`name` of this coordinator among the others")
	flags.DurationVar(&f.voteTimeout, "vote-timeout", 10*time.Second, "a transaction's timeout where it names none")
	flags.DurationVar(&f.retention, "retention", time.Hour, "how long a complete transaction, and its id, is remembered")
	flags.Var(&f.history, "history", "what finished transactions may take in ZooKeeper")
	flags.IntVar(&f.maxInFlight, "max-in-flight", 4096, "how many undecided transactions are taken in at once; over one set of participants, at most as many as that leaves room for (but 64)")
	flags.Var(&f.maxBody, "max-body", "the largest request body")
	return cmd
}

func (f *coordinatorFlags) validate() error {
	switch {
	case f.voteTimeout < 100*time.Millisecond || f.voteTimeout > 10*time.Minute:
		return errors.New("--vote-timeout: 100ms to 10m")
	case f.retention < time.Second:
		return errors.New("--retention: at least 1s")
	case f.maxInFlight < 1:
		return errors.New("--max-in-flight: at least 1")
	case f.history < 1 || f.maxBody < 1:
		return errors.New("--history and --max-body: at least 1B")
	}
	return f.roleFlags.validate()
}

func runCoordinator(cmd *cobra.Command, f coordinatorFlags) error {
	if err := f.validate(); err != nil {
		return wrongUsage(err)
	}
	tuning.Runtime()
	log := f.logger("medcommit", cmd.ErrOrStderr())
	registry := newRegistry()
	config := zkcoord.Config{
		ID: f.id, Advertise: f.advertise, Version: buildVersion(), ZooKeeper: f.zooKeeper(), Retention: f.retention,
		HistoryBytes: int64(f.history), MaxInFlight: f.maxInFlight, Logger: log, Registerer: registry,
	}
	hastenCoordinator(&config)
	c, err := zkcoord.New(config)
	if err != nil {
		return wrongUsage(err)
	}
	server, err := api.NewServer(api.Config{
		Service: c, Version: buildVersion(), VoteTimeout: f.voteTimeout, MaxBody: int64(f.maxBody), Registerer: registry,
		Gatherer: registry, Logger: log, Peers: c.LeaderHandler(), MaxConnections: conns.Allowed(f.maxInFlight),
	})
	if err != nil {
		return wrongUsage(err)
	}
	l, err := f.listenOn()
	if err != nil {
		return err
	}
	log.Info("coordinator starts", "id", f.id, "listen", l.Addr().String(), "version", buildVersion())
	go tuning.Threads(cmd.Context())
	return serveUntil(cmd.Context(), log, c.Run, func(ctx context.Context) error { return server.Serve(ctx, l) })
}

// serveUntil runs a role and its listener until ctx ends: the role first, then the listener, so that callers hear how what they
// wait for ends.
func serveUntil(ctx context.Context, log hclog.Logger, role, listener func(context.Context) error) error {
	listening, closeListener := context.WithCancel(context.WithoutCancel(ctx))
	defer closeListener()
	g, running := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer closeListener()
		return role(running)
	})
	g.Go(func() error { return listener(listening) })
	if err := g.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("run: %w", err)
	}
	log.Info("stopped")
	return nil
}
