package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/medcommit/medcommit/cmd/medcommit/tuning"
	"github.com/medcommit/medcommit/participant"
	"github.com/medcommit/medcommit/txn"
	"github.com/medcommit/medcommit/zkcoord"
)

var _ participant.Ledger = (*zkcoord.Driver)(nil)

// participantFlags are those of `medcommit participant`.
type participantFlags struct {
	roleFlags
	resourceFlags
	name          string
	operations    string
	withdrawAfter time.Duration
	maxInFlight   int
}

func newParticipant() *cobra.Command {
	var f participantFlags
	cmd := &cobra.Command{
		Use:     "participant",
		GroupID: "roles",
		Short:   "Run a participant: one site system, one database",
		Long: `Runs the participant of one site. It connects out, to ZooKeeper and to the site's own database, and does there what
the site's catalogue of operations allows.`,
		Example: `  medcommit participant --name pharmacy --resource postgres://pharmacy@db/pharmacy --operations pharmacy.yaml
  medcommit participant --name emr --data /var/lib/medcommit/emr`,
		RunE: func(cmd *cobra.Command, _ []string) error { return runParticipant(cmd, f) },
	}
	f.roleFlags.add(cmd, "127.0.0.1:7071")
	f.resourceFlags.add(cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.name, "name", "", "`name` of this participant in the cluster")
	flags.StringVar(&f.operations, "operations", "", "the site's catalogue of operations, a YAML `file`")
	flags.DurationVar(&f.withdrawAfter, "withdraw-after", 30*time.Second, "free undecided work after this time without any coordinator")
	flags.IntVar(&f.maxInFlight, "max-in-flight", 64, "how many branches are worked on at once")
	return cmd
}

func (f *participantFlags) validate() error {
	switch {
	case !txn.ValidName(f.name):
		return errors.New("--name: it must be [a-z0-9][a-z0-9._-]*, at most 63 bytes")
	case f.withdrawAfter <= 0:
		return errors.New("--withdraw-after: it must be positive")
	case f.maxInFlight < 1:
		return errors.New("--max-in-flight: at least 1")
	}
	return f.roleFlags.validate()
}

func runParticipant(cmd *cobra.Command, f participantFlags) error {
	if err := f.validate(); err != nil {
		return wrongUsage(err)
	}
	var catalogue *participant.Catalogue
	if f.operations != "" {
		var err error
		if catalogue, err = participant.LoadCatalogue(f.operations); err != nil {
			return wrongUsage(fmt.Errorf("--operations: %w", err))
		}
	}
	tuning.Runtime()
	log := f.logger("medcommit", cmd.ErrOrStderr())
	rm, err := f.open(log)
	if err != nil {
		return wrongUsage(err)
	}
	registry := newRegistry()
	zk := f.zooKeeper()
	zk.Logger, zk.Registerer = log, registry
	driver, err := zkcoord.NewDriver(zk)
	if err != nil {
		return wrongUsage(errors.Join(err, rm.Close()))
	}
	config := participant.Config{
		Name: f.name, Catalogue: catalogue, URL: f.advertise, Version: buildVersion(), WithdrawAfter: f.withdrawAfter,
		MaxInFlight: f.maxInFlight, Logger: log.Named("participant"), Registerer: registry,
	}
	hastenParticipant(&config)
	p, err := participant.New(config, driver, rm)
	if errors.Is(err, participant.ErrCatalogue) {
		err = fmt.Errorf("--operations: %w", err)
	}
	if err != nil {
		return wrongUsage(errors.Join(err, rm.Close()))
	}
	l, err := f.listenOn()
	if err != nil {
		return errors.Join(err, rm.Close())
	}
	log.Info("participant starts", "name", f.name, "kind", rm.Kind(), "listen", l.Addr().String(), "version", buildVersion())
	if rm.Kind() != participant.KindEmbedded { // it waits for its disk in system calls
		go tuning.Threads(cmd.Context())
	}
	err = serveUntil(cmd.Context(), log, p.Run, func(ctx context.Context) error { return p.Serve(ctx, l, registry) })
	return errors.Join(err, rm.Close())
}
