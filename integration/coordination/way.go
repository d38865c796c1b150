package main

import (
	"context"
	"fmt"
	"net"
	"strconv"

	"github.com/hashicorp/go-hclog"

	"github.com/medcommit/medcommit/api/client"
	"github.com/medcommit/medcommit/txn"
	"github.com/medcommit/medcommit/zkcoord"
	"github.com/medcommit/medcommit/zkcoord/zkserver"
)

// way is how the clients reach the coordinator.
type way struct {
	submit submitter
	stop   func()
}

func (s *settings) way(ctx context.Context, c *cluster, via string) (way, error) {
	switch via {
	case "embedded":
		return s.embedded(ctx, c)
	case "http":
		return s.http(ctx, c)
	}
	return way{}, fmt.Errorf("--via embedded,http, not %q", via)
}

// embedded runs the coordinator in this process.
func (s *settings) embedded(ctx context.Context, c *cluster) (way, error) {
	co, err := zkcoord.New(zkcoord.Config{
		ID: "c1", Advertise: "http://127.0.0.1:1", Retention: s.retention, MaxInFlight: siteSlots,
		ZooKeeper: zkcoord.DriverConfig{Servers: servers(c.addrs()), Root: root, SessionTimeout: sessionTimeout},
		Logger:    hclog.New(&hclog.LoggerOptions{Name: "c1", Level: hclog.Warn}),
	})
	if err != nil {
		return way{}, err
	}
	life, end := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- co.Run(life) }()
	w := way{
		submit: func(ctx context.Context, n int64) error { return committed(co.Submit(ctx, handed(c.names, n))) },
		stop:   func() { end(); <-ended },
	}
	err = until(ctx, "the coordinator", func() bool {
		if co.Ready() != nil {
			return false
		}
		list, err := co.Participants(ctx)
		info, leads := co.Cluster(ctx)
		return err == nil && ready(list) == len(c.names) && leads == nil && info.Leader != ""
	})
	if err != nil {
		w.stop()
	}
	return w, err
}

func ready(list []txn.ParticipantInfo) (n int) {
	for i := range list {
		if list[i].Ready {
			n++
		}
	}
	return n
}

// http runs the program's own coordinator.
func (s *settings) http(ctx context.Context, c *cluster) (way, error) {
	ports, err := zkserver.FreePorts(1)
	if err != nil {
		return way{}, err
	}
	listen := net.JoinHostPort("127.0.0.1", strconv.Itoa(ports[0]))
	co, err := startChild("coordinator", s.medcommit, "coordinator", "--id", "c1", "--zookeeper", c.addrs(), "--root", root, "--listen", listen,
		"--retention", s.retention.String(), "--session-timeout", sessionTimeout.String(), "--log-level", "warn")
	if err != nil {
		return way{}, err
	}
	c.children = append(c.children, co)
	cl, err := client.New(client.Config{Coordinators: []string{"http://" + listen}})
	if err != nil {
		return way{}, err
	}
	err = until(ctx, "the coordinator", func() bool {
		if cl.Ready(ctx, "http://"+listen) != nil {
			return false
		}
		info, err := cl.Cluster(ctx)
		return err == nil && info.Leader != "" && ready(info.Participants) == len(c.names)
	})
	submit := func(ctx context.Context, n int64) error {
		return committed(cl.SubmitJSON(ctx, body(c.names, n), txn.WaitDecision))
	}
	return way{submit: submit, stop: func() {}}, err
}
