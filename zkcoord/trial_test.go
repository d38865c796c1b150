package zkcoord

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/medcommit/medcommit/zkcoord/zkserver"
)

// trialServer starts a server with further options of Java's.
func trialServer(t *testing.T, options ...string) string {
	t.Helper()
	ports, err := zkserver.FreePorts(1)
	if err != nil {
		t.Fatal(err)
	}
	s, err := zkserver.Launch(zkserver.Config{
		Dir: t.TempDir(), Port: ports[0], Tick: time.Second, JavaOptions: append(options, "-XX:TieredStopAtLevel=1"),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Kill)
	if err := s.AwaitServing(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s.Addr()
}

func TestTry(t *testing.T) {
	addr := trialServer(t)
	try := func(root string, timeout time.Duration) (Trial, error) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		return Try(ctx, DriverConfig{Servers: []string{addr}, Root: root, SessionTimeout: timeout})
	}
	tr, err := try("/a/b", 4*time.Second)
	if err != nil || tr.Given != 4*time.Second || tr.Root || tr.At != "/" || tr.Write <= 0 || tr.Offset.Abs() > time.Second {
		t.Errorf("without a root: %+v, %v", tr, err)
	}
	if tr, err = try("/a/b", 50*time.Millisecond); err != nil || tr.Asked != 50*time.Millisecond || tr.Given != time.Second {
		t.Errorf("a shorter time-out than the server gives: %+v, %v", tr, err)
	}
	conn, _, err := zk.Connect([]string{addr}, 4*time.Second, zk.WithLogInfo(false))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, node := range []string{"/a", "/a/b"} {
		if _, err := conn.Create(node, nil, 0, zk.WorldACL(zk.PermAll)); err != nil {
			t.Fatal(err)
		}
	}
	if tr, err = try("/a/b", time.Second); err != nil || !tr.Root || tr.At != "/a/b" {
		t.Errorf("with a root: %+v, %v", tr, err)
	}
	if left, _, err := conn.Children("/a/b"); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if _, err := conn.SetACL("/a/b", zk.WorldACL(zk.PermRead), -1); err != nil {
		t.Fatal(err)
	}
	if _, err = try("/a/b", time.Second); !errors.Is(err, ErrRights) {
		t.Errorf("a root that may only be read: %v", err)
	}
}

func TestTrySmallRequests(t *testing.T) {
	addr := trialServer(t, "-Djute.maxbuffer=100000")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if _, err := Try(ctx, DriverConfig{Servers: []string{addr}}); !errors.Is(err, ErrSmallRequests) {
		t.Errorf("got %v", err)
	}
}

func TestTryNobody(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := Try(ctx, DriverConfig{Servers: []string{"127.0.0.1:1"}}); !errors.Is(err, ErrNoSession) {
		t.Errorf("got %v", err)
	}
}
