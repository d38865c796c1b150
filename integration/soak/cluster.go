package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/medcommit/medcommit/zkcoord"
	"github.com/medcommit/medcommit/zkcoord/zkserver"
)

// The participants: two that work, and one that is away.
const (
	workA = "a"
	workB = "b"
	away  = "away"
)

// patience is how long anything may take to come about.
const patience = 2 * time.Minute

// cluster is what runs.
type cluster struct {
	settings settings
	dir      string
	self     string // this program
	zk       *zkserver.Server
	procs    map[string]*exec.Cmd
	urls     map[string]string

	gen     *zkcoord.Coordinator // embedded: where the transactions come from
	stopGen func()
}

func startCluster(ctx context.Context, s settings) (c *cluster, err error) {
	c = &cluster{settings: s, procs: map[string]*exec.Cmd{}, urls: map[string]string{}}
	defer func() {
		if err != nil {
			c.stop()
		}
	}()
	if c.dir, err = os.MkdirTemp("", "medcommit-soak-"); err != nil {
		return nil, err
	}
	if c.self, err = os.Executable(); err != nil {
		return nil, err
	}
	ports, err := zkserver.FreePorts(1)
	if err != nil {
		return nil, err
	}
	c.zk, err = zkserver.Start(ctx, zkserver.Config{Dir: filepath.Join(c.dir, "zookeeper"), Port: ports[0], HeapMB: s.heapMB})
	if err != nil {
		return nil, err
	}
	for _, id := range []string{"c1", "c2"} {
		if err := c.startCoordinator(ctx, id); err != nil {
			return nil, err
		}
	}
	for _, name := range []string{workA, workB} {
		if err := c.startSite(ctx, name); err != nil {
			return nil, err
		}
	}
	if err := c.startAway(ctx); err != nil {
		return nil, err
	}
	return c, c.embed(ctx)
}

// start starts a child at an address of its own, and waits until it is ready.
func (c *cluster) start(ctx context.Context, name, exe string, args ...string) error {
	if c.urls[name] == "" {
		ports, err := zkserver.FreePorts(1)
		if err != nil {
			return err
		}
		c.urls[name] = net.JoinHostPort("127.0.0.1", strconv.Itoa(ports[0]))
	}
	log, err := os.OpenFile(filepath.Join(c.dir, name+".log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(exe, append(args, "--listen", c.urls[name])...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", name, err)
	}
	c.procs[name] = cmd
	return c.await(ctx, name+" is ready", func() bool {
		res, err := http.Get("http://" + c.urls[name] + "/readyz")
		if err != nil {
			return false
		}
		res.Body.Close()
		return res.StatusCode == http.StatusOK
	})
}

func (c *cluster) startCoordinator(ctx context.Context, id string) error {
	return c.start(ctx, id, c.settings.exe, "coordinator", "--id", id, "--zookeeper", c.zk.Addr(), "--log-level", "warn",
		"--retention", c.settings.retention.String())
}

func (c *cluster) startSite(ctx context.Context, name string) error {
	return c.start(ctx, name, c.self, siteCommand, "--name", name, "--zookeeper", c.zk.Addr(), "--data", filepath.Join(c.dir, name+".json"))
}

func (c *cluster) startAway(ctx context.Context) error {
	return c.start(ctx, away, c.settings.exe, "participant", "--name", away, "--zookeeper", c.zk.Addr(), "--log-level", "warn",
		"--data", filepath.Join(c.dir, away))
}

// embed runs a coordinator in this process; the first of the others leads already.
func (c *cluster) embed(ctx context.Context) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	c.gen, err = zkcoord.New(zkcoord.Config{
		ID: "gen", Advertise: "http://" + l.Addr().String(), Version: "soak", Retention: c.settings.retention,
		ZooKeeper: zkcoord.DriverConfig{Servers: []string{c.zk.Addr()}},
		Logger:    hclog.New(&hclog.LoggerOptions{Level: hclog.Warn, Output: os.Stderr}),
	})
	if err != nil {
		return err
	}
	server := &http.Server{Handler: c.gen.LeaderHandler(), ReadHeaderTimeout: 5 * time.Second}
	go server.Serve(l)
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- c.gen.Run(running) }()
	c.stopGen = func() {
		cancel()
		<-ended
		server.Close()
	}
	return c.await(ctx, "the embedded coordinator sees three sites", func() bool {
		sites, err := c.gen.Participants(ctx)
		ready := 0
		for _, s := range sites {
			if s.Ready {
				ready++
			}
		}
		return err == nil && ready == 3 && c.gen.Ready() == nil
	})
}

// await waits until is is true.
func (c *cluster) await(ctx context.Context, what string, is func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("wait until %s: %w; the logs are in %s", what, ctx.Err(), c.dir)
		}
	}
	return nil
}

// end ends a child with SIGKILL and returns when it is gone.
func (c *cluster) end(name string) {
	if cmd := c.procs[name]; cmd != nil {
		delete(c.procs, name)
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()
	}
}

// stop ends everything and removes what it wrote.
func (c *cluster) stop() {
	if c.stopGen != nil {
		c.stopGen()
	}
	for name := range c.procs {
		c.end(name)
	}
	if c.zk != nil {
		c.zk.Kill()
	}
	if os.Getenv("KEEP") == "" {
		os.RemoveAll(c.dir)
	}
}

// outstanding counts the transactions that concern the participant that is away, by state.
func (c *cluster) outstanding(ctx context.Context, at string) (map[string]int, error) {
	counts, cursor := map[string]int{}, ""
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.urls[at]+"/v1/transactions?limit=1000&participant="+away+"&cursor="+cursor, nil)
		if err != nil {
			return nil, err
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return nil, err
		}
		var page struct {
			Transactions []struct {
				State string `json:"state"`
			} `json:"transactions"`
			Next string `json:"next"`
		}
		err = json.NewDecoder(res.Body).Decode(&page)
		res.Body.Close()
		if err != nil {
			return nil, err
		}
		for _, t := range page.Transactions {
			counts[t.State]++
		}
		if cursor = page.Next; cursor == "" {
			return counts, nil
		}
	}
}
