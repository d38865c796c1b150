package participant_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

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
	forget      atomic.Bool  // loses the branch of the next commit
	unheard     atomic.Bool  // the answers of all commits are lost
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
	if f.forget.CompareAndSwap(true, false) {
		if err := f.Rollback(ctx, x); err != nil {
			return err
		}
	}
	err := f.Store.Commit(ctx, x)
	if f.unheard.Load() {
		return errInjected
	}
	return err
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

// TestLostBranchIsNoted: what its database has lost is reported until an operator takes note of it, and counted once (R7, R13).
func TestLostBranchIsNoted(t *testing.T) {
	r, s, f := startFaulty(t)
	f.forget.Store(true)
	h := r.handed(branches{"alpha": {put("lost", 1)}})
	h.Wait = txn.WaitDecision
	if tx, err := r.coordinator.Submit(t.Context(), h); err != nil || !tx.State.Commit() {
		t.Fatalf("got %+v, %v", tx, err)
	}
	now := func() txn.Transaction {
		tx, err := r.coordinator.Transaction(t.Context(), h.ID)
		if err != nil {
			return txn.Transaction{Branches: []txn.Branch{{}}}
		}
		return tx
	}
	r.eventually("the loss to show", func() bool { return now().Branches[0].Outcome == txn.OutcomeHeuristicRollback })
	if tx := now(); tx.State != txn.StateCommitting {
		t.Errorf("before it is noted: %+v", tx)
	}
	note := txn.Resolution{Participant: "alpha", Verdict: txn.VerdictAbort, Reason: "seen", Force: true}
	if tx, err := r.coordinator.Resolve(t.Context(), h.ID, note); err != nil {
		t.Errorf("noting it: %+v, %v", tx, err)
	}
	r.eventually("the transaction to be over", func() bool { return now().State == txn.StateCommitted })
	if got := now().Branches[0].Outcome; got != txn.OutcomeHeuristicRollback {
		t.Errorf("after it is noted: %v", got)
	}
	want := `
# HELP medcommit_heuristic_outcomes_total Branches that ended otherwise than was decided, by how they ended.
# TYPE medcommit_heuristic_outcomes_total counter
medcommit_heuristic_outcomes_total{outcome="heuristic-commit",participant="alpha"} 0
medcommit_heuristic_outcomes_total{outcome="heuristic-rollback",participant="alpha"} 1
`
	if err := testutil.GatherAndCompare(s.metrics, strings.NewReader(want), "medcommit_heuristic_outcomes_total"); err != nil {
		t.Error(err)
	}
}

// TestRollBackByHandOfWhatIsCommitted: an operator rolls back what seems not to be committed, and is: he is told, and nothing is called
// heuristic (R13).
func TestRollBackByHandOfWhatIsCommitted(t *testing.T) {
	r, s, f := startFaulty(t)
	f.unheard.Store(true)
	h := r.handed(branches{"alpha": {put("k", 1)}})
	h.Wait = txn.WaitDecision
	if tx, err := r.coordinator.Submit(t.Context(), h); err != nil || !tx.State.Commit() {
		t.Fatalf("got %+v, %v", tx, err)
	}
	r.eventually("the branch to be committed", func() bool {
		n, err := numberAt(s.store, "k")
		return err == nil && n == 1
	})
	force := txn.Resolution{Participant: "alpha", Verdict: txn.VerdictAbort, Reason: "a test", Force: true}
	if tx, err := r.coordinator.Resolve(t.Context(), h.ID, force); err == nil {
		t.Errorf("it is rolled back: %+v", tx)
	}
	f.unheard.Store(false)
	r.eventually("the transaction to be complete", func() bool {
		tx, err := r.coordinator.Transaction(t.Context(), h.ID)
		return err == nil && tx.State == txn.StateCommitted && tx.Branches[0].Outcome == txn.OutcomeCommitted
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
