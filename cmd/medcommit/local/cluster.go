package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/medcommit/medcommit/zkcoord/zkserver"
)

// Config is what a local cluster is started with.
type Config struct {
	// Dir keeps the cluster's data and logs, and cluster.json once it is ready.
	Dir string
	// Exe is the program whose commands coordinator and participant are run.
	Exe string
	// ZooKeeper is a running one, HOST:PORT,...; empty starts a private one from the jars that ZooKeeperHome names (empty: the
	// distribution's).
	ZooKeeper     string
	ZooKeeperHome string
	// Root is the cluster's root in ZooKeeper. Default /medcommit.
	Root string
	// Coordinators is their number. Default 3.
	Coordinators int
	// Sites are the participants.
	Sites []Site
	// LogLevel of the children. Default info.
	LogLevel string
	// CoordinatorFlags and SiteFlags are further flags of every coordinator and of every site, and Env, as NAME=VALUE, what they all
	// find in their environment beside that of this process.
	CoordinatorFlags, SiteFlags, Env []string
	// Through gives children another way to ZooKeeper, by their names: through a proxy that can cut them off.
	Through map[string]string
	// Detached lets the children go on when this process ends; else they end with it.
	Detached bool
}

// Site is one participant, with its catalogue of operations (YAML).
type Site struct {
	Name      string
	Catalogue []byte
	// Resource is the URL of its database; empty: an embedded store.
	Resource string
}

// Cluster is a running one. Its methods are for one goroutine.
type Cluster struct {
	cfg          Config
	zk           *zkserver.Server // nil where it is not ours
	servers      string
	coordinators []*process
	sites        []*process
	lock         *os.File
}

// Start starts everything and waits until all of it is ready; then it writes cluster.json. After an error nothing is left running.
func Start(ctx context.Context, cfg Config) (*Cluster, error) {
	if cfg.Coordinators == 0 {
		cfg.Coordinators = 3
	}
	if cfg.LogLevel == "" {
		cfg.LogLevel = "info"
	}
	c := &Cluster{cfg: cfg}
	if err := c.start(ctx); err != nil {
		c.Stop()
		return nil, err
	}
	return c, nil
}

func (c *Cluster) start(ctx context.Context) error {
	dir, err := filepath.Abs(c.cfg.Dir)
	if err != nil {
		return fmt.Errorf("find the data folder: %w", err)
	}
	c.cfg.Dir = dir
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	if c.lock, err = lock(dir); err != nil {
		return err
	}
	// What an earlier run wrote is not true of this one.
	if err := os.Remove(c.description()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove the old description: %w", err)
	}
	ports, err := zkserver.FreePorts(1 + c.cfg.Coordinators + len(c.cfg.Sites))
	if err != nil {
		return fmt.Errorf("find free ports: %w", err)
	}
	if err := c.startZooKeeper(ctx, ports[0]); err != nil {
		return err
	}
	for i := range c.cfg.Coordinators {
		c.coordinators = append(c.coordinators, c.coordinator(fmt.Sprintf("c%d", i+1), ports[1+i]))
	}
	for i, s := range c.cfg.Sites {
		p, err := c.site(s, ports[1+c.cfg.Coordinators+i])
		if err != nil {
			return err
		}
		c.sites = append(c.sites, p)
	}
	g, gctx := errgroup.WithContext(ctx)
	for _, p := range append(append([]*process{}, c.coordinators...), c.sites...) {
		if err := p.start(nil); err != nil {
			return err
		}
		g.Go(func() error { return p.awaitReady(gctx) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for _, p := range c.coordinators {
		if err := p.awaitSites(ctx, len(c.sites)); err != nil {
			return err
		}
	}
	return c.describe()
}

func (c *Cluster) startZooKeeper(ctx context.Context, port int) error {
	if c.cfg.ZooKeeper != "" {
		c.servers = c.cfg.ZooKeeper
		return nil
	}
	zk, err := zkserver.Start(ctx, zkserver.Config{Dir: filepath.Join(c.cfg.Dir, "zookeeper"), Port: port, Home: c.cfg.ZooKeeperHome, Detached: c.cfg.Detached})
	if err != nil {
		return err
	}
	c.zk, c.servers = zk, zk.Addr()
	return nil
}

func (c *Cluster) coordinator(id string, port int) *process {
	return c.child(id, port, "coordinator", append([]string{"--id", id}, c.cfg.CoordinatorFlags...)...)
}

func (c *Cluster) site(s Site, port int) (*process, error) {
	dir := filepath.Join(c.cfg.Dir, "sites", s.Name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of %s: %w", s.Name, err)
	}
	args := append([]string{"--name", s.Name, "--data", dir}, c.cfg.SiteFlags...)
	if s.Resource != "" {
		args = append(args, "--resource", s.Resource)
	}
	if len(s.Catalogue) > 0 {
		file := filepath.Join(dir, "operations.yaml")
		if err := os.WriteFile(file, s.Catalogue, 0o600); err != nil {
			return nil, fmt.Errorf("write the catalogue of %s: %w", s.Name, err)
		}
		args = append(args, "--operations", file)
	}
	return c.child(s.Name, port, "participant", args...), nil
}

func (c *Cluster) child(name string, port int, command string, args ...string) *process {
	addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	servers := c.servers
	if through, ok := c.cfg.Through[name]; ok {
		servers = through
	}
	all := append([]string{command, "--zookeeper", servers, "--listen", addr, "--log-level", c.cfg.LogLevel}, args...)
	if c.cfg.Root != "" {
		all = append(all, "--root", c.cfg.Root)
	}
	return &process{
		name: name, detached: c.cfg.Detached, url: "http://" + addr, exe: c.cfg.Exe, args: all, env: c.cfg.Env,
		log: filepath.Join(c.cfg.Dir, "logs", name+".log"),
	}
}

// Description is cluster.json: where everything is.
type Description struct {
	ZooKeeper    string        `json:"zookeeper"`
	Coordinators []Coordinator `json:"coordinators"`
	Participants []Participant `json:"participants"`
}

// Coordinator is one coordinator's line in cluster.json.
type Coordinator struct {
	ID  string `json:"id"`
	URL string `json:"url"`
	PID int    `json:"pid"`
}

// Participant is one participant's line in cluster.json.
type Participant struct {
	Name string `json:"name"`
	URL  string `json:"url"`
	PID  int    `json:"pid"`
}

// Describe gives the cluster as it runs now.
func (c *Cluster) Describe() Description {
	d := Description{ZooKeeper: c.servers}
	for _, p := range c.coordinators {
		d.Coordinators = append(d.Coordinators, Coordinator{p.name, p.url, p.proc.Pid})
	}
	for _, p := range c.sites {
		d.Participants = append(d.Participants, Participant{p.name, p.url, p.proc.Pid})
	}
	return d
}

func (c *Cluster) description() string { return filepath.Join(c.cfg.Dir, "cluster.json") }

// describe writes cluster.json at once or not at all: who waits for it never reads half of it.
func (c *Cluster) describe() error {
	text, err := json.MarshalIndent(c.Describe(), "", "  ")
	if err != nil {
		return fmt.Errorf("describe the cluster: %w", err)
	}
	part := c.description() + ".part"
	if err := os.WriteFile(part, append(text, '\n'), 0o600); err != nil {
		return fmt.Errorf("describe the cluster: %w", err)
	}
	if err := os.Rename(part, c.description()); err != nil {
		return fmt.Errorf("describe the cluster: %w", err)
	}
	return nil
}

// Kill ends the coordinator or site of that name with SIGKILL.
func (c *Cluster) Kill(name string) {
	if p := c.find(name); p != nil {
		p.kill()
	}
}

// Restart starts a killed coordinator or site again, and waits until it is ready.
func (c *Cluster) Restart(ctx context.Context, name string) error {
	if err := c.Launch(name); err != nil {
		return err
	}
	if err := c.AwaitReady(ctx, name); err != nil {
		return err
	}
	for _, at := range c.coordinators {
		if at.running() {
			if err := at.awaitSites(ctx, c.running(c.sites)); err != nil {
				return err
			}
		}
	}
	return c.describe()
}

// running counts those of ps that run.
func (c *Cluster) running(ps []*process) int {
	n := 0
	for _, p := range ps {
		if p.running() {
			n++
		}
	}
	return n
}

func (c *Cluster) find(name string) *process {
	for _, p := range append(append([]*process{}, c.coordinators...), c.sites...) {
		if p.name == name {
			return p
		}
	}
	return nil
}

// ZooKeeperPID is the private ZooKeeper's process id, or 0 where it is not ours.
func (c *Cluster) ZooKeeperPID() int {
	if c.zk == nil {
		return 0
	}
	return c.zk.PID()
}

// Ended gives the names of the children that have ended.
func (c *Cluster) Ended() []string {
	var names []string
	for _, p := range append(append([]*process{}, c.coordinators...), c.sites...) {
		if !p.running() {
			names = append(names, p.name)
		}
	}
	if c.zk != nil {
		select {
		case <-c.zk.Done():
			names = append(names, "zookeeper")
		default:
		}
	}
	return names
}

// Stop ends everything in order: sites, coordinators, ZooKeeper. It returns when all of it is gone.
func (c *Cluster) Stop() {
	if c.lock == nil { // nothing was started, and what is in the folder is another cluster's
		return
	}
	defer c.lock.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	for _, group := range [][]*process{c.sites, c.coordinators} {
		var g errgroup.Group
		for _, p := range group {
			g.Go(func() error { p.stop(ctx); return nil })
		}
		_ = g.Wait() // stop has no error: what does not end in order is killed
	}
	if c.zk != nil {
		_ = c.zk.Stop(ctx) // what does not end in order is killed
	}
	_ = os.Remove(c.description()) // it may never have been written
}
