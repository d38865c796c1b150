package zkcoord

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/medcommit/medcommit/txn"
)

func TestMultiIsAllOrNothing(t *testing.T) {
	addr, root := sharedZooKeeper(t)
	c := newClient(t, root, addr).up()
	done := c.must(
		txn.Op{Kind: txn.OpSet, Path: "epoch", Version: 0, Data: []byte("a")},
		appendTo(transactions, 1, "one"),
		appendTo(transactions, 1, "two"),
		txn.Op{Kind: txn.OpCreate, Path: "election/n-", Ephemeral: true, Sequential: true},
		appendTo(decisions, 1, "three"),
	)
	if want := []txn.Pos{{Gen: 1, Num: 0}, {Gen: 1, Num: 1}, {Gen: 0, Num: 0}, {Gen: 1, Num: 0}}; !slices.Equal(done.Appended, want) {
		t.Fatalf("appended at %v, want %v", done.Appended, want)
	}
	if n := c.node("epoch"); n.Version != 1 || string(n.Data) != "a" {
		t.Fatalf("epoch is %+v", n)
	}
	failed := c.multi(appendTo(transactions, 1, "no"), txn.Op{Kind: txn.OpCheck, Path: "epoch", Version: 0})
	if want := (txn.MultiFailed{Token: c.token, Index: 1, Err: txn.OpErrBadVersion}); failed != txn.Event(want) {
		t.Fatalf("a false check: %+v, want %+v", failed, want)
	}
	if got := batches(c.list(transactions).Entries); !slices.Equal(got, []string{"one", "two"}) {
		t.Fatalf("the log holds %v", got)
	}
}

func TestMultiNamesTheOperationAtFault(t *testing.T) {
	addr, root := sharedZooKeeper(t)
	c := newClient(t, root, addr).up()
	c.must(txn.Op{Kind: txn.OpCreate, Path: "payloads/x"}, txn.Op{Kind: txn.OpCreate, Path: "payloads/x/0"})
	c.must(appendTo(decisions, 1, "a"))
	fine := txn.Op{Kind: txn.OpCheck, Path: "horizon", Version: 0}
	for _, test := range []struct {
		name string
		op   txn.Op
		want txn.OpError
	}{
		{"check absent", txn.Op{Kind: txn.OpCheck, Path: "none"}, txn.OpErrNoNode},
		{"check version", txn.Op{Kind: txn.OpCheck, Path: "epoch", Version: 7}, txn.OpErrBadVersion},
		{"set version", txn.Op{Kind: txn.OpSet, Path: "epoch", Version: 7}, txn.OpErrBadVersion},
		{"create existing", txn.Op{Kind: txn.OpCreate, Path: "epoch"}, txn.OpErrExists},
		{"create below nothing", txn.Op{Kind: txn.OpCreate, Path: "none/x"}, txn.OpErrNoNode},
		{"delete with children", txn.Op{Kind: txn.OpDelete, Path: "payloads/x"}, txn.OpErrNotEmpty},
		{"append to an unknown participant", appendTo(votesOf("nobody"), 1, "v"), txn.OpErrNoNode},
		{"append to a later generation", appendTo(decisions, 2, "d"), txn.OpErrNoNode},
		{"check entry", txn.Op{Kind: txn.OpCheckEntry, Log: decisions, Pos: txn.Pos{Gen: 1, Num: 99}}, txn.OpErrNoNode},
		{"delete entry", txn.Op{Kind: txn.OpDeleteEntry, Log: decisions, Pos: txn.Pos{Gen: 1, Num: 99}}, txn.OpErrNoNode},
		{"segment without records", txn.Op{Kind: txn.OpAppend, Log: decisions, Gen: 1, Segment: &txn.Segment{}}, txn.OpErrOther},
		{"too large", txn.Op{Kind: txn.OpCreate, Path: "payloads/y", Data: make([]byte, maxRequestBytes)}, txn.OpErrTooLarge},
	} {
		got := c.multi(fine, appendTo(decisions, 1, "first"), test.op, fine)
		if want := (txn.MultiFailed{Token: c.token, Index: 2, Err: test.want}); got != txn.Event(want) {
			t.Errorf("%s: %+v, want %+v", test.name, got, want)
		}
	}
	if got := batches(c.list(decisions).Entries); !slices.Equal(got, []string{"a"}) {
		t.Fatalf("the log holds %v", got)
	}
	many := make([]txn.Op, maxRequestOps+1)
	for i := range many {
		many[i] = fine
	}
	if got := c.multi(many...); got != txn.Event(txn.MultiFailed{Token: c.token, Index: maxRequestOps, Err: txn.OpErrTooLarge}) {
		t.Errorf("too many operations: %+v", got)
	}
}

func TestEntriesAreCheckedAndDeletedByTheirPlace(t *testing.T) {
	addr, root := sharedZooKeeper(t)
	c := newClient(t, root, addr).up()
	at := c.must(appendTo(decisions, 1, "a"), appendTo(decisions, 1, "b")).Appended
	c.must(
		txn.Op{Kind: txn.OpCheckEntry, Log: decisions, Pos: at[0]},
		txn.Op{Kind: txn.OpDeleteEntry, Log: decisions, Pos: at[1]},
	)
	if got := batches(c.list(decisions).Entries); !slices.Equal(got, []string{"a"}) {
		t.Fatalf("the log holds %v", got)
	}
	// Deleting does not give the number anew.
	if at := c.must(appendTo(decisions, 1, "c")).Appended; at[0].Num != 2 {
		t.Fatalf("the third entry is at %v", at)
	}
}

func TestClosedGenerationTakesNothing(t *testing.T) {
	addr, root := sharedZooKeeper(t)
	c := newClient(t, root, addr).up()
	c.must(appendTo(decisions, 1, "a"))
	c.must(
		txn.Op{Kind: txn.OpSet, Path: decisions.GenerationPath(1), Version: 0, Data: []byte("closed")},
		txn.Op{Kind: txn.OpCreate, Path: decisions.GenerationPath(2)},
	)
	if got := c.multi(appendTo(transactions, 1, "t"), appendTo(decisions, 1, "b")); got != txn.Event(txn.MultiFailed{Token: c.token, Index: 1, Err: txn.OpErrClosed}) {
		t.Fatalf("an append to a closed generation: %+v", got)
	}
	if got := c.must(appendTo(decisions, 2, "b")).Appended; !slices.Equal(got, []txn.Pos{{Gen: 2, Num: 0}}) {
		t.Fatalf("appended at %v", got)
	}
	listed := c.list(decisions)
	if got := batches(listed.Entries); !slices.Equal(got, []string{"a", "b"}) || listed.Gen != 2 {
		t.Fatalf("listed %v of generation %d", got, listed.Gen)
	}
}

func TestReadsOfNodes(t *testing.T) {
	addr, root := sharedZooKeeper(t)
	c := newClient(t, root, addr).up()
	if n := c.node("drained/x"); n.Exists {
		t.Fatalf("an absent node: %+v", n)
	}
	c.must(txn.Op{Kind: txn.OpCreate, Path: "drained/b"}, txn.Op{Kind: txn.OpCreate, Path: "drained/a"})
	mark := c.mark()
	c.Do(txn.ListNode{Token: 1000, Path: "drained"}, txn.ListNode{Token: 1001, Path: "nothing"})
	if l := await(c, mark, func(e txn.NodeListed) bool { return e.Token == 1000 }); strings.Join(l.Children, " ") != "a b" {
		t.Fatalf("listed %+v", l)
	}
	if l := await(c, mark, func(e txn.NodeListed) bool { return e.Token == 1001 }); len(l.Children) != 0 {
		t.Fatalf("an absent node has %+v", l)
	}
	if l := c.list(votesOf("nobody")); l.Gen != 0 || len(l.Entries) != 0 {
		t.Fatalf("an absent log has %+v", l)
	}
}

func TestEphemeralsGoWithAnOrderlyEnd(t *testing.T) {
	addr, root := sharedZooKeeper(t)
	a, b := newClient(t, root, addr).up(), newClient(t, root, addr).up()
	a.register("emr")
	ephemeral := appendTo(votesOf("emr"), 1, "mortal")
	ephemeral.Ephemeral = true
	a.must(ephemeral, appendTo(votesOf("emr"), 1, "stays"))
	if e := b.list(votesOf("emr")).Entries; len(e) != 2 || !e[0].Ephemeral || e[1].Ephemeral {
		t.Fatalf("listed %+v", e)
	}
	a.stop()
	if got := batches(b.list(votesOf("emr")).Entries); !slices.Equal(got, []string{"stays"}) {
		t.Fatalf("after the session's end the log holds %v", got)
	}
}

func TestMultiWithoutASessionWasNotSent(t *testing.T) {
	addr, root := sharedZooKeeper(t)
	d, err := NewDriver(DriverConfig{Servers: []string{addr}, Root: root})
	if err != nil {
		t.Fatal(err)
	}
	d.Do(txn.Multi{Token: 1}, txn.Follow{Log: decisions})
	ctx, cancel := context.WithCancel(t.Context())
	var got []txn.Event
	err = d.Run(ctx, func(ev txn.Event) {
		if got = append(got, ev); len(got) == 2 {
			cancel()
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if got[0] != txn.Event(txn.MultiLost{Token: 1, Unsent: true}) {
		t.Fatalf("first came %+v", got[0])
	}
	if _, ok := got[1].(txn.SessionUp); !ok {
		t.Fatalf("then came %+v", got[1])
	}
}
