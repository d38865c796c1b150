package zktest

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/medcommit/medcommit/zkcoord/zkserver"
)

// tick is the test servers' tickTime. Sessions last at least that long, and expire at multiples of it.
const tick = 100 * time.Millisecond

// Cluster is one server, or an ensemble of several.
type Cluster struct {
	Servers []*Server
}

// Server is one server of a Cluster. Its methods are for one goroutine at a time.
type Server struct {
	*zkserver.Server
	cfg zkserver.Config
}

// Start starts one server for the test and stops it at the test's end.
func Start(t testing.TB) *Cluster { return start(t, 1) }

// StartEnsemble starts three servers for the test, and stops them at the test's end.
func StartEnsemble(t testing.TB) *Cluster { return start(t, 3) }

func start(t testing.TB, servers int) *Cluster {
	t.Helper()
	c, err := Launch(t.TempDir(), servers)
	if err != nil {
		t.Fatalf("start ZooKeeper: %v", err)
	}
	t.Cleanup(c.Close)
	return c
}

// Launch starts servers that keep their data below dir and gives them when they serve; Close stops them. It is for a TestMain whose
// tests share them, each under a root of its own.
func Launch(dir string, servers int) (*Cluster, error) {
	ports, err := zkserver.FreePorts(3 * servers)
	if err != nil {
		return nil, err
	}
	var peers []zkserver.Peer
	if servers > 1 {
		for i := range servers {
			peers = append(peers, zkserver.Peer{QuorumPort: ports[servers+i], ElectionPort: ports[2*servers+i]})
		}
	}
	c := &Cluster{}
	for i := range servers {
		s := &Server{cfg: zkserver.Config{
			Dir:   filepath.Join(dir, fmt.Sprintf("zookeeper-%d", i+1)),
			Port:  ports[i],
			Tick:  tick,
			ID:    i + 1,
			Peers: peers,
			// Nine of ten test servers live for seconds.
			JavaOptions: []string{"-XX:TieredStopAtLevel=1"},
		}}
		if err := s.launch(); err != nil {
			c.Close()
			return nil, err
		}
		c.Servers = append(c.Servers, s)
	}
	if err := c.awaitServing(); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (c *Cluster) awaitServing() error {
	var g errgroup.Group
	for _, s := range c.Servers {
		g.Go(func() error { return s.AwaitServing(context.Background()) })
	}
	return g.Wait()
}

// Close ends the servers with SIGKILL and returns when they are gone.
func (c *Cluster) Close() {
	for _, s := range c.Servers {
		s.Kill()
	}
}

// Addrs are the servers' addresses.
func (c *Cluster) Addrs() []string {
	var addrs []string
	for _, s := range c.Servers {
		addrs = append(addrs, s.Addr())
	}
	return addrs
}

// Leader is the ensemble's leading server, which the test waits for.
func (c *Cluster) Leader(t testing.TB) *Server {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		for _, s := range c.Servers {
			if s.mode(ctx) == "leader" {
				return s
			}
		}
		select {
		case <-ctx.Done():
			t.Fatal("the ensemble found no leader")
		case <-again.C:
		}
	}
}

// Follower is a server of the ensemble that follows.
func (c *Cluster) Follower(t testing.TB) *Server {
	t.Helper()
	leader := c.Leader(t)
	for _, s := range c.Servers {
		if s != leader && s.mode(t.Context()) == "follower" {
			return s
		}
	}
	t.Fatal("the ensemble has no follower")
	return nil
}

func (s *Server) mode(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
	defer cancel()
	mode, err := zkserver.Mode(ctx, s.Addr())
	if err != nil {
		return "" // down or paused
	}
	return mode
}

func (s *Server) launch() error {
	server, err := zkserver.Launch(s.cfg)
	if err != nil {
		return err
	}
	s.Server = server
	return nil
}

// Restart starts the server anew on its own port and data, after it was ended, and returns when it serves; in an ensemble that
// needs another server to run.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	s.Kill()
	if err := s.launch(); err != nil {
		t.Fatalf("restart ZooKeeper: %v", err)
	}
	if err := s.AwaitServing(t.Context()); err != nil {
		t.Fatalf("restart ZooKeeper: %v", err)
	}
}
