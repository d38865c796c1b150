package zkcoord

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/medcommit/medcommit/zkcoord/zktest"
)

// shared is one ZooKeeper server for all tests that do not harm it; each takes a root of its own.
type shared struct {
	once    sync.Once
	dir     string
	cluster *zktest.Cluster
	roots   atomic.Int64 // given so far
	err     error
}

var sharedServer shared

func TestMain(m *testing.M) {
	code := m.Run()
	if sharedServer.cluster != nil {
		sharedServer.cluster.Close()
	}
	if sharedServer.dir != "" {
		os.RemoveAll(sharedServer.dir)
	}
	os.Exit(code)
}

// sharedZooKeeper gives the address of the shared server and a root that no other test uses.
func sharedZooKeeper(t testing.TB) (addr, root string) {
	t.Helper()
	s := &sharedServer
	s.once.Do(func() {
		if s.dir, s.err = os.MkdirTemp("", "zkcoord-"); s.err == nil {
			s.cluster, s.err = zktest.Launch(s.dir, 1)
		}
	})
	if s.err != nil {
		t.Fatalf("start ZooKeeper: %v", s.err)
	}
	name := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '-'
	}, t.Name())
	return s.cluster.Addrs()[0], fmt.Sprintf("/tests/%s-%d", name, s.roots.Add(1))
}
