package zkcoord

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

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
		return r.leader == "c2" && r.epoch > epoch && c1.term.Load() == nil
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
		eventually(t, "it is connected to the leader", func() bool {
			sighted := ""
			err := c.ask(context.Background(), func() { sighted = c.sighted })
			return err == nil && sighted == c1.roster.Load().leaderNonce
		})
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
	c1.proxy.Release()
	eventually(t, "the old leader is deposed", func() bool { return c1.term.Load() == nil && c1.Ready() == nil })
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
