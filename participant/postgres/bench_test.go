package postgres

import (
	"crypto/rand"
	"fmt"
	mathrand "math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/medcommit/medcommit/participant"
	"github.com/medcommit/medcommit/participant/dbtest"
	"github.com/medcommit/medcommit/txn"
)

const benchTable = `CREATE TABLE numbers (name text PRIMARY KEY, value bigint NOT NULL);
	INSERT INTO numbers SELECT n::text, 0 FROM generate_series(0, 19999) AS n`

func branchXID() txn.XID {
	return txn.XID{Cluster: cluster, Key: txn.Key(strings.ToLower(rand.Text())), Participant: site}
}

// BenchmarkBranch prepares and commits branches that change one row of many. Compare it with BenchmarkByHand, the same without us.
func BenchmarkBranch(b *testing.B) {
	bench(b, func(b *testing.B, url string) func() error {
		m, err := New(Config{URL: url, PrepareConnections: 16, FinishConnections: 8})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { m.Close() })
		if err := m.Open(b.Context(), cluster, site, 1); err != nil {
			b.Fatal(err)
		}
		return func() error {
			x := branchXID()
			ballot, err := m.Prepare(b.Context(), x, []participant.Call{add(fmt.Sprint(mathrand.IntN(20000)), 1)})
			if err != nil || ballot != txn.Commit() {
				return fmt.Errorf("prepare: %+v, %w", ballot, err)
			}
			return m.Commit(b.Context(), x)
		}
	})
}

// BenchmarkByHand sends the same statements one by one on a connection, without a marker.
func BenchmarkByHand(b *testing.B) {
	bench(b, func(b *testing.B, url string) func() error {
		pool, err := pgxpool.New(b.Context(), url+"&pool_max_conns=16")
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(pool.Close)
		return func() error {
			conn, err := pool.Acquire(b.Context())
			if err != nil {
				return err
			}
			defer conn.Release()
			gid := "'" + branchXID().String() + "'"
			if _, err := conn.Exec(b.Context(), "BEGIN"); err != nil {
				return err
			}
			if _, err := conn.Exec(b.Context(), "UPDATE numbers SET value = value + 1 WHERE name = $1",
				fmt.Sprint(mathrand.IntN(20000))); err != nil {
				return err
			}
			for _, sql := range []string{"PREPARE TRANSACTION " + gid, "COMMIT PREPARED " + gid} {
				if _, err := conn.Conn().PgConn().Exec(b.Context(), sql).ReadAll(); err != nil {
					return err
				}
			}
			return nil
		}
	})
}

// bench runs what make makes at 1 and 16 clients against a server of its own.
func bench(b *testing.B, make func(*testing.B, string) func() error) {
	server := dbtest.NewPostgres(b, nil)
	for _, clients := range []int{1, 16} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			url := server.NewDatabase(b)
			execute(b, url, benchTable)
			run := make(b, url)
			work := func(p *testing.PB) {
				for p.Next() {
					if err := run(); err != nil {
						b.Error(err)
						return
					}
				}
			}
			warm(b, 4*clients, run)
			b.ResetTimer()
			if clients == 1 {
				for b.Loop() {
					if err := run(); err != nil {
						b.Fatal(err)
					}
				}
				return
			}
			b.SetParallelism(max(1, clients/runtime.GOMAXPROCS(0)))
			b.RunParallel(work)
		})
	}
}

// warm opens the connections and keeps their statements prepared before the clock runs.
func warm(b *testing.B, n int, run func() error) {
	b.Helper()
	errs := make(chan error, n)
	for range n {
		go func() { errs <- run() }()
	}
	for range n {
		if err := <-errs; err != nil {
			b.Fatal(err)
		}
	}
}
