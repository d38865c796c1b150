package mysql

import (
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"github.com/medcommit/medcommit/participant"
	"github.com/medcommit/medcommit/participant/dbtest"
	"github.com/medcommit/medcommit/txn"
)

// BenchmarkBranch prepares and commits branches that change one row of many. Compare it with BenchmarkByHand, the same without us.
func BenchmarkBranch(b *testing.B) {
	bench(b, func(b *testing.B, l *lab, clients int) func() error {
		m, err := New(Config{URL: l.url})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { m.Close() })
		if err := m.Open(b.Context(), "lab", "site-a", 1); err != nil {
			b.Fatal(err)
		}
		return func() error {
			xid := branchXID()
			ballot, err := m.Prepare(b.Context(), xid, []participant.Call{
				call(false, "UPDATE numbers SET value = value + :by WHERE name = :name AND value + :by >= 0", one(),
					"name", fmt.Sprint(rand.IntN(20000)), "by", int64(1)),
			})
			if err != nil || ballot != txn.Commit() {
				return fmt.Errorf("prepare: %+v, %w", ballot, err)
			}
			return m.Commit(b.Context(), xid)
		}
	})
}

// BenchmarkByHand sends the same statements one by one over connections of its own, without a marker.
func BenchmarkByHand(b *testing.B) {
	bench(b, func(b *testing.B, l *lab, clients int) func() error {
		l.db.SetMaxIdleConns(clients)
		return func() error {
			conn, err := l.db.Conn(b.Context())
			if err != nil {
				return err
			}
			defer conn.Close()
			name := xaName(branchXID())
			for _, statement := range []string{
				"XA START " + name, fmt.Sprintf("UPDATE numbers SET value = value + 1 WHERE name = '%d'", rand.IntN(20000)),
				"XA END " + name, "XA PREPARE " + name, "XA COMMIT " + name,
			} {
				if _, err := conn.ExecContext(b.Context(), statement); err != nil {
					return err
				}
			}
			return nil
		}
	})
}

func bench(b *testing.B, prepare func(b *testing.B, l *lab, clients int) func() error) {
	server := dbtest.NewMariaDB(b, nil)
	for _, clients := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			l := newLab(b, server)
			l.exec(b, "INSERT INTO numbers SELECT seq, 0 FROM seq_0_to_19999")
			one := prepare(b, l, clients)
			var failed atomic.Int64
			b.SetParallelism(max(1, clients/2))
			b.ResetTimer()
			b.RunParallel(func(p *testing.PB) {
				for p.Next() {
					if err := one(); err != nil {
						failed.Add(1)
						b.Log(err)
					}
				}
			})
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "tx/s")
			if n := failed.Load(); n > 0 {
				b.Errorf("%d failed", n)
			}
		})
	}
}
