package zkcoord

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/medcommit/medcommit/txn"
)

func TestAdmissionLeavesRoom(t *testing.T) {
	fill := func(a *admission, set string) (n int, err error) {
		for {
			if err = a.enter(set); err != nil {
				return n, err
			}
			n++
		}
	}
	a := newAdmission(4096)
	for i, want := range []int{2048, 1024} {
		set := fmt.Sprint("slow", i)
		if n, err := fill(a, set); n != want || !errors.Is(err, txn.ErrParticipantsBusy) || !errors.Is(err, txn.ErrTooMany) {
			t.Errorf("%d over a slow set, %v", n, err)
		}
		if err := a.look(set); !errors.Is(err, txn.ErrParticipantsBusy) {
			t.Errorf("one more would hear %v", err)
		}
	}
	for range 10_000 { // a quick set keeps few in flight, and is never kept out
		if err := a.enter("quick"); err != nil {
			t.Fatal(err)
		}
		a.leave("quick")
	}
	for range 2048 {
		a.leave("slow0")
	}
	for range 1024 {
		a.leave("slow1")
	}
	if n := a.count(); n != 0 || len(a.over) != 0 {
		t.Errorf("%d are left, over %v", n, a.over)
	}
	// A small limit is everybody's.
	small := newAdmission(always)
	if n, err := fill(small, "one"); n != always || errors.Is(err, txn.ErrParticipantsBusy) || !errors.Is(err, txn.ErrTooMany) {
		t.Errorf("%d, %v", n, err)
	}
	if one, another := handed("", "a", "b"), handed("", "b", "a"); participantSet(one.Branches) != participantSet(another.Branches) {
		t.Error("the order of branches makes another set")
	}
}

// TestSilentSiteKeepsNobodyOut fills a coordinator with transactions of a site that does not answer.
func TestSilentSiteKeepsNobodyOut(t *testing.T) {
	tc := newTestCluster(t)
	tc.site("silent").votes(func(txn.Prepare) (txn.Ballot, bool) { return txn.Ballot{}, false })
	tc.site("a")
	tc.site("b")
	c := tc.coordinator("c1", func(cfg *Config) { cfg.MaxInFlight = 400 })
	c.awaitSites("silent", "a", "b")
	flood := func(names ...string) int {
		for n := 0; ; n++ {
			h := handed(fmt.Sprintf("flood-%d-%d", len(names), n), names...)
			h.Wait, h.Timeout = txn.WaitNone, time.Minute
			if _, err := c.Submit(context.Background(), h); errors.Is(err, txn.ErrParticipantsBusy) {
				return n
			} else if err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := flood("silent"); n != 200 {
		t.Errorf("%d of a silent site were taken in", n)
	}
	if n := flood("silent", "a"); n != 100 {
		t.Errorf("%d of a silent site and another were taken in", n)
	}
	for i := range 300 {
		names := [][]string{{"a"}, {"a", "b"}}[i%2]
		if got, err := c.Submit(context.Background(), handed(fmt.Sprintf("tx-%d", i), names...)); err != nil || !got.State.Commit() {
			t.Fatalf("a transaction of %v: %+v, %v", names, got, err)
		}
	}
}
