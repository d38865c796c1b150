package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/medcommit/medcommit/txn"
	"github.com/medcommit/medcommit/zkcoord/zkserver"
)

// meter prints a line of measurements.
type meter struct {
	c           *cluster
	last        time.Time
	lastDone    int
	site, coord time.Duration // the last restart of a site, and start of a coordinator, under load
}

func newMeter(c *cluster) *meter { return &meter{c: c, last: time.Now()} }

func (m *meter) head() {
	fmt.Println("transactions     tx/s | resident MiB: leader  standby  site a  generator  zookeeper | znodes  data MiB | ready after: site b  coordinator")
}

// restarts kills a site and starts it again, and then starts a coordinator, all under load, and keeps how long each took to be ready.
func (m *meter) restarts(ctx context.Context) error {
	m.c.end(workB)
	began := time.Now()
	if err := m.c.startSite(ctx, workB); err != nil {
		return err
	}
	m.site = time.Since(began)
	began = time.Now()
	if err := m.c.startCoordinator(ctx, "c3"); err != nil {
		return err
	}
	m.coord = time.Since(began)
	m.c.end("c3")
	return nil
}

func (m *meter) line(ctx context.Context, done int) error {
	rate := float64(done-m.lastDone) / time.Since(m.last).Seconds()
	m.last, m.lastDone = time.Now(), done
	nodes, bytes, err := m.tree(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("%12d %8.0f | %20d %8d %7d %10d %10d | %6d %9.1f | %19s %12s\n", done, rate,
		m.resident("c1"), m.resident("c2"), m.resident(workA), residentOf(os.Getpid()), residentOf(m.c.zk.PID()),
		nodes, float64(bytes)/(1<<20), m.site.Round(time.Millisecond), m.coord.Round(time.Millisecond))
	return nil
}

// tree gives the number of nodes in ZooKeeper and the bytes they hold.
func (m *meter) tree(ctx context.Context) (nodes, bytes int, err error) {
	answer, err := zkserver.Ask(ctx, m.c.zk.Addr(), "mntr")
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(answer) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "\t")
		n, _ := strconv.Atoi(value) // those that are read here are numbers
		switch name {
		case "zk_znode_count":
			nodes = n
		case "zk_approximate_data_size":
			bytes = n
		}
	}
	return nodes, bytes, nil
}

func (m *meter) resident(name string) int {
	if cmd := m.c.procs[name]; cmd != nil {
		return residentOf(cmd.Process.Pid)
	}
	return 0
}

// residentOf gives a process's resident memory, in MiB.
func residentOf(pid int) int {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, _ := strconv.Atoi(strings.Fields(rest)[0])
			return kb >> 10
		}
	}
	return 0
}

// takeOver kills the leader and tells how long it is until the first decision of the next one.
func (m *meter) takeOver(ctx context.Context) error {
	info, err := m.c.gen.Cluster(ctx)
	if err != nil {
		return err
	}
	if m.c.procs[info.Leader] == nil {
		fmt.Printf("the leader is %s, not a process of its own: no take-over\n", info.Leader)
		return nil
	}
	m.c.end(info.Leader)
	began := time.Now()
	_, err = m.c.submit(ctx, txn.Handed{
		ID: "take-over", Digest: "d", Timeout: time.Minute,
		Branches: []txn.HandedBranch{{Participant: workA, Payload: payload("k")}, {Participant: workB, Payload: payload("k")}},
	})
	fmt.Printf("the leader %s was killed; the next one decided after %s (%v)\n", info.Leader, time.Since(began).Round(time.Millisecond), err)
	return nil
}

// forgotten waits until retention has passed and little is left in ZooKeeper, and prints the last line.
func (m *meter) forgotten(ctx context.Context) error {
	const few = 200
	err := m.c.await(ctx, "what is over its retention is forgotten", func() bool {
		nodes, _, err := m.tree(ctx)
		return err == nil && nodes < few
	})
	if lineErr := m.line(context.WithoutCancel(ctx), m.lastDone); lineErr != nil {
		return lineErr
	}
	return err
}
