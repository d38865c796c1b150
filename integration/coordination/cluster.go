package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/medcommit/medcommit/zkcoord/zkserver"
)

// root is the cluster's in ZooKeeper.
const root = "/medcommit"

func servers(list string) []string { return strings.Split(list, ",") }

// cluster is what one row of measurements runs on.
type cluster struct {
	dir      string
	zk       []*zkserver.Server
	children []*child
	names    []string // of the sites
}

func (c *cluster) addrs() string {
	var all []string
	for _, s := range c.zk {
		all = append(all, s.Addr())
	}
	return strings.Join(all, ",")
}

func startCluster(ctx context.Context, zooKeepers, sites int, profile string) (*cluster, error) {
	dir, err := os.MkdirTemp("", "coordination-")
	if err != nil {
		return nil, fmt.Errorf("make a folder: %w", err)
	}
	c := &cluster{dir: dir}
	err = c.startZooKeeper(ctx, zooKeepers)
	for i := 0; i < sites && err == nil; i++ {
		err = c.startSite(fmt.Sprintf("site-%d", i+1), profile)
	}
	if err != nil {
		c.stop()
		return nil, err
	}
	return c, nil
}

func (c *cluster) startSite(name, profile string) error {
	exe, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	args := []string{siteCommand, name, c.addrs()}
	if profile != "" {
		args = append(args, profile+"."+name)
	}
	site, err := startChild(name, exe, args...)
	if err != nil {
		return err
	}
	c.names, c.children = append(c.names, name), append(c.children, site)
	return nil
}

func (c *cluster) startZooKeeper(ctx context.Context, n int) error {
	ports, err := zkserver.FreePorts(3 * n)
	if err != nil {
		return err
	}
	var peers []zkserver.Peer
	if n > 1 {
		for i := range n {
			peers = append(peers, zkserver.Peer{QuorumPort: ports[n+i], ElectionPort: ports[2*n+i]})
		}
	}
	var g errgroup.Group
	for i := range n {
		s, err := zkserver.Launch(zkserver.Config{
			Dir: filepath.Join(c.dir, fmt.Sprintf("zookeeper-%d", i+1)), Port: ports[i], HeapMB: 2048 / n, ID: i + 1, Peers: peers,
		})
		if err != nil {
			return err
		}
		c.zk = append(c.zk, s)
		g.Go(func() error { return s.AwaitServing(ctx) })
	}
	return g.Wait()
}

func (c *cluster) stop() {
	for i := len(c.children) - 1; i >= 0; i-- {
		c.children[i].stop()
	}
	for _, s := range c.zk {
		s.Kill()
	}
	_ = os.RemoveAll(c.dir) // a folder that stays is a nuisance, no failure
}

// until asks again and again until yes, or for a minute.
func until(ctx context.Context, what string, yes func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !yes() {
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w", what, ctx.Err())
		case <-tick.C:
		}
	}
	return nil
}
