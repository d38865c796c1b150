package embedded_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	mrand "math/rand"
	"sync"
	"testing"
	"time"

	"github.com/medcommit/medcommit/participant"
	"github.com/medcommit/medcommit/participant/embedded"
	"github.com/medcommit/medcommit/txn"
)

// must opens a store that waits a short time for locks, and closes it when the test is over.
func must(t testing.TB, dir string) *embedded.Store {
	t.Helper()
	s, err := openStore(dir, lockTimeout)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func prepareCalls(t testing.TB, s *embedded.Store, calls ...participant.Call) (txn.XID, txn.Ballot) {
	t.Helper()
	x := newXID()
	ballot, err := s.Prepare(t.Context(), x, calls)
	if err != nil {
		t.Fatal(err)
	}
	return x, ballot
}

func commitCalls(t testing.TB, s *embedded.Store, calls ...participant.Call) {
	t.Helper()
	x, ballot := prepareCalls(t, s, calls...)
	if ballot != txn.Commit() {
		t.Fatalf("the ballot is %+v", ballot)
	}
	if err := s.Commit(t.Context(), x); err != nil {
		t.Fatal(err)
	}
}

func numberOf(t testing.TB, s *embedded.Store, key string) (int64, bool) {
	t.Helper()
	r, found, err := s.Record(key)
	if err != nil {
		t.Fatal(err)
	}
	var v struct{ N int64 }
	if found {
		if err := json.Unmarshal(r.Value, &v); err != nil {
			t.Fatal(err)
		}
	}
	return v.N, found
}

func remove(key string) participant.Call {
	return call(false, participant.Record{Delete: &participant.DeleteRecord{Key: key}})
}

// TestVersions: every change of a key raises its version, and a deletion does not start it anew.
func TestVersions(t *testing.T) {
	s := must(t, t.TempDir())
	commitCalls(t, s, put("k", 1))
	commitCalls(t, s, add("k", 1), add("k", 1))
	commitCalls(t, s, put("k", 5), put("k", 6))
	if r, _, err := s.Record("k"); err != nil || r.Version != 3 || string(r.Value) != `{"n":6}` {
		t.Errorf("got %+v, %v", r, err)
	}
	commitCalls(t, s, remove("k"))
	if _, found, err := s.Record("k"); err != nil || found {
		t.Errorf("a removed record is there: %v", err)
	}
	commitCalls(t, s, put("k", 7))
	if r, _, err := s.Record("k"); err != nil || r.Version != 5 {
		t.Errorf("got %+v, %v", r, err)
	}
	commitCalls(t, s, put("new", 1), remove("new"))
	if _, found, err := s.Record("new"); err != nil || found {
		t.Errorf("a record made and removed at once is there: %v", err)
	}
}

// TestManyTakeFromOneShelf: undecided branches take from the same stock at once; one that could leave too little waits, and is
// refused for now; when the others are rolled back it gets through; one that asks for more than there is, is refused for good.
func TestManyTakeFromOneShelf(t *testing.T) {
	s := must(t, t.TempDir())
	commitCalls(t, s, put("shelf", 10))
	var pending []txn.XID
	for range 3 {
		x, ballot := prepareCalls(t, s, add("shelf", -3))
		if ballot != txn.Commit() {
			t.Fatalf("the ballot is %+v", ballot)
		}
		pending = append(pending, x)
	}
	begun := time.Now()
	if _, ballot := prepareCalls(t, s, add("shelf", -2)); ballot != (txn.Ballot{Vote: txn.VoteAbort, Detail: txn.DetailBounds, Retryable: true}) {
		t.Errorf("the ballot is %+v", ballot)
	}
	if waited := time.Since(begun); waited < lockTimeout {
		t.Errorf("it waited only %v", waited)
	}
	if _, ballot := prepareCalls(t, s, add("shelf", -11)); ballot != txn.Abort(txn.DetailBounds) {
		t.Errorf("the ballot is %+v", ballot)
	}
	if _, ballot := prepareCalls(t, s, put("shelf", 1)); ballot != txn.Abort(txn.DetailLockTimeout) {
		t.Errorf("the ballot is %+v", ballot)
	}
	if err := s.Rollback(t.Context(), pending[0]); err != nil {
		t.Fatal(err)
	}
	commitCalls(t, s, add("shelf", -2))
	for _, x := range pending[1:] {
		if err := s.Commit(t.Context(), x); err != nil {
			t.Fatal(err)
		}
	}
	if n, _ := numberOf(t, s, "shelf"); n != 2 {
		t.Errorf("the shelf holds %d, want 2", n)
	}
}

// TestPendingOutlivesTheProcess: what is reserved and what is held stays so after the store was opened again.
func TestPendingOutlivesTheProcess(t *testing.T) {
	dir := t.TempDir()
	s := must(t, dir)
	commitCalls(t, s, put("shelf", 10), put("held", 1))
	x, _ := prepareCalls(t, s, add("shelf", -9), put("held", 2), remove("held"), check(participant.CheckRecord{Key: "seen", Exists: new(bool)}))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = must(t, dir)
	for name, c := range map[string]struct {
		call participant.Call
		want txn.Ballot
	}{
		"reserved": {add("shelf", -2), txn.Ballot{Vote: txn.VoteAbort, Detail: txn.DetailBounds, Retryable: true}},
		"held":     {add("held", 1), txn.Abort(txn.DetailLockTimeout)},
		"checked":  {put("seen", 1), txn.Abort(txn.DetailLockTimeout)},
	} {
		if _, ballot := prepareCalls(t, s, c.call); ballot != c.want {
			t.Errorf("%s: the ballot is %+v, want %+v", name, ballot, c.want)
		}
	}
	if err := s.Commit(t.Context(), x); err != nil {
		t.Fatal(err)
	}
	if n, _ := numberOf(t, s, "shelf"); n != 1 {
		t.Errorf("the shelf holds %d, want 1", n)
	}
	if _, found := numberOf(t, s, "held"); found {
		t.Error("the removed record is there")
	}
}

// TestHeldAloneComesItsTurn: additions that come later do not keep one who wants the record alone waiting for ever.
func TestHeldAloneComesItsTurn(t *testing.T) {
	s, err := openStore(t.TempDir(), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	commitCalls(t, s, put("k", 100))
	stop := make(chan struct{})
	var adders sync.WaitGroup
	for range 4 {
		adders.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					commitCalls(t, s, add("k", 1))
				}
			}
		})
	}
	for range 20 {
		commitCalls(t, s, put("k", 100))
	}
	close(stop)
	adders.Wait()
}

// TestOneProcessAtATime: a second one is told so, soon, and may try again.
func TestOneProcessAtATime(t *testing.T) {
	dir := t.TempDir()
	first := must(t, dir)
	_, err := openStore(dir, lockTimeout)
	if !errors.Is(err, embedded.ErrInUse) || !errors.Is(err, participant.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	must(t, dir)
}

// TestCloseEndsWaits: closing does not wait for those that wait for locks, and what they are told is true.
func TestCloseEndsWaits(t *testing.T) {
	s, err := openStore(t.TempDir(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if _, ballot := prepareCalls(t, s, put("k", 1)); ballot != txn.Commit() {
		t.Fatalf("the ballot is %+v", ballot)
	}
	done := make(chan txn.Ballot, 1)
	go func() {
		ballot, err := s.Prepare(context.Background(), newXID(), []participant.Call{put("k", 2)})
		if err != nil {
			t.Error(err)
		}
		done <- ballot
	}()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if ballot := <-done; ballot.Vote != txn.VoteAbort || !ballot.Retryable {
		t.Errorf("the ballot is %+v", ballot)
	}
	if _, err := s.Prepared(t.Context()); !errors.Is(err, participant.ErrUnavailable) {
		t.Errorf("a closed store answers %v", err)
	}
}

// TestTransfersConserve: transfers in all directions, committed and rolled back at random and at once, on few accounts.
func TestTransfersConserve(t *testing.T) {
	s := must(t, t.TempDir())
	for i := range accounts {
		commitCalls(t, s, put(account(i), balance))
	}
	var group sync.WaitGroup
	var mu sync.Mutex
	votes := map[txn.Ballot]int{}
	for c := range 24 {
		group.Go(func() {
			r := mrand.New(mrand.NewSource(int64(c)))
			for range 40 {
				x := newXID()
				from, to := r.Intn(accounts), r.Intn(accounts)
				calls := transfer(x, account(from), account(to), 1+r.Int63n(400))
				if r.Intn(10) == 0 { // one that holds them alone
					calls = append(calls, call(false, participant.Record{Check: &participant.CheckRecord{Key: account(to), Field: "n", Min: 0}}))
				}
				ballot, err := s.Prepare(t.Context(), x, calls)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				votes[ballot]++
				mu.Unlock()
				end := s.Commit
				if ballot.Vote != txn.VoteCommit || r.Intn(3) == 0 {
					end = s.Rollback
				}
				if err := end(t.Context(), x); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	checkSum(t, s)
	t.Log(votes)
	if left, err := s.Prepared(t.Context()); err != nil || len(left) > 0 {
		t.Errorf("%d branches are left, %v", len(left), err)
	}
}

func TestRecords(t *testing.T) {
	s := must(t, t.TempDir())
	var calls []participant.Call
	for i := range 25 {
		calls = append(calls, put(fmt.Sprintf("a/%02d", i), int64(i)))
	}
	commitCalls(t, s, append(calls, put("b", 1), put("a", 1))...)
	var keys []string
	pages, cursor := 0, ""
	for {
		page, next, err := s.Records("a/", 10, cursor)
		if err != nil {
			t.Fatal(err)
		}
		pages++
		for _, r := range page {
			keys = append(keys, r.Key)
		}
		if cursor = next; next == "" {
			break
		}
	}
	if pages != 3 || len(keys) != 25 || keys[0] != "a/00" || keys[24] != "a/24" {
		t.Errorf("%d pages, %d keys: %v", pages, len(keys), keys)
	}
	for _, bad := range []string{"!", "Yg"} { // no cursor at all, and one of another listing
		if _, _, err := s.Records("a/", 10, bad); !errors.Is(err, participant.ErrCursor) {
			t.Errorf("cursor %q: got %v", bad, err)
		}
	}
}
