package zkcoord

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/medcommit/medcommit/txn"
	"github.com/medcommit/medcommit/zkcoord/zktest"
)

func TestCutR6LostAnswers(t *testing.T) {
	tc := newTestCluster(t)
	a, b := tc.site("a"), tc.site("b")
	leader := tc.apart("c1")
	awaitLeader(t, leader)
	standby := tc.apart("c2")
	cs := []*testCoordinator{leader, standby}
	var stops []func() (int, []error)
	for i, c := range cs {
		c.awaitSites("a", "b")
		for j := range 4 {
			stops = append(stops, traffic(c, fmt.Sprintf("tx-%d-%d", i, j), "a", "b"))
		}
	}
	for round := range 40 {
		c := cs[round%2]
		lose := c.proxy.LoseAnswer
		if round%4 >= 2 {
			lose = c.proxy.LoseRequest
		}
		select {
		case <-lose(zktest.Multi):
		case <-time.After(testPatience):
			t.Fatal("no multi comes")
		}
	}
	eventually(t, "forty are committed", func() bool { return a.total() >= 40 && b.total() >= 40 })
	committed := 0
	for _, stop := range stops {
		n, failed := stop()
		committed += n
		for _, err := range failed {
			t.Error(err)
		}
	}
	if committed < 40 {
		t.Errorf("only %d are committed", committed)
	}
	eventually(t, "all is committed at both sites, once", func() bool {
		return a.total() == committed && b.total() == committed && a.inDoubt() == 0 && b.inDoubt() == 0
	})
}

func TestCutSessionIsLostWhileACallerWaits(t *testing.T) {
	tc := newTestCluster(t)
	tc.site("a").votes(func(txn.Prepare) (txn.Ballot, bool) { return txn.Ballot{}, false })
	leader := tc.coordinator("c1")
	awaitLeader(t, leader)
	standby := tc.apart("c2")
	standby.awaitSites("a")
	leader.awaitSites("a")
	h := handed("tx", "a")
	h.Timeout = 20 * time.Second
	type result struct {
		t   txn.Transaction
		err error
	}
	answers := make(chan result, 1)
	go func() {
		got, err := standby.Submit(context.Background(), h)
		answers <- result{got, err}
	}()
	eventually(t, "it is in the log", func() bool {
		_, err := leader.Transaction(context.Background(), "tx")
		return err == nil
	})
	standby.proxy.Refuse()
	if got, err := leader.Abort(context.Background(), "tx"); err != nil || got.State.Commit() {
		t.Fatalf("abort: %+v, %v", got, err)
	}
	eventually(t, "its record is gone from the live logs", func() bool {
		live := true
		err := leader.ask(context.Background(), func() {
			live = false
			leader.machine.EachLive("", func(txn.Transaction) bool { live = true; return false })
		})
		return err == nil && !live
	})
	eventually(t, "the standby notices", func() bool { return standby.Ready() != nil })
	if _, err := standby.Submit(context.Background(), handed("other", "a")); err == nil {
		t.Error("a submission without a session is taken")
	}
	standby.proxy.Allow(t)
	got := <-answers
	if got.err != nil || got.t.State != txn.StateAborted || got.t.Reason.Code != txn.ReasonClient {
		t.Errorf("the caller hears %+v, %v", got.t, got.err)
	}
	if n := standby.inFlight.count(); n != 0 {
		t.Errorf("%d are counted as in flight", n)
	}
}
