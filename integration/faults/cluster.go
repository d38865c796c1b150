package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/medcommit/medcommit/participant/dbtest"
	"github.com/medcommit/medcommit/zkcoord/zkserver"
	"github.com/medcommit/medcommit/zkcoord/zktest"
)

// What the roles are started with. Everything is shorter than the defaults, so that a round of faults shows what takes minutes
// elsewhere.
const (
	sessionTimeout = 2 * time.Second
	withdrawAfter  = 4 * time.Second
	retention      = 3 * time.Minute
	zookeeperTick  = 200 * time.Millisecond
)

// Ports. Every host has its own.
const (
	zookeeperPort = 2181
	quorumPort    = 2888
	electionPort  = 3888
	proxyPort     = 4000 // and above: one for each client of a ZooKeeper server
	listenPort    = 7070
)

// cluster is everything that runs.
type cluster struct {
	dir          string
	zookeeper    []*server
	coordinators []*role
	sites        []*site
}

// server is one ZooKeeper server, with a proxy for each of its clients.
type server struct {
	program
	proxies map[string]*zktest.Proxy // by the client's name
}

// role is a coordinator or a participant.
type role struct {
	program
	front *forward
}

func (r *role) url() string { return fmt.Sprintf("http://%s:%d", r.host.address, listenPort) }

// startCluster starts everything and returns when all of it is ready.
func startCluster(ctx context.Context, o options, loads []layout) (c *cluster, err error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	c = &cluster{dir: o.dir}
	defer func() {
		if err != nil {
			c.close()
		}
	}()
	if err := os.MkdirAll(filepath.Join(o.dir, "logs"), 0o755); err != nil {
		return c, fmt.Errorf("make the folder of logs: %w", err)
	}
	if err := makeBridge(); err != nil {
		return c, err
	}
	names := []string{"c1", "c2", "c3"}
	for _, k := range kinds {
		names = append(names, k.name)
	}
	if err := c.startZooKeeper(names); err != nil {
		return c, err
	}
	for i, name := range names[:3] {
		r, err := c.newRole(name, 21+i, o.program, "coordinator", "--id", name, "--retention", retention.String())
		if err != nil {
			return c, err
		}
		c.coordinators = append(c.coordinators, r)
	}
	for i, k := range kinds {
		s, err := c.newSite(ctx, k, 31+i, o.program, loads)
		if err != nil {
			return c, fmt.Errorf("make the site %s: %w", k.name, err)
		}
		c.sites = append(c.sites, s)
	}
	for _, r := range c.roles() {
		if err := r.start(); err != nil {
			return c, err
		}
	}
	return c, await(ctx, c.ready)
}

// startZooKeeper starts the ensemble; names are its clients.
func (c *cluster) startZooKeeper(names []string) error {
	var peers []zkserver.Peer
	for i := range 3 {
		h, err := newHost(fmt.Sprintf("z%d", i+1), 11+i)
		if err != nil {
			return err
		}
		peers = append(peers, zkserver.Peer{Host: h.address, QuorumPort: quorumPort, ElectionPort: electionPort})
		c.zookeeper = append(c.zookeeper, &server{program: program{name: h.name, host: h, log: c.log(h.name)}, proxies: map[string]*zktest.Proxy{}})
	}
	for i, s := range c.zookeeper {
		s.make = func() (*exec.Cmd, error) {
			return zkserver.Command(zkserver.Config{
				Dir: filepath.Join(c.dir, s.name), Host: s.host.address, Port: zookeeperPort, Tick: zookeeperTick, HeapMB: 256,
				ID: i + 1, Peers: peers, JavaOptions: []string{"-XX:TieredStopAtLevel=1"},
			})
		}
		if err := s.start(); err != nil {
			return err
		}
		for n, name := range names {
			l, err := s.host.listen(proxyPort + n)
			if err != nil {
				return fmt.Errorf("put a proxy before %s: %w", s.name, err)
			}
			s.proxies[name] = zktest.StartProxy(l, func() (net.Conn, error) { return s.host.dial(s.address()) })
		}
	}
	return nil
}

func (s *server) address() string { return fmt.Sprintf("%s:%d", s.host.address, zookeeperPort) }

// newRole makes a host and a process on it, which is not started.
func (c *cluster) newRole(name string, n int, exe, command string, args ...string) (*role, error) {
	h, err := newHost(name, n)
	if err != nil {
		return nil, err
	}
	var servers []string
	for _, s := range c.zookeeper {
		servers = append(servers, s.proxies[name].Addr())
	}
	r := &role{program: program{name: name, host: h, log: c.log(name)}}
	all := append([]string{
		command, "--zookeeper", strings.Join(servers, ","), "--listen", fmt.Sprintf("127.0.0.1:%d", listenPort), "--advertise", r.url(),
		"--session-timeout", sessionTimeout.String(), "--log-level", "debug",
	}, args...)
	r.make = func() (*exec.Cmd, error) { return exec.Command(exe, all...), nil }
	l, err := h.listen(listenPort)
	if err != nil {
		return nil, fmt.Errorf("listen before %s: %w", name, err)
	}
	r.front = newForward(l, func() (net.Conn, error) { return h.dial(fmt.Sprintf("127.0.0.1:%d", listenPort)) })
	return r, nil
}

func (c *cluster) log(name string) string { return filepath.Join(c.dir, "logs", name+".log") }

// roles are the coordinators and the participants.
func (c *cluster) roles() []*role {
	all := append([]*role{}, c.coordinators...)
	for _, s := range c.sites {
		all = append(all, s.role)
	}
	return all
}

// programs are all processes but the databases' servers.
func (c *cluster) programs() []*program {
	var all []*program
	for _, s := range c.zookeeper {
		all = append(all, &s.program)
	}
	for _, r := range c.roles() {
		all = append(all, &r.program)
	}
	return all
}

func (c *cluster) coordinatorURLs() []string {
	var urls []string
	for _, r := range c.coordinators {
		urls = append(urls, r.url())
	}
	return urls
}

// zookeeperLeader is the ZooKeeper server that leads, or nil where none says so at once.
func (c *cluster) zookeeperLeader(ctx context.Context) *server {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	leads := make([]bool, len(c.zookeeper))
	var g errgroup.Group
	for i, s := range c.zookeeper {
		g.Go(func() error {
			mode, err := zkserver.Mode(ctx, s.address())
			leads[i] = err == nil && mode == "leader"
			return nil
		})
	}
	_ = g.Wait() // nothing fails
	for i, s := range c.zookeeper {
		if leads[i] {
			return s
		}
	}
	return nil
}

// close ends everything and returns when it is gone.
func (c *cluster) close() {
	for _, p := range c.programs() {
		if p.proc != nil {
			p.kill()
		}
	}
	for _, r := range c.roles() {
		if r.front != nil {
			r.front.close()
		}
	}
	for _, s := range c.zookeeper {
		for _, p := range s.proxies {
			p.Close()
		}
	}
	for _, s := range c.sites {
		s.close()
	}
}

// database is a server of dbtest.
type database interface {
	Start(ctx context.Context) error
	Kill() error
	PID() int
	Address() string
}

var (
	_ database = (*dbtest.Postgres)(nil)
	_ database = (*dbtest.MariaDB)(nil)
)
