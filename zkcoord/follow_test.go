package zkcoord

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/medcommit/medcommit/txn"
)

// awaitBatches waits until the batches given of a log since mark are want.
func (c *client) awaitBatches(mark int, log txn.Log, want ...string) {
	c.t.Helper()
	deadline := time.NewTimer(testPatience)
	defer deadline.Stop()
	for {
		c.mu.Lock()
		more := c.more
		c.mu.Unlock()
		got := batches(c.entries(mark, log))
		if slices.Equal(got, want) {
			return
		}
		select {
		case <-more:
		case <-deadline.C:
			c.t.Fatalf("%v gave %v, want %v", log, got, want)
		}
	}
}

func TestFollowGivesWhatIsThereAndWhatComes(t *testing.T) {
	addr, root := sharedZooKeeper(t)
	w, r := newClient(t, root, addr).up(), newClient(t, root, addr).up()
	at := w.must(appendTo(decisions, 1, "a"), appendTo(decisions, 1, "b"), appendTo(decisions, 1, "c")).Appended
	w.must(txn.Op{Kind: txn.OpDeleteEntry, Log: decisions, Pos: at[0]})
	r.Do(txn.Follow{Log: decisions}, txn.Follow{Log: decisions})
	r.awaitBatches(0, decisions, "b", "c")
	w.must(appendTo(decisions, 1, "d"))
	r.awaitBatches(0, decisions, "b", "c", "d")
	w.must(appendTo(decisions, 1, "e"), appendTo(decisions, 1, "f"))
	r.awaitBatches(0, decisions, "b", "c", "d", "e", "f")
	if end := r.readToEnd(decisions); end.Through != (txn.Pos{Gen: 1, Num: 6}) {
		t.Fatalf("the end is %v", end.Through)
	}
	r.Do(txn.Unfollow{Log: decisions})
	mark := r.mark()
	r.Do(txn.Follow{Log: decisions})
	r.awaitBatches(mark, decisions, "b", "c", "d", "e", "f")
}

func TestFollowPassesOverEntriesThatCameAndWent(t *testing.T) {
	addr, root := sharedZooKeeper(t)
	w, r := newClient(t, root, addr).up(), newClient(t, root, addr).up()
	r.Do(txn.Follow{Log: decisions})
	if end := r.readToEnd(decisions); end.Through != (txn.Pos{Gen: 1, Num: 0}) {
		t.Fatalf("an empty log ends at %v", end.Through)
	}
	w.must(ghostAt(0)...)
	w.must(appendTo(decisions, 1, "a"))
	r.awaitBatches(0, decisions, "a")
	for i := range 3 {
		ghost := int32(2 + 2*i)
		w.must(ghostAt(ghost, appendTo(decisions, 1, fmt.Sprint(i)))...)
		if end := r.readToEnd(decisions); end.Through != (txn.Pos{Gen: 1, Num: ghost + 2}) {
			t.Fatalf("the end is %v", end.Through)
		}
	}
	if got := batches(r.entries(0, decisions)); !slices.Equal(got, []string{"a", "0", "1", "2"}) {
		t.Fatalf("gave %v", got)
	}
}

func TestReadToEndGivesAllFirst(t *testing.T) {
	addr, root := sharedZooKeeper(t)
	c := newClient(t, root, addr).up()
	c.Do(txn.Follow{Log: decisions})
	var want []string
	for i := range 50 {
		batch := fmt.Sprint(i)
		want = append(want, batch)
		c.must(ghostAt(int32(2*i), appendTo(decisions, 1, batch))...)
		mark, token := 0, c.newToken()
		c.Do(txn.ReadToEnd{Token: token, Log: decisions})
		end := await(c, mark, func(e txn.LogEnd) bool { return e.Token == token })
		if end.Through.Num != int32(2*i+2) {
			t.Fatalf("the end is %v after %d entries", end.Through, 2*i+2)
		}
		var before []string
		for _, ev := range c.since(0) {
			if ev == txn.Event(end) {
				break
			}
			if e, ok := ev.(txn.Entries); ok {
				before = append(before, batches(e.Entries)...)
			}
		}
		if !slices.Equal(before, want) {
			t.Fatalf("before the end came %v, want %v", before, want)
		}
	}
}

func TestFollowGoesOnInTheNextGeneration(t *testing.T) {
	addr, root := sharedZooKeeper(t)
	w, r := newClient(t, root, addr).up(), newClient(t, root, addr).up()
	r.Do(txn.Follow{Log: decisions})
	var want []string
	const generations = 12
	begun := time.Now()
	for gen := int32(1); gen <= generations; gen++ {
		for i := range 3 {
			batch := fmt.Sprintf("%d-%d", gen, i)
			w.must(appendTo(decisions, gen, batch))
			want = append(want, batch)
		}
		r.awaitBatches(0, decisions, want...)
		w.must(
			txn.Op{Kind: txn.OpSet, Path: decisions.GenerationPath(gen), Version: 0, Data: []byte("closed")},
			txn.Op{Kind: txn.OpCreate, Path: decisions.GenerationPath(gen + 1)},
		)
	}
	if took := time.Since(begun); took > generations*recheckEvery/3 {
		t.Errorf("it took %v: the watch on the folder does not tell that it was closed", took)
	}
	if end := r.readToEnd(decisions); end.Through != (txn.Pos{Gen: 13, Num: 0}) {
		t.Fatalf("the end is %v", end.Through)
	}
	late := newClient(t, root, addr).up()
	late.Do(txn.Follow{Log: decisions})
	late.awaitBatches(0, decisions, want...)
}

func TestFollowWaitsForALogThatIsNotThere(t *testing.T) {
	addr, root := sharedZooKeeper(t)
	w, r := newClient(t, root, addr).up(), newClient(t, root, addr).up()
	r.Do(txn.Follow{Log: votesOf("emr")})
	if end := r.readToEnd(votesOf("emr")); end.Through != (txn.Pos{}) {
		t.Fatalf("a log that is not there ends at %v", end.Through)
	}
	w.register("emr")
	w.must(appendTo(votesOf("emr"), 1, "v"))
	r.awaitBatches(0, votesOf("emr"), "v")
}

func TestFollowOverAWideGap(t *testing.T) {
	addr, root := sharedZooKeeper(t)
	w, r := newClient(t, root, addr).up(), newClient(t, root, addr).up()
	r.Do(txn.Follow{Log: decisions})
	r.readToEnd(decisions)
	// All in one request, and most of them gone at its end.
	var ops []txn.Op
	for i := range int32(listAbove + 50) {
		ops = append(ops, appendTo(decisions, 1, fmt.Sprint(i)))
		if i%100 != 0 {
			ops = append(ops, txn.Op{Kind: txn.OpDeleteEntry, Log: decisions, Pos: txn.Pos{Gen: 1, Num: i}})
		}
	}
	w.must(ops...)
	if end := r.readToEnd(decisions); end.Through != (txn.Pos{Gen: 1, Num: listAbove + 50}) {
		t.Fatalf("the end is %v", end.Through)
	}
	if got := batches(r.entries(0, decisions)); !slices.Equal(got, []string{"0", "100", "200", "300"}) {
		t.Fatalf("gave %v", got)
	}
}

func TestWatchesTellEveryState(t *testing.T) {
	addr, root := sharedZooKeeper(t)
	w, r := newClient(t, root, addr).up(), newClient(t, root, addr).up()
	r.Do(txn.WatchNode{Path: "drained/emr"}, txn.WatchChildren{Path: "drained"}, txn.WatchChildren{Path: "drained/emr"})
	node := func(is func(txn.NodeRead) bool) {
		t.Helper()
		await(r, 0, func(e txn.NodeRead) bool { return e.Token == 0 && e.Path == "drained/emr" && is(e) })
	}
	children := func(path string, want ...string) {
		t.Helper()
		await(r, 0, func(e txn.NodeListed) bool {
			return e.Token == 0 && e.Path == path && slices.Equal(e.Children, want)
		})
	}
	node(func(e txn.NodeRead) bool { return !e.Exists })
	children("drained")
	children("drained/emr")
	begun := time.Now()
	w.must(txn.Op{Kind: txn.OpCreate, Path: "drained/emr", Data: []byte("1")})
	node(func(e txn.NodeRead) bool { return e.Exists && e.Version == 0 && string(e.Data) == "1" })
	children("drained", "emr")
	w.must(txn.Op{Kind: txn.OpSet, Path: "drained/emr", Version: 0, Data: []byte("2")})
	node(func(e txn.NodeRead) bool { return e.Exists && e.Version == 1 && string(e.Data) == "2" })
	w.must(txn.Op{Kind: txn.OpCreate, Path: "drained/emr/b"}, txn.Op{Kind: txn.OpCreate, Path: "drained/emr/a"})
	children("drained/emr", "a", "b")
	mark := r.mark()
	w.must(txn.Op{Kind: txn.OpDelete, Path: "drained/emr/a"}, txn.Op{Kind: txn.OpDelete, Path: "drained/emr/b"}, txn.Op{Kind: txn.OpDelete, Path: "drained/emr", Version: 1})
	await(r, mark, func(e txn.NodeRead) bool { return e.Path == "drained/emr" && !e.Exists })
	await(r, mark, func(e txn.NodeListed) bool { return e.Path == "drained" && len(e.Children) == 0 })
	if took := time.Since(begun); took > recheckEvery {
		t.Errorf("it took %v: the watches do not fire", took)
	}
	r.Do(txn.Unwatch{Path: "drained/emr"})
	mark = r.mark()
	w.must(txn.Op{Kind: txn.OpCreate, Path: "drained/emr"})
	await(r, mark, func(e txn.NodeListed) bool { return e.Path == "drained" && len(e.Children) == 1 })
	for _, ev := range r.since(mark) {
		if e, ok := ev.(txn.NodeRead); ok {
			t.Errorf("after Unwatch came %+v", e)
		}
	}
}

func TestUndecodableEntryIsGivenEmpty(t *testing.T) {
	addr, root := sharedZooKeeper(t)
	c := newClient(t, root, addr).up()
	c.must(txn.Op{Kind: txn.OpCreate, Path: decisions.GenerationPath(1) + "/" + decisions.Prefix(), Data: []byte("rubbish"), Sequential: true})
	c.must(appendTo(decisions, 1, "a"))
	c.Do(txn.Follow{Log: decisions})
	c.awaitBatches(0, decisions, "?", "a")
}

func TestPayloadsInParts(t *testing.T) {
	addr, root := sharedZooKeeper(t)
	c := newClient(t, root, addr).up()
	ctx, cancel := context.WithTimeout(t.Context(), testPatience)
	defer cancel()
	payload := noise(3*partBytes + 17)
	parts, err := c.WritePayload(ctx, "head", payload)
	if err != nil {
		t.Fatal(err)
	}
	if heads, err := c.Heads(ctx); err != nil || !slices.Equal(heads, []txn.Head{{Name: "head", Parts: parts}}) || parts != 4 {
		t.Fatalf("heads are %v, %v; %d parts", heads, err, parts)
	}
	c.must(txn.Op{Kind: txn.OpSet, Path: txn.HeadPath("head"), Version: 0})
	if heads, err := c.Heads(ctx); err != nil || len(heads) != 0 {
		t.Fatalf("after the submission heads are %v, %v", heads, err)
	}
	got, err := c.Payload(ctx, "head", parts)
	if err != nil || !slices.Equal(got, payload) {
		t.Fatalf("read %d bytes, %v", len(got), err)
	}
	for _, missing := range []int{parts + 1, parts - 1, 0} {
		if _, err := c.Payload(ctx, "head", missing); !isNoPayload(err) {
			t.Errorf("%d parts: %v", missing, err)
		}
	}
}
