package zkcoord

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/medcommit/medcommit/txn"
)

func TestR3OneIDThroughTwoCoordinators(t *testing.T) {
	tc := newTestCluster(t)
	a, b := tc.site("a"), tc.site("b")
	c1, c2 := tc.coordinator("c1"), tc.coordinator("c2")
	c1.awaitSites("a", "b")
	c2.awaitSites("a", "b")
	const rounds = 20
	for i := range rounds {
		id := fmt.Sprintf("tx-%d", i)
		var group sync.WaitGroup
		answers := make([]txn.Transaction, 4)
		errs := make([]error, 4)
		for j := range answers {
			c := []*testCoordinator{c1, c2}[j%2]
			group.Go(func() { answers[j], errs[j] = c.Submit(context.Background(), handed(id, "a", "b")) })
		}
		group.Wait()
		for j := range answers {
			if errs[j] != nil || !answers[j].State.Commit() {
				t.Fatalf("%s, submission %d: %+v, %v", id, j, answers[j], errs[j])
			}
			if answers[j].Key != answers[0].Key {
				t.Errorf("%s: two submissions got two outcomes", id)
			}
		}
	}
	for i := range rounds {
		id := fmt.Sprintf("tx-%d", i)
		eventually(t, id+" is committed once at both", func() bool { return a.commits(id) == 1 && b.commits(id) == 1 })
	}
	page, err := c1.Transactions(context.Background(), txn.Filter{Limit: 1000})
	if err != nil || len(page.Transactions) != rounds {
		t.Errorf("%d transactions are listed, %v", len(page.Transactions), err)
	}
}

func TestR3TwoBodiesUnderOneID(t *testing.T) {
	tc := newTestCluster(t)
	tc.site("a")
	c1, c2 := tc.coordinator("c1"), tc.coordinator("c2")
	c1.awaitSites("a")
	c2.awaitSites("a")
	for i := range 10 {
		id := fmt.Sprintf("tx-%d", i)
		var group sync.WaitGroup
		errs := make([]error, 2)
		for j, c := range []*testCoordinator{c1, c2} {
			h := handed(id, "a")
			h.Digest = fmt.Sprintf("digest-%d", j)
			group.Go(func() { _, errs[j] = c.Submit(context.Background(), h) })
		}
		group.Wait()
		reused := 0
		for _, err := range errs {
			if errors.Is(err, txn.ErrIDReuse) {
				reused++
			} else if err != nil {
				t.Fatal(err)
			}
		}
		if reused != 1 {
			t.Fatalf("%s: %v", id, errs)
		}
	}
}

// A standby that has not looked at what is gone from history since finds that out when it is asked.
func TestForgottenIDAtAStandby(t *testing.T) {
	tc := newTestCluster(t)
	tc.site("a")
	c1 := tc.coordinator("c1", func(cfg *Config) { cfg.Retention, cfg.HorizonEvery = 4*time.Second, 200*time.Millisecond })
	c1.awaitSites("a")
	ctx := context.Background()
	for _, id := range []string{"tx-1", "tx-2"} {
		h := handed(id, "a")
		h.Wait = txn.WaitCompleted
		if _, err := c1.Submit(ctx, h); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "they are retired", func() bool {
		n := txn.Counts{InFlight: 1}
		err := c1.ask(ctx, func() { n = c1.machine.Counts() })
		return err == nil && n.InFlight == 0 && n.History == 2
	})
	c2 := tc.coordinator("c2", func(cfg *Config) { cfg.Retention, cfg.HorizonEvery = 4*time.Second, time.Hour })
	c2.awaitSites("a")
	eventually(t, "they are forgotten", func() bool {
		_, err := c1.Transaction(ctx, "tx-1")
		return errors.Is(err, txn.ErrNotFound)
	})
	begun := time.Now()
	if _, err := c2.Submit(ctx, handed("tx-1", "a")); err != nil {
		t.Errorf("the id as new at the standby: %v", err)
	}
	again, err := c1.Submit(ctx, handed("tx-2", "a"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := c2.Transaction(ctx, "tx-2"); err != nil || got.Key != again.Key {
		t.Errorf("the new transaction %s under a forgotten id is %s, %v", again.Key, got.Key, err)
	}
	if took := time.Since(begun); took > 3*time.Second {
		t.Errorf("it took %v", took)
	}
}

// A transaction is committed and forgotten while the coordinator that took it in hears nothing of ZooKeeper. Its client, which waits
// there, is not told that nothing was started.
func TestForgottenWhileItsClientWaits(t *testing.T) {
	tc := newTestCluster(t)
	tc.session = 10 * time.Second
	a := tc.site("a")
	working, proceed := make(chan struct{}), make(chan struct{})
	a.votes(func(txn.Prepare) (txn.Ballot, bool) {
		close(working)
		<-proceed
		return txn.Commit(), true
	})
	short := func(cfg *Config) { cfg.Retention, cfg.HorizonEvery = 2*time.Second, 100*time.Millisecond }
	c1 := tc.coordinator("c1", short)
	c2 := tc.apart("c2", short)
	c2.awaitSites("a")
	ctx := context.Background()
	h := handed("tx", "a")
	h.Timeout = time.Minute
	got, errs := calling(t, func() (txn.Transaction, error) { return c2.Submit(ctx, h) })
	<-working
	eventually(t, "it is known where its client waits", func() bool { _, err := c2.Transaction(ctx, "tx"); return err == nil })
	c2.proxy.Hold()
	close(proceed)
	eventually(t, "it is committed", func() bool { return a.commits("tx") == 1 })
	eventually(t, "it is forgotten", func() bool {
		_, err := c1.Transaction(ctx, "tx")
		return errors.Is(err, txn.ErrNotFound)
	})
	c2.proxy.Release()
	if tx, err := <-got, <-errs; !errors.Is(err, txn.ErrPerhaps) {
		t.Errorf("its client hears %+v, %v", tx, err)
	}
}

func TestRetireListAndForget(t *testing.T) {
	tc := newTestCluster(t)
	site := tc.site("a")
	c1 := tc.coordinator("c1", func(cfg *Config) { cfg.Retention, cfg.HorizonEvery = 4*time.Second, 200*time.Millisecond })
	c2 := tc.coordinator("c2", func(cfg *Config) { cfg.Retention, cfg.HorizonEvery = 4*time.Second, 200*time.Millisecond })
	c1.awaitSites("a")
	c2.awaitSites("a")
	ctx := context.Background()
	const many = 250
	var group sync.WaitGroup
	for i := range many {
		group.Go(func() {
			h := handed(fmt.Sprintf("tx-%03d", i), "a")
			h.Wait = txn.WaitCompleted
			if _, err := c1.Submit(ctx, h); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	eventually(t, "they are retired", func() bool {
		n := 0
		err := c2.ask(ctx, func() { n = c2.machine.Counts().History })
		return err == nil && n == many
	})
	seen := map[string]bool{}
	last := txn.Key("~")
	for cursor, pages := "", 0; ; pages++ {
		page, err := c2.Transactions(ctx, txn.Filter{Limit: 100, Cursor: cursor, Participant: "a"})
		if err != nil {
			t.Fatal(err)
		}
		for _, tx := range page.Transactions {
			if seen[tx.ID] || tx.Key >= last || tx.State != txn.StateCommitted {
				t.Fatalf("listed out of order, twice or wrongly: %+v", tx)
			}
			seen[tx.ID], last = true, tx.Key
		}
		if cursor = page.Next; cursor == "" {
			if pages != 2 {
				t.Errorf("%d pages follow the first", pages)
			}
			break
		}
	}
	if len(seen) != many {
		t.Errorf("%d transactions are listed", len(seen))
	}
	if page, err := c2.Transactions(ctx, txn.Filter{Limit: 10, State: txn.StateAborted}); err != nil || len(page.Transactions) != 0 {
		t.Errorf("aborted ones: %+v, %v", page, err)
	}
	got, err := c2.Transaction(ctx, "tx-007")
	if err != nil || got.State != txn.StateCommitted || got.Completed == nil || got.Branches[0].Outcome != txn.OutcomeCommitted {
		t.Fatalf("from history: %+v, %v", got, err)
	}
	again, err := c2.Submit(ctx, handed("tx-007", "a"))
	if err != nil || again.Key != got.Key || site.commits("tx-007") != 1 {
		t.Fatalf("the same request again: %+v, %v, committed %d times", again, err, site.commits("tx-007"))
	}
	other := handed("tx-007", "a")
	other.Digest = "another"
	if _, err := c2.Submit(ctx, other); !errors.Is(err, txn.ErrIDReuse) {
		t.Errorf("another body under its id: %v", err)
	}
	eventually(t, "they are forgotten", func() bool {
		_, err := c1.Transaction(ctx, "tx-007")
		return errors.Is(err, txn.ErrNotFound)
	})
	eventually(t, "by the standby too", func() bool {
		page, err := c2.Transactions(ctx, txn.Filter{Limit: 10})
		return err == nil && len(page.Transactions) == 0
	})
	if got, err = c2.Submit(ctx, handed("tx-007", "a")); err != nil || got.Key == again.Key {
		t.Errorf("after the retention it is a new transaction: %+v, %v", got, err)
	}
}

func TestGenerations(t *testing.T) {
	tc := newTestCluster(t)
	small := func(pc *txn.ParticipantConfig) { pc.GenerationSize = 20 }
	a, b := tc.site("a", small), tc.site("b", small)
	tweak := func(cfg *Config) {
		cfg.GenerationSize, cfg.Retention, cfg.HorizonEvery = 20, 2*time.Second, 200*time.Millisecond
	}
	c1, c2 := tc.coordinator("c1", tweak), tc.coordinator("c2", tweak)
	c1.awaitSites("a", "b")
	c2.awaitSites("a", "b")
	const rounds = 120
	for i := range rounds {
		id := fmt.Sprintf("tx-%d", i)
		got, err := []*testCoordinator{c1, c2}[i%2].Submit(context.Background(), handed(id, "a", "b"))
		if err != nil || !got.State.Commit() {
			t.Fatalf("%s: %+v, %v", id, got, err)
		}
	}
	for i := range rounds {
		id := fmt.Sprintf("tx-%d", i)
		eventually(t, id+" is committed once at both", func() bool { return a.commits(id) == 1 && b.commits(id) == 1 })
	}
	generations, err := c1.driver.list(context.Background(), c1.driver.path(txn.Log{Kind: txn.Transactions}.Path()))
	if err != nil || len(generations) < 3 {
		t.Errorf("submissions are in the generations %v, %v", generations, err)
	}
}

func TestLargePayload(t *testing.T) {
	tc := newTestCluster(t)
	a, b := tc.site("a"), tc.site("b")
	c := tc.coordinator("c1")
	c.awaitSites("a", "b")
	h := handed("tx", "a", "b")
	h.Branches[0].Payload = make([]byte, 3<<20)
	for i := range h.Branches[0].Payload {
		h.Branches[0].Payload[i] = byte(i * i >> 3)
	}
	h.Wait = txn.WaitCompleted
	got, err := c.Submit(context.Background(), h)
	if err != nil || got.State != txn.StateCommitted {
		t.Fatalf("got %+v, %v", got, err)
	}
	if a.payload("tx") != 3<<20 || b.payload("tx") == 0 {
		t.Errorf("the payloads came with %d and %d bytes", a.payload("tx"), b.payload("tx"))
	}
	eventually(t, "its parts are gone", func() bool {
		heads, err := c.driver.list(context.Background(), c.driver.path(payloadsPath))
		return err == nil && len(heads) == 0
	})
}

func TestFullHistoryRefuses(t *testing.T) {
	tc := newTestCluster(t)
	tc.site("a")
	c := tc.coordinator("c1", func(cfg *Config) { cfg.HistoryBytes = 200 })
	c.awaitSites("a")
	ctx := context.Background()
	eventually(t, "the history is full", func() bool {
		_, err := c.Submit(ctx, handed(string(newKey(time.Now())), "a"))
		if err != nil && !errors.Is(err, txn.ErrHistoryFull) {
			t.Fatal(err)
		}
		return err != nil
	})
}
