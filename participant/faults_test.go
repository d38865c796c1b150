package participant_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/medcommit/medcommit/participant"
	"github.com/medcommit/medcommit/participant/embedded"
	"github.com/medcommit/medcommit/txn"
)

var errInjected = errors.New("injected")

// faulty is a store whose answers get lost.
type faulty struct {
	*embedded.Store
	loseRequest atomic.Bool  // of the next prepare, which is then not carried out
	loseAnswer  atomic.Bool  // of the next prepare
	lookups     atomic.Int32 // how many of the next look-ups fail
	commits     atomic.Int32 // how many of the next commits fail
}

func (f *faulty) Prepare(ctx context.Context, x txn.XID, calls []participant.Call) (txn.Ballot, error) {
	if f.loseRequest.CompareAndSwap(true, false) {
		return txn.Ballot{}, participant.ErrInDoubt
	}
	ballot, err := f.Store.Prepare(ctx, x, calls)
	if f.loseAnswer.CompareAndSwap(true, false) {
		return txn.Ballot{}, participant.ErrInDoubt
	}
	return ballot, err
}

func (f *faulty) Lookup(ctx context.Context, x txn.XID) (participant.Standing, error) {
	if f.lookups.Add(-1) >= 0 {
		return participant.StandingNone, errInjected
	}
	return f.Store.Lookup(ctx, x)
}

func (f *faulty) Commit(ctx context.Context, x txn.XID) error {
	if f.commits.Add(-1) >= 0 {
		return errInjected
	}
	return f.Store.Commit(ctx, x)
}

func startFaulty(t *testing.T) (*rig, *site, *faulty) {
	r := newRig(t)
	f := &faulty{}
	r.wrap = func(s *embedded.Store) participant.ResourceManager {
		f.Store = s
		return f
	}
	s := r.start("alpha", t.TempDir())
	r.ready("alpha")
	return r, s, f
}

// TestLostAnswerToPrepare: the database is asked until it says whether the branch is prepared, and the vote says the same (R16).
func TestLostAnswerToPrepare(t *testing.T) {
	r, s, f := startFaulty(t)
	f.lookups.Store(3)
	f.loseAnswer.Store(true)
	if tx := r.submit(branches{"alpha": {put("k", 5)}}); tx.State != txn.StateCommitted {
		t.Errorf("prepared: got %+v, %+v", tx, tx.Reason)
	}
	r.want(s, "k", 5)
	f.lookups.Store(3)
	f.loseRequest.Store(true)
	tx := r.submit(branches{"alpha": {put("k", 6)}})
	if tx.State != txn.StateAborted || tx.Reason == nil || tx.Reason.Detail != txn.DetailDatabaseUnavailable || tx.Retryable == nil || !*tx.Retryable {
		t.Errorf("not prepared: got %+v, %+v", tx, tx.Reason)
	}
	r.want(s, "k", 5)
}

// TestCommitThatFails: a branch that cannot be finished now is tried again, and the others go on (R14).
func TestCommitThatFails(t *testing.T) {
	r, s, f := startFaulty(t)
	f.commits.Store(4) // one more than makes it stuck
	h := r.handed(branches{"alpha": {put("stuck", 1)}})
	h.Wait = txn.WaitDecision
	if tx, err := r.coordinator.Submit(t.Context(), h); err != nil || !tx.State.Commit() {
		t.Fatalf("got %+v, %v", tx, err)
	}
	r.eventually("the commits to fail", func() bool { return f.commits.Load() <= 0 })
	for i := range 20 {
		if tx := r.submit(branches{"alpha": {put("other", i)}}); tx.State != txn.StateCommitted {
			t.Fatalf("got %+v, %+v", tx, tx.Reason)
		}
	}
	r.eventually("the branch to be committed", func() bool {
		n, err := numberAt(s.store, "stuck")
		return err == nil && n == 1
	})
	r.eventually("the transaction to be complete", func() bool {
		tx, err := r.coordinator.Transaction(t.Context(), h.ID)
		return err == nil && tx.State == txn.StateCommitted
	})
}

// TestDatabaseThatIsSilent: the site says that it is not ready while its database does not answer.
func TestDatabaseThatIsSilent(t *testing.T) {
	r, s, f := startFaulty(t)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	h := r.handed(branches{"alpha": {put("k", 1)}})
	h.Timeout, h.Wait = 2*time.Second, txn.WaitDecision
	if tx, err := r.coordinator.Submit(t.Context(), h); err == nil && (tx.State.Commit() || !tx.State.Decided()) {
		t.Errorf("got %+v", tx)
	}
	r.eventually("the site to say what it waits for", func() bool { return errors.Is(s.Ready(), participant.ErrUnavailable) })
	r.eventually("the cluster to know", func() bool { return !r.seen("alpha").Ready })
}
