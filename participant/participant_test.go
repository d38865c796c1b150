package participant_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/medcommit/medcommit/participant"
	"github.com/medcommit/medcommit/participant/embedded"
	"github.com/medcommit/medcommit/txn"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
)

func TestTwoSites(t *testing.T) {
	r := newRig(t)
	a, b := r.start("alpha", t.TempDir()), r.start("beta", t.TempDir())
	r.ready("alpha", "beta")
	if tx := r.submit(branches{"alpha": {put("k", 5)}, "beta": {put("k", 7)}}); tx.State != txn.StateCommitted {
		t.Fatalf("got %+v", tx)
	}
	r.want(a, "k", 5)
	r.want(b, "k", 7)

	tx := r.submit(branches{"alpha": {add("k", 1)}, "beta": {add("k", -8)}})
	if tx.State != txn.StateAborted || tx.Reason == nil || *tx.Reason != (txn.Reason{Code: txn.ReasonVote, Participant: "beta", Detail: txn.DetailBounds}) {
		t.Errorf("got %+v, %+v", tx, tx.Reason)
	}
	tx = r.submit(branches{"alpha": {{Name: "unknown"}}, "beta": {add("k", 1)}})
	if tx.State != txn.StateAborted || tx.Reason == nil || tx.Reason.Detail != txn.DetailInternal {
		t.Errorf("got %+v, %+v", tx, tx.Reason)
	}
	check := operation("check", map[string]any{"key": "k", "exists": true})
	if tx = r.submit(branches{"alpha": {check}, "beta": {add("k", 1)}}); tx.State != txn.StateCommitted {
		t.Errorf("got %+v, %+v", tx, tx.Reason)
	}
	large := operation("put", map[string]any{"key": "large", "value": map[string]any{"text": strings.Repeat("ab", 400_000)}})
	if tx = r.submit(branches{"alpha": {large}, "beta": {add("k", 1)}}); tx.State != txn.StateCommitted {
		t.Errorf("a large payload: %+v, %+v", tx, tx.Reason)
	}
	r.want(a, "k", 5)
	r.want(b, "k", 9)

	problems, err := testutil.GatherAndLint(a.metrics)
	if err != nil || len(problems) > 0 {
		t.Errorf("promlint: %v, %v", problems, err)
	}
	// Beta's vote to abort may have been decided before alpha had anything to vote with: then alpha never voted on that one.
	const voted = `
# HELP medcommit_votes_total Votes that the participant has written.
# TYPE medcommit_votes_total counter
medcommit_votes_total{participant="alpha",vote="abort"} 1
medcommit_votes_total{participant="alpha",vote="commit"} %d
medcommit_votes_total{participant="alpha",vote="read-only"} 1
`
	metrics := fmt.Sprintf(voted, 3)
	if err := testutil.GatherAndCompare(a.metrics, strings.NewReader(metrics), "medcommit_votes_total"); err != nil {
		metrics = fmt.Sprintf(voted, 2)
		if testutil.GatherAndCompare(a.metrics, strings.NewReader(metrics), "medcommit_votes_total") != nil {
			t.Error(err)
		}
	}
	if problems, err := promlint.New(bytes.NewReader([]byte(metrics))).Lint(); err != nil || len(problems) > 0 {
		t.Errorf("promlint: %v, %v", problems, err)
	}
}

// TestRestartInDoubt: a participant ends while its branch is in doubt; the next process commits it.
func TestRestartInDoubt(t *testing.T) {
	r := newRig(t)
	dir := t.TempDir()
	a, b := r.start("alpha", dir), r.start("beta", t.TempDir())
	r.ready("alpha", "beta")
	holder := txn.XID{Cluster: "held", Key: "00000000000000000000000000", Participant: "beta"}
	if _, err := b.store.Prepare(t.Context(), holder, putCalls(t)); err != nil {
		t.Fatal(err)
	}
	done := make(chan txn.Transaction, 1)
	go func() { done <- r.submit(branches{"alpha": {put("k", 5)}, "beta": {put("k", 7)}}) }()
	r.eventually("alpha to be prepared", func() bool {
		left, err := a.store.Prepared(t.Context())
		return err == nil && len(left) == 1
	})
	a.stop(r)
	a = r.start("alpha", dir)
	r.eventually("alpha to be ready", func() bool { return a.Ready() == nil })
	if err := b.store.Rollback(t.Context(), holder); err != nil {
		t.Fatal(err)
	}
	if tx := <-done; tx.State != txn.StateCommitted {
		t.Fatalf("got %+v, %+v", tx, tx.Reason)
	}
	r.want(a, "k", 5)
	r.want(b, "k", 7)
	// What others left in the store is none of the participant's business.
	if _, err := b.store.Prepare(t.Context(), holder, putCalls(t)); err != nil {
		t.Fatal(err)
	}
}

// putCalls is a call that holds record "k".
func putCalls(t *testing.T) []participant.Call {
	t.Helper()
	c, err := participant.OpenCatalogue().ForKind(participant.KindEmbedded)
	if err != nil {
		t.Fatal(err)
	}
	calls, err := c.Calls(txn.WorkRequest{Operations: []txn.Operation{put("k", 1)}}, "id", "beta")
	if err != nil {
		t.Fatal(err)
	}
	return calls
}

// TestReplaced: a process that has nothing to do ends when another one has taken its name, which then has its database.
func TestReplaced(t *testing.T) {
	r := newRig(t)
	dir := t.TempDir()
	first := r.start("alpha", dir)
	r.ready("alpha")
	second := r.start("alpha", dir)
	err := <-first.done
	first.done <- nil
	first.stop(r)
	if !errors.Is(err, participant.ErrReplaced) || !strings.Contains(err.Error(), "another process runs as alpha") {
		t.Errorf("got %v", err)
	}
	r.eventually("the second to be ready", func() bool { return second.Ready() == nil })
}

// TestDatabaseNotThere: the process waits for its database, says so, and goes on when it is there.
func TestDatabaseNotThere(t *testing.T) {
	r := newRig(t)
	dir := t.TempDir()
	other, err := embedded.New(embedded.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Open(t.Context(), "", "", 0); err != nil {
		t.Fatal(err)
	}
	s := r.start("alpha", dir)
	r.eventually("the participant to say what it waits for", func() bool {
		err := s.Ready()
		return err != nil && strings.Contains(err.Error(), embedded.ErrInUse.Error())
	})
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	r.ready("alpha")
	if tx := r.submit(branches{"alpha": {put("k", 5)}}); tx.State != txn.StateCommitted {
		t.Errorf("got %+v", tx)
	}
}

// TestManyClients: transfers between two sites, many at once; sums are kept, nothing is left.
func TestManyClients(t *testing.T) {
	r := newRig(t)
	a, b := r.start("alpha", t.TempDir()), r.start("beta", t.TempDir())
	r.ready("alpha", "beta")
	r.submit(branches{"alpha": {put("stock", 1000)}, "beta": {put("stock", 1000)}})
	var group sync.WaitGroup
	for c := range 32 {
		group.Go(func() {
			for i := range 20 {
				by := (c+i)%7 - 3
				id := fmt.Sprintf("done/%d-%d", c, i)
				r.submit(branches{"alpha": {add("stock", by), put(id, by)}, "beta": {add("stock", -by), put(id, by)}})
			}
		})
	}
	group.Wait()
	sum := 0
	for _, s := range []*site{a, b} {
		n, err := numberAt(s.store, "stock")
		if err != nil {
			t.Fatal(err)
		}
		sum += n
		if left, err := s.store.Prepared(t.Context()); err != nil || len(left) > 0 {
			t.Errorf("%d branches are left, %v", len(left), err)
		}
	}
	if sum != 2000 {
		t.Errorf("the stocks are %d, want 2000", sum)
	}
	for c := range 32 {
		for i := range 20 {
			id := fmt.Sprintf("done/%d-%d", c, i)
			x, errX := numberAt(a.store, id)
			y, errY := numberAt(b.store, id)
			if x != y || errX != nil || errY != nil {
				t.Errorf("%s is %d at one site and %d at the other", id, x, y)
			}
		}
	}
}
