package zkcoord

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/medcommit/medcommit/txn"
)

// operated is a site of which a test plays the participant: it registers, and writes what a participant would.
type operated struct {
	t      *testing.T
	driver *Driver
	name   string
}

func newOperated(t *testing.T, tc *testCluster, name string) *operated {
	t.Helper()
	d, err := NewDriver(tc.zookeeper())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx, func(txn.Event) {}) }()
	t.Cleanup(func() { cancel(); <-done })
	o := &operated{t, d, name}
	if _, err := d.Register(t.Context(), name, txn.Registration{Kind: "embedded", Format: txn.FormatVersion}); err != nil {
		t.Fatal(err)
	}
	o.must(d.createOnce(t.Context(), []any{create(d.path(txn.SessionsPath(name)+"/s"), record(txn.Presented{Ready: true}))}))
	return o
}

func (o *operated) must(err error) {
	if err != nil {
		o.t.Error(err)
	}
}

func (o *operated) write(path string, v any) {
	_, stat, err := o.driver.get(o.t.Context(), o.driver.path(path))
	o.must(err)
	o.must(o.driver.set(o.t.Context(), o.driver.path(path), record(v), stat.Version))
}

// happens waits until f gives something.
func happens[T any](t *testing.T, what string, f func() (T, bool)) T {
	t.Helper()
	var v T
	eventually(t, what, func() (ok bool) {
		v, ok = f()
		return ok
	})
	return v
}

func (o *operated) node(path string) ([]byte, bool) {
	data, _, err := o.driver.get(o.t.Context(), o.driver.path(path))
	if err != nil && !errors.Is(err, zk.ErrNoNode) {
		o.t.Error(err)
	}
	return data, err == nil && len(data) > 0
}

// question waits for one that is another than the last, which is empty before the first.
func (o *operated) question(last string) (nonce string) {
	o.t.Helper()
	return happens(o.t, "a question", func() (string, bool) {
		data, asked := o.node(txn.InventoryPath(o.name))
		if !asked {
			return "", false
		}
		var q txn.InventoryRequest
		o.must(json.Unmarshal(data, &q))
		return q.Nonce, q.Nonce != last
	})
}

// answer lists branches to whoever asked so.
func (o *operated) answer(nonce string, branches ...txn.PreparedInventory) {
	o.write(txn.InDoubtPath(o.name), txn.Inventory{Nonce: nonce, At: time.Now().UnixMilli(), Branches: branches})
}

func calling[T any](t *testing.T, f func() (T, error)) (chan T, chan error) {
	t.Helper()
	values, errs := make(chan T, 1), make(chan error, 1)
	go func() {
		v, err := f()
		values <- v
		errs <- err
	}()
	return values, errs
}

// awaitReady waits until a coordinator sees the site ready.
func (o *operated) awaitReady(c *testCoordinator) {
	o.t.Helper()
	eventually(o.t, "the site to be seen ready", func() bool { return c.roster.Load().admit(o.name) == nil })
}

// undecided hands in a transaction of the site's that nobody votes for.
func (o *operated) undecided(c *testCoordinator, id string) txn.Transaction {
	o.t.Helper()
	o.awaitReady(c)
	t, err := c.Submit(o.t.Context(), txn.Handed{
		ID: id, Digest: id, Timeout: time.Minute, Wait: txn.WaitNone, Branches: []txn.HandedBranch{{Participant: o.name, Payload: []byte(`{}`)}},
	})
	o.must(err)
	return happens(o.t, "the transaction", func() (txn.Transaction, bool) {
		t, err = c.Transaction(o.t.Context(), id)
		return t, err == nil
	})
}

func TestInDoubtIsJoinedWithTheLog(t *testing.T) {
	tc := newTestCluster(t)
	c := tc.coordinator("c1")
	o := newOperated(t, tc, "lab")
	open := o.undecided(c, "rx-1")
	o.undecided(c, "rx-2")
	aborted, err := c.Abort(t.Context(), "rx-2")
	if err != nil {
		t.Fatal(err)
	}
	values, errs := calling(t, func() (txn.InDoubt, error) { return c.InDoubt(t.Context()) })
	o.answer(o.question(""),
		txn.PreparedInventory{Name: "a", Key: open.Key, Age: 2000},
		txn.PreparedInventory{Name: "b", Key: aborted.Key, Age: 3000},
		txn.PreparedInventory{Name: "c", Foreign: true, Age: 4000},
		txn.PreparedInventory{Name: "d", Key: newKey(time.Now()), Unlogged: true, Age: 1000},
	)
	got := <-values
	if err := <-errs; err != nil {
		t.Fatal(err)
	}
	want := []txn.InDoubtBranch{
		{Participant: "lab", XID: "c", Decision: txn.ProspectForeign, AgeSeconds: 4},
		{Participant: "lab", XID: "b", Transaction: "rx-2", Decision: txn.ProspectAbort, AgeSeconds: 3},
		{Participant: "lab", XID: "a", Transaction: "rx-1", Decision: txn.ProspectUndecided, AgeSeconds: 2},
		{Participant: "lab", XID: "d", Decision: txn.ProspectAbort, AgeSeconds: 1},
	}
	if len(got.Branches) != len(want) || len(got.Unanswered) != 0 {
		t.Fatalf("got %+v", got)
	}
	for i := range want {
		if got.Branches[i] != want[i] {
			t.Errorf("%d: got %+v, want %+v", i, got.Branches[i], want[i])
		}
	}
	// A site that does not answer shows what it listed last; one that presumes nothing has nothing presumed of it.
	o.write(txn.AppliedPath("lab"), txn.Applied{Restored: &txn.Finding{What: txn.RestoredZooKeeper, Nonce: "n"}})
	got, err = c.InDoubt(t.Context())
	if err != nil || len(got.Branches) != len(want) || len(got.Unanswered) != 1 || got.Unanswered[0] != "lab" {
		t.Fatalf("without an answer: %+v, %v", got, err)
	}
	if last := got.Branches[3]; last.XID != "d" || last.Decision != txn.ProspectUndecided || last.AgeSeconds < 2 {
		t.Errorf("of a site that presumes nothing: %+v", last)
	}
}

// A list holds what was prepared before it was asked for, also while the sites are being asked for another one, and right after that.
func TestInDoubtIsAsOfTheCall(t *testing.T) {
	tc := newTestCluster(t)
	c := tc.coordinator("c1")
	o := newOperated(t, tc, "lab")
	o.awaitReady(c)
	var lists [3]chan txn.InDoubt
	var errs [3]chan error
	begin := func(i int) {
		lists[i], errs[i] = calling(t, func() (txn.InDoubt, error) { return c.InDoubt(t.Context()) })
	}
	mustList := func(i, want int) {
		t.Helper()
		got := <-lists[i]
		if err := <-errs[i]; err != nil || len(got.Branches) != want || len(got.Unanswered) != 0 {
			t.Errorf("%d branches are prepared, and listed are %+v, %v", want, got, err)
		}
	}
	one, two := txn.PreparedInventory{Name: "a", Foreign: true}, txn.PreparedInventory{Name: "b", Foreign: true}
	begin(0)
	asked := o.question("")
	begin(1)
	o.answer(asked)
	mustList(0, 0)
	asked = o.question(asked)
	o.answer(asked, one)
	mustList(1, 1)
	begin(2)
	o.answer(o.question(asked), one, two)
	mustList(2, 2)
}

func TestResolveAsksTheSite(t *testing.T) {
	tc := newTestCluster(t)
	c := tc.coordinator("c1")
	o := newOperated(t, tc, "lab")
	open := o.undecided(c, "rx-1")
	wish := txn.Resolution{Participant: "lab", Verdict: txn.VerdictAbort, Reason: "why"}
	if _, err := c.Resolve(t.Context(), "rx-1", wish); !errors.Is(err, txn.ErrNotAsDecided) {
		t.Errorf("undecided and no force: %v", err)
	}
	if _, err := c.Resolve(t.Context(), "rx-9", wish); !errors.Is(err, txn.ErrNotFound) {
		t.Errorf("unknown: %v", err)
	}
	if _, err := c.Resolve(t.Context(), "rx-1", txn.Resolution{Participant: "ward", Verdict: txn.VerdictAbort}); !errors.Is(err, txn.ErrBranchUnknown) {
		t.Errorf("no branch: %v", err)
	}
	wish.Force = true
	for i, result := range []txn.WishResult{txn.WishDone, txn.WishNotPrepared, txn.WishContrary} {
		_, errs := calling(t, func() (txn.Transaction, error) { return c.Resolve(t.Context(), "rx-1", wish) })
		handed := happens(t, "the wish", func() (txn.Wish, bool) { return o.wish(i) })
		if handed.Key != open.Key || handed.Verdict != txn.VerdictAbort || handed.Decision != txn.VerdictNone || !handed.Force || handed.Reason != "why" {
			t.Errorf("the site is handed %+v", handed)
		}
		o.write(txn.AppliedPath("lab"), txn.Applied{Answers: []txn.WishAnswer{{Nonce: handed.Nonce, Result: result}}})
		err := <-errs
		want := map[txn.WishResult]error{txn.WishNotPrepared: txn.ErrNotSettled, txn.WishContrary: txn.ErrNotAsDecided}[result]
		if !errors.Is(err, want) {
			t.Errorf("%s: %v", result, err)
		}
	}
	if _, err := c.Resolve(t.Context(), "rx-1", wish); !errors.Is(err, txn.ErrPerhaps) {
		t.Errorf("a site that does not answer: %v", err)
	}
}

// wish gives the n-th wish of the inbox.
func (o *operated) wish(n int) (txn.Wish, bool) {
	folder := txn.Log{Kind: txn.Inbox, Participant: o.name}.GenerationPath(1)
	names, err := o.driver.list(o.t.Context(), o.driver.path(folder))
	o.must(err)
	found := map[string]txn.Wish{}
	for _, name := range names {
		data, ok := o.node(folder + "/" + name)
		s, err := o.driver.codec.decode(data)
		if !ok || err != nil {
			o.t.Errorf("inbox: %v", err)
		} else if len(s.Wishes) == 1 {
			found[name] = s.Wishes[0]
		}
	}
	for _, w := range sortedValues(found) {
		if n == 0 {
			return w, true
		}
		n--
	}
	return txn.Wish{}, false
}

func TestAdoptLeavesTheWord(t *testing.T) {
	tc := newTestCluster(t)
	c := tc.coordinator("c1")
	o := newOperated(t, tc, "lab")
	happens(t, "the site to be seen", func() (bool, bool) { return true, c.roster.Load().admit("lab") == nil })
	if _, err := c.Adopt(t.Context(), "lab", "why"); !errors.Is(err, txn.ErrNothingToAdopt) {
		t.Errorf("nothing was restored: %v", err)
	}
	if _, err := c.Adopt(t.Context(), "ward", "why"); !errors.Is(err, txn.ErrParticipantUnknown) {
		t.Errorf("unknown: %v", err)
	}
	for _, nonce := range []string{"n1", "n2"} { // the word of the first is left lying
		o.write(txn.AppliedPath("lab"), txn.Applied{Restored: &txn.Finding{What: txn.RestoredDatabase, Nonce: nonce}})
		values, errs := calling(t, func() (txn.ParticipantInfo, error) { return c.Adopt(t.Context(), "lab", "why") })
		happens(t, "the word", func() (a txn.Adoption, ok bool) {
			data, there := o.node(txn.AdoptPath("lab"))
			return a, there && json.Unmarshal(data, &a) == nil && a.Nonce == nonce
		})
		o.write(txn.AppliedPath("lab"), txn.Applied{})
		if site, err := <-values, <-errs; err != nil || site.Name != "lab" {
			t.Errorf("adopted: %+v, %v", site, err)
		}
	}
	o.write(txn.AppliedPath("lab"), txn.Applied{Restored: &txn.Finding{What: txn.RestoredDatabase, Nonce: "n3"}})
	if site, err := c.Adopt(t.Context(), "lab", "why"); !errors.Is(err, txn.ErrPerhaps) || site.Name != "lab" {
		t.Errorf("a site that does not heed it: %+v, %v", site, err)
	}
}

// sortedValues gives the values in the order of their keys.
func sortedValues(m map[string]txn.Wish) []txn.Wish {
	var all []txn.Wish
	for _, k := range slices.Sorted(maps.Keys(m)) {
		all = append(all, m[k])
	}
	return all
}
