package zkcoord

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/medcommit/medcommit/txn"
	"github.com/medcommit/medcommit/zkcoord/zktest"
)

// testCluster is one root on a real ZooKeeper, with the coordinators and sites that a test starts on it.
type testCluster struct {
	t       testing.TB
	servers []string
	root    string
	session time.Duration
}

func newTestCluster(t testing.TB) *testCluster {
	addr, root := sharedZooKeeper(t)
	return &testCluster{t: t, servers: []string{addr}, root: root, session: 2 * time.Second}
}

func (tc *testCluster) zookeeper() DriverConfig {
	cfg := DriverConfig{Servers: tc.servers, Root: tc.root, SessionTimeout: tc.session, Registerer: prometheus.NewRegistry()}
	if os.Getenv("MEDCOMMIT_TEST_LOG") != "" {
		cfg.Logger = hclog.New(&hclog.LoggerOptions{Level: hclog.Debug})
	}
	return cfg
}

func (tc *testCluster) site(name string, tweak ...func(*txn.ParticipantConfig)) *testSite {
	tc.t.Helper()
	return startSite(tc.t, tc.zookeeper(), name, newTestDatabase(), tweak...)
}

// testCoordinator is a coordinator with its listener, reached through a proxy where the test wants to cut it off.
type testCoordinator struct {
	*Coordinator
	t      testing.TB
	proxy  *zktest.Proxy
	server *http.Server
	conns  connections
	cancel context.CancelFunc
	done   chan error
	once   sync.Once
}

// coordinator runs a coordinator until the test ends, and returns when it is ready.
func (tc *testCluster) coordinator(id string, tweak ...func(*Config)) *testCoordinator {
	tc.t.Helper()
	c := tc.launch(id, tc.servers, tweak...)
	c.awaitReady()
	return c
}

// apart runs a coordinator that can be cut off from ZooKeeper.
func (tc *testCluster) apart(id string, tweak ...func(*Config)) *testCoordinator {
	tc.t.Helper()
	proxy := zktest.NewProxy(tc.t, tc.servers[0])
	c := tc.launch(id, []string{proxy.Addr()}, tweak...)
	c.proxy = proxy
	c.awaitReady()
	return c
}

func (tc *testCluster) launch(id string, servers []string, tweak ...func(*Config)) *testCoordinator {
	tc.t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tc.t.Fatal(err)
	}
	cfg := Config{ID: id, Advertise: "http://" + listener.Addr().String(), Version: "test", ZooKeeper: tc.zookeeper()}
	cfg.ZooKeeper.Servers = servers
	cfg.Registerer = prometheus.NewRegistry()
	cfg.ZooKeeper.Registerer = cfg.Registerer
	if cfg.ZooKeeper.Logger != nil {
		cfg.Logger = cfg.ZooKeeper.Logger.Named(id)
		cfg.ZooKeeper.Logger = nil
	}
	for _, f := range tweak {
		f(&cfg)
	}
	inner, err := New(cfg)
	if err != nil {
		tc.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	c := &testCoordinator{
		Coordinator: inner, t: tc.t, server: &http.Server{Handler: inner.LeaderHandler()}, cancel: cancel, done: make(chan error, 1),
	}
	c.server.ConnState = c.conns.note
	go c.server.Serve(listener)
	go func() { c.done <- inner.Run(ctx) }()
	tc.t.Cleanup(c.stop)
	return c
}

// connections are those that a listener has taken.
type connections struct {
	mu   sync.Mutex
	open map[net.Conn]bool
}

func (c *connections) note(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open == nil {
		c.open = map[net.Conn]bool{}
	}
	c.open[conn] = true
	if state == http.StateClosed {
		delete(c.open, conn)
	}
}

// cut closes all of them.
func (c *connections) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.open {
		conn.Close()
	}
}

// stop ends the coordinator in order.
func (c *testCoordinator) stop() {
	c.once.Do(func() {
		if c.proxy != nil {
			c.proxy.Release()
		}
		c.cancel()
		if err := <-c.done; err != nil {
			c.t.Errorf("run the coordinator %s: %v", c.cfg.ID, err)
		}
		c.server.Close()
	})
}

func (c *testCoordinator) awaitReady() {
	c.t.Helper()
	eventually(c.t, c.cfg.ID+" is ready", func() bool { return c.Ready() == nil })
}

// eventually waits until is is true.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	deadline := time.NewTimer(testPatience)
	defer deadline.Stop()
	for !is() {
		select {
		case <-again.C:
		case <-deadline.C:
			t.Fatalf("it does not come about: %s", what)
		}
	}
}

// awaitLeader waits until one of cs leads and gives it.
func awaitLeader(t testing.TB, cs ...*testCoordinator) *testCoordinator {
	t.Helper()
	var leader *testCoordinator
	eventually(t, "one leads", func() bool {
		for _, c := range cs {
			if c.term.Load() != nil {
				leader = c
				return true
			}
		}
		return false
	})
	return leader
}

// awaitSites waits until c sees all of names ready.
func (c *testCoordinator) awaitSites(names ...string) {
	c.t.Helper()
	eventually(c.t, fmt.Sprintf("%s sees %v", c.cfg.ID, names), func() bool {
		r := c.roster.Load()
		for _, name := range names {
			if r.admit(name) != nil {
				return false
			}
		}
		return true
	})
}

// handed is a transaction over names.
func handed(id string, names ...string) txn.Handed {
	h := txn.Handed{ID: id, Digest: "d", Timeout: 5 * time.Second}
	for _, name := range names {
		h.Branches = append(h.Branches, txn.HandedBranch{Participant: name, Payload: []byte(`{"operations":[{"name":"n"}]}`)})
	}
	return h
}
