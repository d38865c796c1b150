package zkcoord

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/medcommit/medcommit/zkcoord/zkserver"
)

// BenchmarkCoordination measures the coordination alone: one embedded coordinator, two participants that do nothing, one ZooKeeper
// server, submitters that wait for the decision.
func BenchmarkCoordination(b *testing.B) {
	for _, submitters := range []int{1, 64, 256} {
		b.Run(fmt.Sprintf("submitters=%d", submitters), func(b *testing.B) { benchmarkCoordination(b, submitters) })
	}
}

func benchmarkCoordination(b *testing.B, submitters int) {
	tc := &testCluster{t: b, servers: []string{benchmarkServer(b)}, root: "/medcommit", session: 10 * time.Second}
	tc.site("a")
	tc.site("b")
	c := tc.coordinator("c1", func(cfg *Config) { cfg.Retention, cfg.HorizonEvery = 10*time.Second, time.Second })
	c.awaitSites("a", "b")
	awaitLeader(b, c)
	var next atomic.Int64
	took := make([][]time.Duration, submitters)
	var group sync.WaitGroup
	b.ResetTimer()
	for i := range submitters {
		group.Go(func() {
			for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
				began := time.Now()
				got, err := c.Submit(context.Background(), handed(fmt.Sprintf("tx-%d", n), "a", "b"))
				if err != nil || !got.State.Commit() {
					b.Errorf("got %+v, %v", got, err)
					return
				}
				took[i] = append(took[i], time.Since(began))
			}
		})
	}
	group.Wait()
	b.StopTimer()
	all := slices.Sorted(slices.Values(slices.Concat(took...)))
	if len(all) == 0 {
		return
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "tx/s")
	b.ReportMetric(float64(all[len(all)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(all[len(all)*99/100].Microseconds())/1000, "p99-ms")
}

// benchmarkServer starts a server as a deployment would have it, and gives its address.
func benchmarkServer(b *testing.B) string {
	b.Helper()
	ports, err := zkserver.FreePorts(1)
	if err != nil {
		b.Fatal(err)
	}
	server, err := zkserver.Start(context.Background(), zkserver.Config{Dir: b.TempDir(), Port: ports[0], HeapMB: 2048})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(server.Kill)
	return server.Addr()
}
