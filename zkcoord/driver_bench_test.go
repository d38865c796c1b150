package zkcoord

import (
	"fmt"
	"testing"

	"github.com/medcommit/medcommit/txn"
)

// BenchmarkAppendAndFollow has one writer with one multi in flight and one reader in another session: how long a segment takes from
// Do to the reader.
func BenchmarkAppendAndFollow(b *testing.B) {
	addr, root := sharedZooKeeper(b)
	w, r := newClient(b, root, addr).up(), newClient(b, root, addr).up()
	r.Do(txn.Follow{Log: decisions})
	r.readToEnd(decisions)
	seg := &txn.Segment{Batch: "b"}
	for range 64 {
		seg.Decisions = append(seg.Decisions, samples()["decisions"].Decisions...)
	}
	b.ResetTimer()
	for b.Loop() {
		mark := r.mark()
		w.must(txn.Op{Kind: txn.OpAppend, Log: decisions, Gen: 1, Segment: seg})
		await(r, mark, any1[txn.Entries])
	}
}

// BenchmarkReadBack follows a log that is there: what a restart reads.
func BenchmarkReadBack(b *testing.B) {
	addr, root := sharedZooKeeper(b)
	w, r := newClient(b, root, addr).up(), newClient(b, root, addr).up()
	const entries = 5000
	for i := 0; i < entries; i += 500 {
		var ops []txn.Op
		for j := range 500 {
			ops = append(ops, appendTo(decisions, 1, fmt.Sprint(i+j)))
		}
		w.must(ops...)
	}
	b.ResetTimer()
	for b.Loop() {
		mark := r.mark()
		r.Do(txn.Follow{Log: decisions})
		r.readToEnd(decisions)
		if n := len(r.entries(mark, decisions)); n != entries {
			b.Fatalf("read %d entries", n)
		}
		r.Do(txn.Unfollow{Log: decisions})
	}
	b.ReportMetric(entries*float64(b.N)/b.Elapsed().Seconds(), "entries/s")
}
