package integration

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/medcommit/medcommit/api/client"
	"github.com/medcommit/medcommit/cmd/medcommit/local"
	"github.com/medcommit/medcommit/txn"
	"github.com/medcommit/medcommit/zkcoord/zktest"
)

// TestClinical makes a transaction of every prescription, over MariaDB, PostgreSQL and the embedded store at once, sixteen at a
// time, over an ensemble of three ZooKeeper servers and three coordinators; it kills the leader and each participant once; and it
// audits with SQL what clients were told.
func TestClinical(t *testing.T) {
	all := prescriptions(t)
	stock, scarce := stockFor(all)
	s := startSites(t, stock)
	ensemble := zktest.StartEnsemble(t)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	cluster, err := local.Start(ctx, local.Config{
		Dir: t.TempDir(), Exe: program, ZooKeeper: strings.Join(ensemble.Addrs(), ","), Sites: s.local(), LogLevel: "debug",
	})
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Stop()
	run := &clinic{t: t, cluster: cluster, client: connect(t, cluster), told: map[string]txn.Transaction{}}
	run.fill(ctx, all)
	run.settle(ctx)
	s.audit(ctx, t, cluster, all, run.told)
	if n := run.count(false); n == 0 || scarce == 0 {
		t.Error("nothing was refused: the test had no abort to look at")
	}
	t.Logf("%d committed, %d aborted", run.count(true), run.count(false))
}

// stockFor gives every drug enough stock for its prescriptions, but every fifth drug less, so that some must be refused.
func stockFor(all []prescription) (stock map[string]int, scarce int) {
	stock = map[string]int{}
	for _, p := range all {
		stock[p.drug] += p.quantity
	}
	for i, drug := range slices.Sorted(maps.Keys(stock)) {
		if i%5 == 0 {
			stock[drug] /= 2
			scarce++
		}
	}
	return stock, scarce
}

func connect(t *testing.T, cluster *local.Cluster) *client.Client {
	var urls []string
	for _, c := range cluster.Describe().Coordinators {
		urls = append(urls, c.URL)
	}
	c, err := client.New(client.Config{Coordinators: urls, Patience: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// clinic hands prescriptions in and keeps what it was told.
type clinic struct {
	t       *testing.T
	cluster *local.Cluster
	client  *client.Client

	mu   sync.Mutex
	told map[string]txn.Transaction // by id
	done int
}

// fill works off the prescriptions while it kills, at a fifth of the way each, the leader and the participants.
func (c *clinic) fill(ctx context.Context, all []prescription) {
	killed := make(chan error, 1)
	go func() { killed <- c.killAll(ctx, len(all)) }()
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(16)
	for _, p := range all {
		g.Go(func() error { return c.prescribe(gctx, p) })
	}
	if err := errors.Join(g.Wait(), <-killed); err != nil {
		c.t.Fatal(err)
	}
}

func (c *clinic) killAll(ctx context.Context, total int) error {
	info, err := c.client.Cluster(ctx)
	if err != nil {
		return err
	}
	for i, name := range []string{info.Leader, "orders", "pharmacy", "emr"} {
		if err := c.reach(ctx, total*(i+1)/6); err != nil {
			return err
		}
		c.cluster.Kill(name)
		if err := c.cluster.Restart(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

func (c *clinic) reach(ctx context.Context, n int) error {
	return await(ctx, func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.done >= n
	})
}

// await waits for a condition until ctx ends.
func await(ctx context.Context, condition func() bool) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
	return nil
}

// prescribe carries one prescription to an end that will not change: what aborts for a passing reason is tried again.
func (c *clinic) prescribe(ctx context.Context, p prescription) error {
	for attempt := 1; ; attempt++ {
		t, err := c.decide(ctx, p.request(attempt))
		if err != nil {
			return err
		}
		c.mu.Lock()
		c.told[t.ID] = t
		final := t.State.Commit() || t.Retryable == nil || !*t.Retryable
		if final {
			c.done++
		}
		c.mu.Unlock()
		if final {
			return nil
		}
	}
}

// decide asks under the one id until the outcome is known.
func (c *clinic) decide(ctx context.Context, r txn.Request) (txn.Transaction, error) {
	var t txn.Transaction
	var last error
	err := await(ctx, func() bool {
		t, last = c.client.Submit(ctx, r, txn.WaitDecision)
		return last == nil && t.State.Decided()
	})
	return t, errors.Join(err, last)
}

func (p prescription) request(attempt int) txn.Request {
	args, err := json.Marshal(map[string]any{"order": p.order, "patient": p.patient, "drug": p.drug, "quantity": p.quantity})
	if err != nil {
		panic(err)
	}
	r := txn.Request{ID: fmt.Sprintf("%s.%d", p.order, attempt)}
	for _, site := range []string{"orders", "pharmacy", "emr"} {
		r.Branches = append(r.Branches, txn.BranchRequest{
			Participant: site, Operations: []txn.Operation{{Name: operation[site], Arguments: args}},
		})
	}
	return r
}

// settle waits until nothing is in flight or in doubt.
func (c *clinic) settle(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	var info txn.ClusterInfo
	err := await(ctx, func() bool {
		var err error
		info, err = c.client.Cluster(ctx)
		return err == nil && info.InFlight == 0 && info.InDoubt == 0
	})
	if err != nil {
		c.t.Errorf("%d in flight and %d in doubt after a minute", info.InFlight, info.InDoubt)
	}
}

func (c *clinic) count(committed bool) int {
	n := 0
	for _, t := range c.told {
		if t.State.Commit() == committed {
			n++
		}
	}
	return n
}
