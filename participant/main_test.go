package participant_test

import (
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/medcommit/medcommit/zkcoord/zktest"
)

// shared is one ZooKeeper server for all tests of the package; each takes a root of its own.
type shared struct {
	once    sync.Once
	dir     string
	cluster *zktest.Cluster
	err     error
	roots   atomic.Int64
}

var sharedServer shared

func TestMain(m *testing.M) {
	code := m.Run()
	if sharedServer.cluster != nil {
		sharedServer.cluster.Close()
	}
	if sharedServer.dir != "" {
		_ = os.RemoveAll(sharedServer.dir)
	}
	os.Exit(code)
}

// zooKeeper gives the address of the shared server and a root that no other test uses.
func zooKeeper(t testing.TB) (addr, root string) {
	t.Helper()
	s := &sharedServer
	s.once.Do(func() {
		if s.dir, s.err = os.MkdirTemp("", "participant-"); s.err == nil {
			s.cluster, s.err = zktest.Launch(s.dir, 1)
		}
	})
	if s.err != nil {
		t.Fatalf("start ZooKeeper: %v", s.err)
	}
	return s.cluster.Addrs()[0], fmt.Sprintf("/tests/%d", s.roots.Add(1))
}
