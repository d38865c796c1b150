package participant_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/medcommit/medcommit/txn"
	"github.com/medcommit/medcommit/zkcoord/zktest"
)

// TestCutSessions: a site loses its session again and again under load; what it has prepared is never lost, nothing is done at one
// site only, and nothing is left.
func TestCutSessions(t *testing.T) {
	r := newRig(t)
	proxy := zktest.NewProxy(t, r.zk.Servers[0])
	direct := r.zk
	r.zk.Servers = []string{proxy.Addr()}
	a := r.start("alpha", t.TempDir())
	r.zk = direct
	b := r.start("beta", t.TempDir())
	r.ready("alpha", "beta")
	r.submit(branches{"alpha": {put("stock", 1000)}, "beta": {put("stock", 1000)}})

	var clients sync.WaitGroup
	var stop atomic.Bool
	var committed, aborted, other atomic.Int64
	for c := range 8 {
		clients.Go(func() {
			for i := 0; !stop.Load(); i++ {
				by, id := (c+i)%7-3, fmt.Sprintf("done/%d-%d", c, i)
				h := r.handed(branches{"alpha": {add("stock", by), put(id, by)}, "beta": {add("stock", -by), put(id, by)}})
				h.Wait = txn.WaitDecision
				tx, err := r.coordinator.Submit(t.Context(), h)
				switch {
				case err != nil:
					other.Add(1)
				case tx.State.Commit():
					committed.Add(1)
				default:
					aborted.Add(1)
				}
			}
		})
	}
	for range 3 {
		before := committed.Load()
		r.eventually("some commits", func() bool { return committed.Load() > before+50 })
		proxy.Refuse()
		r.eventually("the site to notice", func() bool { return a.Ready() != nil })
		r.gone("alpha")
		proxy.Allow(t)
		r.ready("alpha")
	}
	stop.Store(true)
	clients.Wait()
	t.Logf("%d committed, %d aborted, %d refused", committed.Load(), aborted.Load(), other.Load())
	for _, s := range []*site{a, b} {
		r.eventually("nothing to be left prepared", func() bool {
			left, err := s.store.Prepared(t.Context())
			return err == nil && len(left) == 0
		})
	}
	r.sameAtBoth(a, b, int(committed.Load()))
}

// TestCutInventory: a site's answer to who asks what is prepared there is lost on its way; the site writes it again, unasked, and in
// time for who waits for it.
func TestCutInventory(t *testing.T) {
	r := newRig(t)
	proxy := zktest.NewProxy(t, r.zk.Servers[0])
	r.zk.Servers = []string{proxy.Addr()}
	r.start("alpha", t.TempDir())
	r.ready("alpha")
	r.eventually("the answer", func() bool {
		lost := proxy.LoseMulti(txn.InDoubtPath("alpha"))
		list, err := r.coordinator.InDoubt(t.Context())
		proxy.Forgive()
		select {
		case <-lost:
		default:
			t.Fatalf("no answer was lost: %+v, %v", list, err)
		}
		return err == nil && len(list.Unanswered) == 0
	})
}

// sameAtBoth demands that both sites have the same transfers, at least as many as were heard of, and that no stock was lost.
func (r *rig) sameAtBoth(a, b *site, heard int) {
	r.Helper()
	transfers := [2]map[string]int{{}, {}}
	sum := 0
	for i, s := range []*site{a, b} {
		n, err := numberAt(s.store, "stock")
		if err != nil {
			r.Fatal(err)
		}
		sum += n
		for cursor := ""; ; {
			page, next, err := s.store.Records("done/", 1000, cursor)
			if err != nil {
				r.Fatal(err)
			}
			for _, record := range page {
				if transfers[i][record.Key], err = numberAt(s.store, record.Key); err != nil {
					r.Fatal(err)
				}
			}
			if cursor = next; next == "" {
				break
			}
		}
	}
	if sum != 2000 {
		r.Errorf("the stocks are %d, want 2000", sum)
	}
	if len(transfers[0]) < heard || len(transfers[0]) != len(transfers[1]) {
		r.Errorf("%d transfers at one site, %d at the other, %d heard of", len(transfers[0]), len(transfers[1]), heard)
	}
	for key := range transfers[0] {
		if _, ok := transfers[1][key]; !ok {
			r.Errorf("%s is at one site only", key)
		}
	}
}
