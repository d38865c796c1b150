package zkcoord

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/medcommit/medcommit/txn"
)

func TestCommitAtEverySite(t *testing.T) {
	tc := newTestCluster(t)
	a, b := tc.site("a"), tc.site("b")
	c := tc.coordinator("c1")
	c.awaitSites("a", "b")
	got, err := c.Submit(context.Background(), handed("tx-1", "a", "b"))
	if err != nil {
		t.Fatal(err)
	}
	if !got.State.Commit() || got.ID != "tx-1" || len(got.Branches) != 2 || got.Branches[0].Vote != txn.VoteCommit {
		t.Fatalf("got %+v", got)
	}
	h := handed("tx-2", "a", "b")
	h.Wait = txn.WaitCompleted
	got, err = c.Submit(context.Background(), h)
	if err != nil || got.State != txn.StateCommitted || got.Completed == nil {
		t.Fatalf("got %+v, %v", got, err)
	}
	for _, id := range []string{"tx-1", "tx-2"} {
		if a.commits(id) != 1 || b.commits(id) != 1 {
			t.Errorf("%s is committed %d and %d times", id, a.commits(id), b.commits(id))
		}
	}
}

func TestAbortByVote(t *testing.T) {
	tc := newTestCluster(t)
	a, b := tc.site("a"), tc.site("b")
	b.votes(func(txn.Prepare) (txn.Ballot, bool) { return txn.Abort(txn.DetailRows), true })
	c := tc.coordinator("c1")
	c.awaitSites("a", "b")
	h := handed("tx", "a", "b")
	h.Wait = txn.WaitCompleted
	got, err := c.Submit(context.Background(), h)
	if err != nil || got.State != txn.StateAborted {
		t.Fatalf("got %+v, %v", got, err)
	}
	want := txn.Reason{Code: txn.ReasonVote, Participant: "b", Detail: txn.DetailRows}
	if got.Reason == nil || *got.Reason != want || got.Retryable == nil || *got.Retryable {
		t.Errorf("reason %+v, retryable %v", got.Reason, got.Retryable)
	}
	if a.commits("tx") != 0 || b.commits("tx") != 0 || a.inDoubt() != 0 {
		t.Error("something of it remains")
	}
}

func TestTimeout(t *testing.T) {
	tc := newTestCluster(t)
	tc.site("a")
	silent := tc.site("b")
	silent.votes(func(txn.Prepare) (txn.Ballot, bool) { return txn.Ballot{}, false })
	c := tc.coordinator("c1")
	c.awaitSites("a", "b")
	h := handed("tx", "a", "b")
	h.Timeout = 300 * time.Millisecond
	got, err := c.Submit(context.Background(), h)
	if err != nil || got.State.Commit() || got.Reason == nil || got.Reason.Code != txn.ReasonTimeout {
		t.Fatalf("got %+v, %v", got, err)
	}
	if got.Reason.Participant != "b" || !*got.Retryable {
		t.Errorf("reason %+v, retryable %v", got.Reason, *got.Retryable)
	}
}

func TestClientAbort(t *testing.T) {
	tc := newTestCluster(t)
	tc.site("a").votes(func(txn.Prepare) (txn.Ballot, bool) { return txn.Ballot{}, false })
	c1, c2 := tc.coordinator("c1"), tc.coordinator("c2")
	leader := awaitLeader(t, c1, c2)
	for _, c := range []*testCoordinator{c1, c2} {
		c.awaitSites("a")
		eventually(t, "the leader is known", func() bool { return c.roster.Load().leader == leader.cfg.ID })
		h := handed("tx-"+c.cfg.ID, "a")
		h.Wait = txn.WaitNone
		if got, err := c.Submit(context.Background(), h); err != nil || got.State != txn.StatePreparing {
			t.Fatalf("got %+v, %v", got, err)
		}
		got, err := c.Abort(context.Background(), h.ID)
		if err != nil || got.State.Commit() || got.Reason == nil || got.Reason.Code != txn.ReasonClient {
			t.Fatalf("abort through %s: %+v, %v", c.cfg.ID, got, err)
		}
		if again, err := c.Abort(context.Background(), h.ID); err != nil || again.State.Commit() {
			t.Fatalf("abort again: %+v, %v", again, err)
		}
	}
	if _, err := c2.Abort(context.Background(), "nobody"); !errors.Is(err, txn.ErrNotFound) {
		t.Errorf("an unknown id: %v", err)
	}
}

func TestAbortOfACommittedTransaction(t *testing.T) {
	tc := newTestCluster(t)
	tc.site("a")
	c := tc.coordinator("c1")
	c.awaitSites("a")
	if _, err := c.Submit(context.Background(), handed("tx", "a")); err != nil {
		t.Fatal(err)
	}
	got, err := c.Abort(context.Background(), "tx")
	if !errors.Is(err, txn.ErrAlreadyDecided) || !got.State.Commit() {
		t.Fatalf("got %+v, %v", got, err)
	}
}

func TestRefusals(t *testing.T) {
	tc := newTestCluster(t)
	tc.site("a").votes(func(txn.Prepare) (txn.Ballot, bool) { return txn.Ballot{}, false })
	away := tc.site("b")
	c := tc.coordinator("c1", func(cfg *Config) { cfg.MaxInFlight = 2 })
	c.awaitSites("a", "b")
	submit := func(id, site string) error {
		h := handed(id, site)
		h.Wait = txn.WaitNone
		_, err := c.Submit(context.Background(), h)
		return err
	}
	if err := submit("t1", "nobody"); !errors.Is(err, txn.ErrParticipantUnknown) {
		t.Errorf("an unknown participant: %v", err)
	}
	if p, err := c.Drain(context.Background(), "b"); err != nil || !p.Drained {
		t.Fatalf("drain: %+v, %v", p, err)
	}
	if err := submit("t2", "b"); !errors.Is(err, txn.ErrParticipantDrained) {
		t.Errorf("a drained participant: %v", err)
	}
	if p, err := c.Resume(context.Background(), "b"); err != nil || p.Drained {
		t.Fatalf("resume: %+v, %v", p, err)
	}
	away.stop()
	eventually(t, "b is away", func() bool { return c.roster.Load().admit("b") != nil })
	if err := submit("t3", "b"); !errors.Is(err, txn.ErrParticipantUnavailable) {
		t.Errorf("a participant that is away: %v", err)
	}
	for _, id := range []string{"t4", "t5"} {
		if err := submit(id, "a"); err != nil {
			t.Fatal(err)
		}
	}
	if err := submit("t6", "a"); !errors.Is(err, txn.ErrTooMany) {
		t.Errorf("too many: %v", err)
	}
	if err := submit("t4", "a"); err != nil {
		t.Errorf("asking again when too many are in flight: %v", err)
	}
	if _, err := c.Drain(context.Background(), "nobody"); !errors.Is(err, txn.ErrParticipantUnknown) {
		t.Errorf("drain an unknown participant: %v", err)
	}
}

func TestR6WhatOneAnsweredForIsFoundByTheOther(t *testing.T) {
	tc := newTestCluster(t)
	tc.site("a")
	c1, c2 := tc.coordinator("c1"), tc.coordinator("c2")
	c1.awaitSites("a")
	ctx := context.Background()
	for i := range 50 {
		h := handed(fmt.Sprintf("tx-%d", i), "a")
		h.Wait = txn.WaitNone
		if _, err := c1.Submit(ctx, h); err != nil {
			t.Fatal(err)
		}
		if _, err := c2.Transaction(ctx, h.ID); err != nil {
			t.Fatalf("%s: %v", h.ID, err)
		}
		h.Wait = txn.WaitDecision
		if _, err := c1.Submit(ctx, h); err != nil {
			t.Fatal(err)
		}
		if got, err := c2.Transaction(ctx, h.ID); err != nil || !got.State.Commit() {
			t.Fatalf("%s: %+v, %v", h.ID, got, err)
		}
	}
	if _, err := c2.Transaction(ctx, "nobody"); !errors.Is(err, txn.ErrNotFound) {
		t.Errorf("an unknown id: %v", err)
	}
}
