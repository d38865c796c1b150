package zkcoord

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/medcommit/medcommit/txn"
)

// traffic submits one transaction after another through c until it is stopped, and gives how many were committed and what failed.
func traffic(c *testCoordinator, prefix string, names ...string) (stop func() (committed int, failed []error)) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	var committed int
	var failed []error
	go func() {
		defer close(done)
		for i := 0; ctx.Err() == nil; i++ {
			got, err := c.Submit(context.Background(), handed(fmt.Sprintf("%s-%d", prefix, i), names...))
			switch {
			case err != nil:
				failed = append(failed, err)
			case got.State.Commit():
				committed++
			default:
				failed = append(failed, fmt.Errorf("%s is %s, %+v", got.ID, got.State, got.Reason))
			}
		}
	}()
	return func() (int, []error) {
		cancel()
		<-done
		return committed, failed
	}
}

// awaitSighting waits until c keeps a connection to the leader.
func (c *testCoordinator) awaitSighting(leader *testCoordinator) {
	c.t.Helper()
	eventually(c.t, c.cfg.ID+" is connected to the leader", func() bool {
		sighted := ""
		err := c.ask(context.Background(), func() { sighted = c.sighted })
		return err == nil && sighted != "" && sighted == leader.roster.Load().leaderNonce
	})
}

func TestOrderlyStopHandsOver(t *testing.T) {
	tc := newTestCluster(t)
	tc.site("a")
	c1, c2 := tc.coordinator("c1"), tc.coordinator("c2")
	leader := awaitLeader(t, c1, c2)
	other := c1
	if leader == c1 {
		other = c2
	}
	other.awaitSites("a")
	stop := traffic(other, "tx", "a")
	began := time.Now()
	leader.stop()
	awaitLeader(t, other)
	took := time.Since(began)
	committed, failed := stop()
	if len(failed) > 0 || committed == 0 {
		t.Errorf("%d are committed; %v", committed, failed)
	}
	if took > time.Second {
		t.Errorf("the hand-over took %v", took)
	}
}

func TestCutOffLeaderIsReplaced(t *testing.T) {
	tc := newTestCluster(t)
	site := tc.site("a")
	c1 := tc.apart("c1")
	awaitLeader(t, c1)
	c2 := tc.apart("c2")
	c2.awaitSites("a")
	c1.awaitSites("a")
	epoch := c1.roster.Load().epoch
	c1.proxy.Hold()
	// What the old leader is told now waits in its client, and must not be decided by it later on.
	h := handed("late", "a")
	h.Wait = txn.WaitNone
	late := make(chan error, 1)
	go func() {
		_, err := c1.Submit(context.Background(), h)
		late <- err
	}()
	awaitLeader(t, c2)
	if got, err := c2.Submit(context.Background(), handed("tx", "a")); err != nil || !got.State.Commit() || got.Coordinator != "c2" {
		t.Fatalf("got %+v, %v", got, err)
	}
	c1.proxy.Release()
	c1.awaitReady()
	eventually(t, "the old leader follows", func() bool {
		r := c1.roster.Load()
		return r.leader == "c2" && r.epoch > epoch && c1.term.Load() == nil && c1.Ready() == nil
	})
	if got, err := c1.Transaction(context.Background(), "tx"); err != nil || !got.State.Commit() {
		t.Errorf("got %+v, %v", got, err)
	}
	if err := <-late; err != nil && !errors.Is(err, txn.ErrPerhaps) && !errors.Is(err, txn.ErrUnavailable) {
		t.Errorf("submit through a leader that is cut off: %v", err)
	}
	if got, err := c1.Submit(context.Background(), handed("tx-2", "a")); err != nil || !got.State.Commit() || got.Coordinator != "c2" {
		t.Fatalf("got %+v, %v", got, err)
	}
	eventually(t, "it is committed once", func() bool { return site.commits("tx") == 1 && site.commits("tx-2") == 1 })
}

func TestCutEarlyTakeOver(t *testing.T) {
	tc := newTestCluster(t)
	tc.session = 10 * time.Second
	tc.site("a")
	c1 := tc.apart("c1")
	awaitLeader(t, c1)
	c2, c3 := tc.coordinator("c2"), tc.coordinator("c3")
	for _, c := range []*testCoordinator{c2, c3} {
		c.awaitSites("a")
		c.awaitSighting(c1)
	}
	// As a process that is killed: nothing more is sent to ZooKeeper, and its connections and its listener are gone.
	began := time.Now()
	c1.proxy.Hold()
	c1.server.Close()
	leader := awaitLeader(t, c2, c3)
	got, err := leader.Submit(context.Background(), handed("tx", "a"))
	took := time.Since(began)
	if err != nil || !got.State.Commit() {
		t.Fatalf("got %+v, %v", got, err)
	}
	if took > time.Second {
		t.Errorf("the take-over took %v", took)
	}
	t.Logf("the take-over took %v", took)
	if n := failovers(t, leader); n != 1 {
		t.Errorf("%d fail-overs are measured", n)
	}
	c1.proxy.Release()
	eventually(t, "the old leader is deposed", func() bool { return c1.term.Load() == nil && c1.Ready() == nil })
}

// failovers gives how many fail-overs c has measured.
func failovers(t *testing.T, c *testCoordinator) uint64 {
	t.Helper()
	families, err := c.cfg.Registerer.(*prometheus.Registry).Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "medcommit_failover_duration_seconds" {
			return f.GetMetric()[0].GetHistogram().GetSampleCount()
		}
	}
	return 0
}

func TestSameIDTwice(t *testing.T) {
	tc := newTestCluster(t)
	old := tc.coordinator("c1")
	awaitLeader(t, old)
	young := tc.coordinator("c1")
	awaitLeader(t, young)
	select {
	case err := <-old.done:
		if !errors.Is(err, ErrReplaced) {
			t.Errorf("the older process ends with %v", err)
		}
	case <-time.After(testPatience):
		t.Fatal("the older process does not end")
	}
	old.done <- nil
	eventually(t, "the younger one leads", func() bool { return young.roster.Load().leader == "c1" && young.term.Load() != nil })
}

func TestCutLeaderStartedAgainAtOnceCountsAsGone(t *testing.T) {
	tc := newTestCluster(t)
	tc.session = 10 * time.Second
	tc.site("a")
	c1 := tc.apart("c1")
	awaitLeader(t, c1)
	c2 := tc.coordinator("c2")
	c2.awaitSites("a")
	c2.awaitSighting(c1)
	c1.proxy.Hold()
	c1.server.Close()
	// Another process answers at the same address before anybody could be refused.
	listener, err := net.Listen("tcp", strings.TrimPrefix(c1.cfg.Advertise, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	again, err := New(c1.cfg.again())
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: again.LeaderHandler()}
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
	began := time.Now()
	awaitLeader(t, c2)
	if took := time.Since(began); took > time.Second {
		t.Errorf("the take-over took %v", took)
	}
	c1.proxy.Release()
}

// again is the configuration of the same coordinator's next process.
func (c Config) again() Config {
	c.Registerer, c.ZooKeeper.Registerer = prometheus.NewRegistry(), nil
	return c
}

func TestSilentLeaderIsNotTakenForDead(t *testing.T) {
	tc := newTestCluster(t)
	c1, c2 := tc.coordinator("c1"), tc.coordinator("c2")
	leader := awaitLeader(t, c1, c2)
	other := c1
	if leader == c1 {
		other = c2
	}
	other.awaitSighting(leader)
	epoch := leader.roster.Load().epoch
	// The connection ends, and the same process takes the next one: it is there.
	for range 5 {
		if err := other.ask(context.Background(), func() { other.sighted = "" }); err != nil {
			t.Fatal(err)
		}
		leader.conns.cut()
		other.awaitSighting(leader)
	}
	if err := other.ask(context.Background(), func() { other.leaderDied("another nonce") }); err != nil {
		t.Fatal(err)
	}
	if now := leader.roster.Load().epoch; now != epoch || leader.term.Load() == nil {
		t.Errorf("the epoch went from %d to %d", epoch, now)
	}
}

func TestAllCoordinatorsAndASiteStartAnew(t *testing.T) {
	tc := newTestCluster(t)
	a, b := tc.site("a"), tc.site("b")
	b.votes(func(txn.Prepare) (txn.Ballot, bool) { return txn.Ballot{}, false })
	c1, c2 := tc.coordinator("c1"), tc.coordinator("c2")
	c1.awaitSites("a", "b")
	h := handed("tx", "a", "b")
	h.Wait, h.Timeout = txn.WaitNone, time.Minute
	if _, err := c1.Submit(context.Background(), h); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a is in doubt", func() bool { return a.inDoubt() == 1 })
	c1.stop()
	c2.stop()
	b.stop()
	b.votes(func(txn.Prepare) (txn.Ballot, bool) { return txn.Commit(), true })
	startSite(t, tc.zookeeper(), "b", b.testDatabase)
	c3 := tc.coordinator("c3")
	h.Wait = txn.WaitCompleted
	eventually(t, "b is seen", func() bool { return c3.roster.Load().admit("b") == nil })
	got, err := c3.Submit(context.Background(), h)
	if err != nil || got.State != txn.StateCommitted || a.commits("tx") != 1 || b.commits("tx") != 1 {
		t.Errorf("%+v, %v; committed %d and %d times", got, err, a.commits("tx"), b.commits("tx"))
	}
}

func TestCutLeaderAndNextInLine(t *testing.T) {
	tc := newTestCluster(t)
	tc.site("a")
	c1 := tc.apart("c1")
	awaitLeader(t, c1)
	c2 := tc.apart("c2")
	c3 := tc.coordinator("c3")
	c3.awaitSites("a")
	for _, c := range []*testCoordinator{c1, c2} {
		c.proxy.Hold()
		c.server.Close()
	}
	began := time.Now()
	awaitLeader(t, c3)
	if took := time.Since(began); took > 2*tc.session {
		t.Errorf("the third leads after %v", took)
	}
	if got, err := c3.Submit(context.Background(), handed("tx", "a")); err != nil || !got.State.Commit() {
		t.Errorf("got %+v, %v", got, err)
	}
	c1.proxy.Release()
	c2.proxy.Release()
}
