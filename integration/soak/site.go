package main

import (
	"context"
	"encoding/json"
	"flag"
	"net"
	"os"
	"strings"
	"sync"

	"github.com/hashicorp/go-hclog"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/medcommit/medcommit/participant"
	"github.com/medcommit/medcommit/txn"
	"github.com/medcommit/medcommit/zkcoord"
)

// siteCommand is the first argument of a process that is one site.
const siteCommand = "site"

// holdKey is the record whose branches are held: their work goes on until it is cancelled.
const holdKey = "hold"

// runSite runs a participant whose resource manager does nothing.
func runSite(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet(siteCommand, flag.ContinueOnError)
	name := flags.String("name", "", "the participant's")
	servers := flags.String("zookeeper", "", "ZooKeeper's servers")
	data := flags.String("data", "", "the file of the site row")
	listen := flags.String("listen", "", "the address")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	log := hclog.New(&hclog.LoggerOptions{Level: hclog.Warn, Output: os.Stderr})
	registry := prometheus.NewRegistry()
	driver, err := zkcoord.NewDriver(zkcoord.DriverConfig{Servers: strings.Split(*servers, ","), Logger: log, Registerer: registry})
	if err != nil {
		return err
	}
	rm := &idle{file: *data}
	p, err := participant.New(participant.Config{
		Name: *name, URL: "http://" + *listen, Version: "soak", MaxInFlight: 1024, Logger: log, Registerer: registry,
	}, driver, rm)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", *listen)
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return p.Run(ctx) })
	g.Go(func() error { return p.Serve(ctx, l, registry) })
	return g.Wait()
}

// idle is a resource manager that does nothing: every branch is prepared at once, and finished whatever is decided. It keeps the
// site row alone.
type idle struct {
	file string
	mu   sync.Mutex
}

var _ participant.ResourceManager = (*idle)(nil)

func (*idle) Prepare(ctx context.Context, _ txn.XID, calls []participant.Call) (txn.Ballot, error) {
	if len(calls) > 0 && calls[0].Arguments["key"] == holdKey {
		<-ctx.Done()
		return txn.Abort(txn.DetailLockTimeout), nil
	}
	return txn.Commit(), nil
}

func (*idle) Lookup(context.Context, txn.XID) (participant.Standing, error) {
	return participant.StandingNone, nil
}
func (*idle) Commit(context.Context, txn.XID) error   { return nil }
func (*idle) Rollback(context.Context, txn.XID) error { return nil }
func (*idle) Prepared(context.Context) ([]participant.PreparedBranch, error) {
	return nil, nil
}

func (i *idle) Site(context.Context, string, string) (row txn.SiteRow, exists bool, err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	text, err := os.ReadFile(i.file)
	if os.IsNotExist(err) {
		return row, false, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &row)
	}
	return row, err == nil, err
}

func (i *idle) AdoptSite(ctx context.Context, cluster, name string, was, row txn.SiteRow) error {
	return i.SaveSite(ctx, cluster, name, was, row)
}

func (i *idle) SaveSite(_ context.Context, _, _ string, _, row txn.SiteRow) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	text, err := json.Marshal(row)
	if err != nil {
		return err
	}
	if err := os.WriteFile(i.file+".part", text, 0o600); err != nil {
		return err
	}
	return os.Rename(i.file+".part", i.file)
}

func (*idle) Open(context.Context, string, string, int32) error { return nil }
func (*idle) Kind() string                                      { return participant.KindEmbedded }
func (*idle) Close() error                                      { return nil }
