package main

import (
	"context"
	"encoding/json"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/medcommit/medcommit/api"
	"github.com/medcommit/medcommit/participant"
	"github.com/medcommit/medcommit/participant/embedded"
	"github.com/medcommit/medcommit/txn"
	"github.com/medcommit/medcommit/zkcoord"
	"github.com/medcommit/medcommit/zkcoord/zktest"
)

// whole is a cluster in this process: one coordinator with its API, and embedded sites, on a real ZooKeeper.
type whole struct {
	t         *testing.T
	ctx       context.Context
	zookeeper []string
	url       string
	group     sync.WaitGroup
}

func (w *whole) run(what string, run func(context.Context) error) {
	w.group.Go(func() {
		if err := run(w.ctx); err != nil {
			w.t.Errorf("%s: %v", what, err)
		}
	})
}

func startWhole(t *testing.T, sites ...string) *whole {
	w := &whole{t: t, zookeeper: zktest.Start(t).Addrs()}
	ctx, cancel := context.WithCancel(context.Background())
	w.ctx = ctx
	t.Cleanup(func() {
		cancel()
		w.group.Wait()
	})
	w.url = w.coordinator()
	for _, name := range sites {
		w.site(name)
	}
	t.Setenv("MEDCOMMIT_COORDINATORS", w.url)
	patience, tick := time.After(20*time.Second), time.NewTicker(20*time.Millisecond)
	defer tick.Stop()
	for {
		got := run(t, "", "participants", "list")
		if strings.Count(got.out, "embedded  ready ") == len(sites) {
			return w
		}
		select {
		case <-tick.C:
		case <-patience:
			t.Fatalf("the sites do not become ready: %+v", got)
		}
	}
}

func (w *whole) coordinator() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	url := "http://" + l.Addr().String()
	registry := prometheus.NewRegistry()
	c, err := zkcoord.New(zkcoord.Config{ID: "c1", Advertise: url, ZooKeeper: zkcoord.DriverConfig{Servers: w.zookeeper}, Registerer: registry})
	if err != nil {
		w.t.Fatal(err)
	}
	server, err := api.NewServer(api.Config{Service: c, Peers: c.LeaderHandler(), Registerer: registry, Gatherer: registry, Logger: hclog.NewNullLogger()})
	if err != nil {
		w.t.Fatal(err)
	}
	w.run("coordinator", c.Run)
	w.run("server", func(ctx context.Context) error { return server.Serve(ctx, l) })
	return url
}

func (w *whole) site(name string) {
	store, err := embedded.New(embedded.Config{Dir: w.t.TempDir()})
	if err != nil {
		w.t.Fatal(err)
	}
	driver, err := zkcoord.NewDriver(zkcoord.DriverConfig{Servers: w.zookeeper})
	if err != nil {
		w.t.Fatal(err)
	}
	p, err := participant.New(participant.Config{Name: name}, driver, store)
	if err != nil {
		w.t.Fatal(err)
	}
	w.run(name, func(ctx context.Context) error {
		defer func() { _ = store.Close() }()
		return p.Run(ctx)
	})
}

// The way of a transaction through everything, from the command line to two stores and back.
func TestTheWhole(t *testing.T) {
	startWhole(t, "orders", "pharmacy")
	put := `{"id":"stock-1","branches":[{"participant":"pharmacy","operations":[{"name":"put","arguments":{"key":"stock/a","value":{"quantity":10}}}]}]}`
	if got := run(t, put, "tx", "submit", "--wait", "completed"); got.code != exitDone {
		t.Fatalf("put: %+v", got)
	}
	take := func(id, by string) string {
		return `{"id":"` + id + `","branches":[
			{"participant":"orders","operations":[{"name":"put","arguments":{"key":"order/` + id + `","value":{"n":9007199254740993}}}]},
			{"participant":"pharmacy","operations":[{"name":"add","arguments":{"key":"stock/a","field":"quantity","by":` + by + `,"min":0}}]}]}`
	}
	for _, c := range []struct {
		name, in string
		code     int
		says     string
	}{
		{"commit", take("rx-1", "-4"), exitDone, "committ"},
		{"the same again", take("rx-1", "-4"), exitDone, "committ"},
		{"another body", take("rx-1", "-5"), exitError, "The id was used with other branches"},
		{"abort", take("rx-2", "-7"), exitAborted, "bounds"},
		{"bad arguments", take("rx-3", `"x"`), exitError, "body.branches[1].operations[0].arguments.by"},
	} {
		got := run(t, c.in, "tx", "submit", "--wait", "completed")
		if got.code != c.code || !strings.Contains(got.out+got.err, c.says) {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
	var page txn.Page
	listed := run(t, "", "tx", "list", "-o", "json")
	if err := json.Unmarshal([]byte(listed.out), &page); err != nil || len(page.Transactions) != 3 || page.Transactions[0].ID != "rx-2" {
		t.Errorf("list: %v %+v", err, listed)
	}
	if got := run(t, "", "tx", "get", "rx-3"); got.code != exitError {
		t.Errorf("what was refused is known: %+v", got)
	}
	if got := run(t, "", "tx", "abort", "rx-1"); got.code != exitError || !strings.Contains(got.err, "already decided to commit") {
		t.Errorf("abort: %+v", got)
	}
	if got := run(t, "", "participants", "drain", "orders"); got.code != exitDone || !strings.Contains(got.out, "drained") {
		t.Errorf("drain: %+v", got)
	}
	if got := run(t, take("rx-4", "-1"), "tx", "submit"); got.code != exitError || !strings.Contains(got.err, "body.branches[0].participant is drained") {
		t.Errorf("drained: %+v", got)
	}
	if got := run(t, "", "participants", "resume", "orders"); got.code != exitDone {
		t.Errorf("resume: %+v", got)
	}
	if got := run(t, take("rx-4", "-1"), "tx", "submit"); got.code != exitDone {
		t.Errorf("resumed: %+v", got)
	}
	if got := run(t, "", "cluster", "status"); !strings.Contains(got.out, "leader     c1, epoch 1") {
		t.Errorf("status: %+v", got)
	}
}
