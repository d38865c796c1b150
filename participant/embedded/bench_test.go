package embedded_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/medcommit/medcommit/participant"
	"github.com/medcommit/medcommit/txn"
)

// BenchmarkBranch measures a branch from prepare to commit, with 64 at once: on one record that all take from, and on the same
// after a check that holds it alone.
func BenchmarkBranch(b *testing.B) {
	hold := call(false, participant.Record{Check: &participant.CheckRecord{Key: "stock", Field: "n", Min: 0}})
	for name, calls := range map[string]func(n int64) []participant.Call{
		"apart":     func(n int64) []participant.Call { return []participant.Call{put(fmt.Sprintf("k/%d", n%20000), n)} },
		"hot stock": func(int64) []participant.Call { return []participant.Call{add("stock", -1)} },
		"held":      func(int64) []participant.Call { return []participant.Call{hold, add("stock", -1)} },
	} {
		b.Run(name, func(b *testing.B) {
			s := must(b, b.TempDir())
			commitCalls(b, s, put("stock", 1<<40))
			var n atomic.Int64
			b.SetParallelism(32)
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					x := newXID()
					ballot, err := s.Prepare(b.Context(), x, calls(n.Add(1)))
					if err != nil || (ballot != txn.Commit() && !ballot.Retryable) {
						b.Errorf("prepare: %+v, %v", ballot, err)
						return
					}
					if ballot == txn.Commit() {
						if err := s.Commit(b.Context(), x); err != nil {
							b.Error(err)
							return
						}
					}
				}
			})
		})
	}
}
