package zkcoord

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/medcommit/medcommit/txn"
	"github.com/medcommit/medcommit/zkcoord/zkserver"
)

// asked is how many requests of a kind a driver has sent.
func asked(t *testing.T, c *client, r request) uint64 {
	t.Helper()
	durations, ok := c.metrics.duration[r].(prometheus.Collector)
	if !ok {
		t.Fatal("the durations cannot be collected")
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(durations)
	families, err := registry.Gather()
	if err != nil || len(families) != 1 {
		t.Fatal(err)
	}
	return families[0].GetMetric()[0].GetHistogram().GetSampleCount()
}

func TestWhoWritesALogAloneHardlyReadsIt(t *testing.T) {
	addr, root := sharedZooKeeper(t)
	c := newClient(t, root, addr).up()
	c.Do(txn.Follow{Log: decisions})
	gets, looks := asked(t, c, reqGet), asked(t, c, reqExists)
	var want []string
	for i := range 100 {
		want = append(want, fmt.Sprint(i))
		c.must(appendTo(decisions, 1, want[i]))
	}
	c.awaitBatches(0, decisions, want...)
	// It is looked at when it is begun; where the machine is slow, one that is looked at before its answer is there is read.
	if gets, looks := asked(t, c, reqGet)-gets, asked(t, c, reqExists)-looks; gets > 5 || looks > 20 {
		t.Errorf("%d were read, with %d looks", gets, looks)
	}
}

// TestEntriesOfOthersAmongOnesOwn: they are given in their places, at the next entry of one's own or soon.
func TestEntriesOfOthersAmongOnesOwn(t *testing.T) {
	addr, root := sharedZooKeeper(t)
	c, other := newClient(t, root, addr).up(), newClient(t, root, addr).up()
	c.Do(txn.Follow{Log: decisions})
	var want []string
	for i := range 60 {
		want = append(want, fmt.Sprint(i))
		writer := c
		if i%10 == 7 {
			writer = other
		}
		writer.must(appendTo(decisions, 1, want[i]))
	}
	c.awaitBatches(0, decisions, want...)
	want = append(want, "last")
	other.must(appendTo(decisions, 1, "last"))
	c.awaitBatches(0, decisions, want...)
	if end := c.readToEnd(decisions); end.Through.Num != int32(len(want)) {
		t.Errorf("the end is %v", end.Through)
	}
}

// TestWhatIsDeletedWithItsOwnMultiIsNotGiven: what this process appends is given from memory only where it is still there.
func TestWhatIsDeletedWithItsOwnMultiIsNotGiven(t *testing.T) {
	addr, root := sharedZooKeeper(t)
	c := newClient(t, root, addr).up()
	c.Do(txn.Follow{Log: decisions})
	var want []string
	for i := range 20 {
		want = append(want, fmt.Sprint(i))
		c.must(ghostAt(int32(2*i), appendTo(decisions, 1, want[i]))...)
	}
	c.awaitBatches(0, decisions, want...)
}

func TestASlowFollowerGivesAllInTheEnd(t *testing.T) {
	addr, root := sharedZooKeeper(t)
	w, r := newClient(t, root, addr).up(), newClient(t, root, addr).up()
	r.Slow(true)
	r.Do(txn.Follow{Log: decisions})
	var want []string
	add := func() {
		want = append(want, fmt.Sprint(len(want)))
		w.must(appendTo(decisions, 1, want[len(want)-1]))
	}
	for range 20 {
		add()
	}
	r.awaitBatches(0, decisions, want...)
	for range 20 {
		add()
		end := r.readToEnd(decisions) // at once
		if got := batches(r.entries(0, decisions)); end.Through.Num != int32(len(want)) || !slices.Equal(got, want) {
			t.Fatalf("at the end %v: %v", end.Through, got)
		}
	}
	// What came and went while it was slow does not hold it up when it is not any more.
	gone := w.must(appendTo(decisions, 1, "gone")).Appended[0]
	w.must(txn.Op{Kind: txn.OpDeleteEntry, Log: decisions, Pos: gone})
	r.Slow(false)
	for range 5 {
		add()
		r.awaitBatches(0, decisions, want...)
	}
}

// TestASlowWatchRests: a node that changes all the time is read now and then while nobody waits, its last state in the end, and at once
// when somebody does.
func TestASlowWatchRests(t *testing.T) {
	addr, root := sharedZooKeeper(t)
	w, r := newClient(t, root, addr).up(), newClient(t, root, addr).up()
	const path = "drained/emr"
	version := int32(0)
	set := func() {
		w.must(txn.Op{Kind: txn.OpSet, Path: path, Version: version})
		version++
	}
	told := func() int {
		return len(slices.DeleteFunc(r.since(0), func(e txn.Event) bool { _, ok := e.(txn.NodeRead); return !ok }))
	}
	awaitLast := func() {
		t.Helper()
		await(r, 0, func(e txn.NodeRead) bool { return e.Version == version })
	}
	w.must(txn.Op{Kind: txn.OpCreate, Path: path})
	r.Do(txn.WatchNode{Path: path})
	awaitLast()
	r.Slow(true)
	before, begun := told(), time.Now()
	for range 100 {
		set()
	}
	awaitLast()
	if n, most := told()-before, 2+int(time.Since(begun)/slowEvery); n > most {
		t.Errorf("it was told %d times in %v, want %d at most", n, time.Since(begun), most)
	}
	const rounds = 20
	begun = time.Now()
	for range rounds {
		r.Slow(true)
		for range 3 {
			set()
		}
		r.Slow(false)
		awaitLast()
	}
	if took := time.Since(begun); took > rounds*slowEvery/2 {
		t.Errorf("%d states took %v: it rests though somebody waits", rounds, took)
	}
}

// TestAStandbyIsReadAfresh: a standby that nobody has asked for a while follows slowly; the first who asks sees what was decided.
func TestAStandbyIsReadAfresh(t *testing.T) {
	tc := newTestCluster(t)
	tc.site("a")
	leader := tc.coordinator("c1")
	leader.awaitSites("a")
	standby := tc.coordinator("c2")
	standby.awaitSites("a")
	for i := range 2 {
		eventually(t, "nobody looks at the standby any more", standby.driver.slow.Load)
		if leader.driver.slow.Load() {
			t.Error("the leader is slow")
		}
		id := fmt.Sprint("tx-", i)
		if _, err := leader.Submit(t.Context(), handed(id, "a")); err != nil {
			t.Fatal(err)
		}
		page, err := standby.Transactions(t.Context(), txn.Filter{Limit: 1})
		if err != nil || len(page.Transactions) != 1 || page.Transactions[0].ID != id || !page.Transactions[0].State.Decided() {
			t.Errorf("the standby lists %+v, %v", page.Transactions, err)
		}
		if standby.driver.slow.Load() {
			t.Error("the standby is slow though it was asked just now")
		}
	}
}

// awaitWatches waits until the sessions of one server watch the folder of the decisions' first generation, or do not.
func (c *client) awaitWatches(addr string, want bool) {
	c.t.Helper()
	eventually(c.t, fmt.Sprint("there is a watch: ", want), func() bool {
		watched, err := zkserver.Ask(c.t.Context(), addr, "wchp")
		return err == nil && slices.Contains(strings.Split(watched, "\n"), c.path(decisions.GenerationPath(1))) == want
	})
}

// TestAWatchStandsWhileSomebodyWaits: it stands though it has fired, and goes when nobody wants to know any more.
func TestAWatchStandsWhileSomebodyWaits(t *testing.T) {
	addr, root := sharedZooKeeper(t)
	w, r := newClient(t, root, addr).up(), newClient(t, root, addr).up()
	r.Do(txn.Follow{Log: decisions})
	var want []string
	add := func() {
		want = append(want, fmt.Sprint(len(want)))
		w.must(appendTo(decisions, 1, want[len(want)-1]))
		r.awaitBatches(0, decisions, want...)
	}
	r.readToEnd(decisions)
	r.awaitWatches(addr, true)
	set, begun := asked(t, r, reqWatch), time.Now()
	for range 10 {
		add()
	}
	if took := time.Since(begun); took > 10*recheckEvery/2 || asked(t, r, reqWatch) != set {
		t.Errorf("ten entries were told in %v, with %d more watches", took, asked(t, r, reqWatch)-set)
	}
	r.awaitWatches(addr, true)
	r.Slow(true)
	r.awaitWatches(addr, false)
	add()
	r.Slow(false)
	r.awaitWatches(addr, true)
	add()
	r.Do(txn.Unfollow{Log: decisions})
	r.awaitWatches(addr, false)
	for range 20 { // the next follower's watch is not taken away by the end of the one before
		mark := r.mark()
		r.Do(txn.Follow{Log: decisions})
		r.awaitBatches(mark, decisions, want...)
		r.Do(txn.Unfollow{Log: decisions}, txn.Follow{Log: decisions})
		r.awaitWatches(addr, true)
		r.Do(txn.Unfollow{Log: decisions})
	}
}

// TestALogIsFollowedWithoutPersistentWatches: this watch manager of ZooKeeper's has none.
func TestALogIsFollowedWithoutPersistentWatches(t *testing.T) {
	addr := trialServer(t, "-Dzookeeper.watchManagerName=org.apache.zookeeper.server.watch.WatchManagerOptimized")
	w, r := newClient(t, "/medcommit", addr).up(), newClient(t, "/medcommit", addr).up()
	r.Do(txn.Follow{Log: decisions})
	var want []string
	begun := time.Now()
	for i := range 20 {
		want = append(want, fmt.Sprint(i))
		w.must(appendTo(decisions, 1, want[i]))
		r.awaitBatches(0, decisions, want...)
	}
	if took := time.Since(begun); took > 20*recheckEvery/4 {
		t.Errorf("twenty entries were told in %v", took)
	}
}

// TestWhatWasToldIsNotGoneBecauseItIsNotThere: a server to which the connection went may not have seen yet what another has told.
func TestWhatWasToldIsNotGoneBecauseItIsNotThere(t *testing.T) {
	addr, root := sharedZooKeeper(t)
	w, r := newClient(t, root, addr).up(), newClient(t, root, addr).up()
	r.Do(txn.Follow{Log: decisions})
	r.readToEnd(decisions)
	s := r.toldSession()
	s.mu.Lock()
	f := s.followers[decisions]
	s.mu.Unlock()
	gets := asked(t, r, reqGet)
	f.created(1)
	eventually(t, "what was told is read", func() bool { return asked(t, r, reqGet) >= gets+2 })
	w.must(appendTo(decisions, 1, "a"))
	w.must(appendTo(decisions, 1, "b"))
	r.awaitBatches(0, decisions, "a", "b")
}
