package zkcoord

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/medcommit/medcommit/txn"
	"github.com/medcommit/medcommit/zkcoord/zktest"
)

// TestCutAtRandom submits through three coordinators over two sites while connections are cut, held and lost at random, and then
// compares what callers were told with what the sites hold: all or nothing, once, nothing in doubt. MEDCOMMIT_TEST_SEED and
// MEDCOMMIT_TEST_SECONDS make it another run, or a longer one.
func TestCutAtRandom(t *testing.T) {
	seed, seconds := number(t, "MEDCOMMIT_TEST_SEED", rand.Uint64()), number(t, "MEDCOMMIT_TEST_SECONDS", 10)
	t.Logf("MEDCOMMIT_TEST_SEED=%d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	tc := newTestCluster(t)
	var proxies []*zktest.Proxy
	var sites []*testSite
	names := []string{"a", "b"}
	for _, name := range names {
		proxy := zktest.NewProxy(t, tc.servers[0])
		cfg := tc.zookeeper()
		cfg.Servers = []string{proxy.Addr()}
		site := startSite(t, cfg, name, newTestDatabase())
		site.votes(func(txn.Prepare) (txn.Ballot, bool) {
			if rand.IntN(10) == 0 {
				return txn.Abort(txn.DetailRows), true
			}
			return txn.Commit(), true
		})
		proxies, sites = append(proxies, proxy), append(sites, site)
	}
	var coordinators []*testCoordinator
	for i := range 3 {
		c := tc.apart(fmt.Sprintf("c%d", i+1), func(cfg *Config) { cfg.HorizonEvery = 500 * time.Millisecond })
		c.awaitSites(names...)
		proxies, coordinators = append(proxies, c.proxy), append(coordinators, c)
	}
	told := runWorkload(t, coordinators, names, func() { disturb(t, r, proxies, time.Duration(seconds)*time.Second) })
	for _, c := range coordinators {
		c.awaitReady()
	}
	eventually(t, "nothing is in doubt", func() bool { return sites[0].inDoubt() == 0 && sites[1].inDoubt() == 0 })
	settled := audit(t, coordinators[0], told, sites)
	t.Logf("%d submissions: %v", len(told), settled)
	if settled["committed"] == 0 || settled["aborted"] == 0 {
		t.Error("it tried nothing")
	}
}

func number(t *testing.T, variable string, value uint64) uint64 {
	t.Helper()
	if text := os.Getenv(variable); text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("%s: %v", variable, err)
		}
		return n
	}
	return value
}

// runWorkload submits from several callers while during runs, and gives what each id's callers were told: "committed", "aborted", or
// "unknown". One id in ten is submitted through two coordinators.
func runWorkload(t *testing.T, cs []*testCoordinator, names []string, during func()) map[string]string {
	ctx, cancel := context.WithCancel(context.Background())
	var mu sync.Mutex
	told := map[string]string{}
	note := func(id, what string) {
		mu.Lock()
		defer mu.Unlock()
		switch was := told[id]; {
		case was == "" || was == "unknown":
			told[id] = what
		case what != "unknown" && what != was:
			t.Errorf("%s: one caller is told %s, another %s", id, was, what)
		}
	}
	var group sync.WaitGroup
	for worker := range 12 {
		group.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				id := fmt.Sprintf("tx-%d-%d", worker, i)
				if i%10 == 0 {
					id = fmt.Sprintf("tx-shared-%d-%d", worker%4, i)
				}
				h := handed(id, names...)
				h.Timeout = 3 * time.Second
				got, err := cs[worker%len(cs)].Submit(context.Background(), h)
				switch {
				case err == nil && got.State.Commit():
					note(id, "committed")
				case err == nil && got.State.Decided():
					note(id, "aborted")
				case err == nil || errors.Is(err, txn.ErrPerhaps) || errors.Is(err, context.DeadlineExceeded):
					note(id, "unknown")
				default:
					note(id, "unknown") // refused by this one; another caller of the id may have been taken
					sleep(ctx, 20*time.Millisecond)
				}
			}
		})
	}
	during()
	cancel()
	group.Wait()
	return told
}

// disturb does one thing after another to a random proxy.
func disturb(t *testing.T, r *rand.Rand, proxies []*zktest.Proxy, d time.Duration) {
	end := time.Now().Add(d)
	for time.Now().Before(end) {
		p := proxies[r.IntN(len(proxies))]
		switch r.IntN(6) {
		case 0:
			p.Cut()
		case 1:
			p.LoseAnswer(zktest.Multi)
		case 2:
			p.LoseRequest(zktest.Multi)
		case 3:
			p.LoseAnswer(zktest.GetData)
		case 4:
			p.Hold()
			sleep(context.Background(), time.Duration(r.IntN(3000))*time.Millisecond)
			p.Release()
		case 5:
			p.Refuse()
			sleep(context.Background(), time.Duration(r.IntN(3000))*time.Millisecond)
			p.Allow(t)
		}
		sleep(context.Background(), time.Duration(r.IntN(300))*time.Millisecond)
	}
}

// audit compares what callers were told with what the sites hold and with what a coordinator says now.
func audit(t *testing.T, c *testCoordinator, told map[string]string, sites []*testSite) map[string]int {
	t.Helper()
	counts := map[string]int{}
	for id, what := range told {
		a, b := sites[0].commits(id), sites[1].commits(id)
		if a != b || a > 1 {
			t.Errorf("%s is committed %d and %d times", id, a, b)
		}
		now, err := c.Transaction(context.Background(), id)
		switch {
		case errors.Is(err, txn.ErrNotFound):
			if a != 0 || what != "unknown" {
				t.Errorf("%s, %s to its caller, committed %d times, is not known", id, what, a)
			}
			what = "never started"
		case err != nil:
			t.Errorf("%s: %v", id, err)
		case now.State.Commit() != (a == 1):
			t.Errorf("%s is %s, and committed %d times", id, now.State, a)
		case what == "committed" && a != 1, what == "aborted" && a != 0:
			t.Errorf("%s: the caller was told %s, and it is committed %d times", id, what, a)
		}
		counts[what]++
	}
	return counts
}
