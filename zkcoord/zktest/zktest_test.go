package zktest_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/medcommit/medcommit/zkcoord/zkserver"
	"github.com/medcommit/medcommit/zkcoord/zktest"
)

func connect(t *testing.T, addrs ...string) *zk.Conn {
	t.Helper()
	conn, _, err := zk.Connect(addrs, 2*time.Second, zk.WithLogInfo(false), zk.WithLogger(silent{}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return conn
}

type silent struct{}

func (silent) Printf(string, ...any) {}

func TestServerKeepsItsDataOverARestart(t *testing.T) {
	c := zktest.Start(t)
	if _, err := connect(t, c.Addrs()...).Create("/kept", []byte("x"), 0, zk.WorldACL(zk.PermAll)); err != nil {
		t.Fatal(err)
	}
	c.Servers[0].Kill()
	c.Servers[0].Restart(t)
	if data, _, err := connect(t, c.Addrs()...).Get("/kept"); err != nil || string(data) != "x" {
		t.Fatalf("after the restart: %q, %v", data, err)
	}
}

func TestEnsembleSurvivesItsLeader(t *testing.T) {
	c := zktest.StartEnsemble(t)
	old := c.Leader(t)
	old.Pause()
	old.Kill() // a paused process can be killed
	if c.Leader(t) == old {
		t.Fatal("the dead server leads")
	}
	old.Restart(t)
	if mode, err := zkserver.Mode(t.Context(), old.Addr()); err != nil || mode != "follower" {
		t.Fatalf("the restarted server is %q, %v", mode, err)
	}
}

func TestCutLosesTheAnswerOfAnAppliedRequest(t *testing.T) {
	c := zktest.Start(t)
	p := zktest.NewProxy(t, c.Addrs()[0])
	conn := connect(t, p.Addr())
	lost := p.LoseAnswer(zktest.Create)
	_, err := conn.Create("/applied", nil, 0, zk.WorldACL(zk.PermAll))
	<-lost
	if err == nil {
		t.Fatal("the answer came through")
	}
	if exists, _, err := connect(t, c.Addrs()...).Exists("/applied"); err != nil || !exists {
		t.Fatalf("the request was not carried out: %v, %v", exists, err)
	}
	lost = p.LoseRequest(zktest.Create)
	_, err = conn.Create("/never", nil, 0, zk.WorldACL(zk.PermAll))
	<-lost
	if err == nil {
		t.Fatal("the answer came through")
	}
	if exists, _, err := connect(t, c.Addrs()...).Exists("/never"); err != nil || exists {
		t.Fatalf("the request was carried out: %v, %v", exists, err)
	}
}

func TestCutHoldAndRefuse(t *testing.T) {
	c := zktest.Start(t)
	p := zktest.NewProxy(t, c.Addrs()[0])
	conn := connect(t, p.Addr())
	exists := func() <-chan error {
		answer := make(chan error, 1)
		go func() {
			_, _, err := conn.Exists("/zookeeper")
			answer <- err
		}()
		return answer
	}
	if err := <-exists(); err != nil {
		t.Fatal(err)
	}
	p.Hold()
	held := exists()
	select {
	case err := <-held:
		t.Fatalf("answered while held: %v", err)
	case <-time.After(200 * time.Millisecond):
	}
	p.Release()
	if err := <-held; err != nil {
		t.Fatalf("after the release: %v", err)
	}
	p.Refuse()
	if err := <-exists(); err == nil {
		t.Fatal("answered while refused")
	}
	p.Allow(t)
	for err := <-exists(); err != nil; err = <-exists() {
		if !errors.Is(err, zk.ErrNoServer) && !errors.Is(err, zk.ErrConnectionClosed) {
			t.Fatal(err)
		}
	}
}

func TestServerDiesWithItsParent(t *testing.T) {
	if dir := os.Getenv("ZKTEST_PARENT"); dir != "" {
		c, err := zktest.Launch(dir, 1)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "addr"), []byte(c.Addrs()[0]), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(os.Getpid(), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	parent := exec.Command(os.Args[0], "-test.run=^TestServerDiesWithItsParent$")
	parent.Env = append(os.Environ(), "ZKTEST_PARENT="+dir)
	if err := parent.Run(); err == nil {
		t.Fatal("the parent was not killed")
	}
	addr, err := os.ReadFile(filepath.Join(dir, "addr"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for {
		if _, err := zkserver.Mode(ctx, string(addr)); err != nil {
			if ctx.Err() != nil {
				t.Fatal("the child outlives its parent")
			}
			return
		}
	}
}

// A release keeps its jars in lib.
func TestStartFromAnUnpackedRelease(t *testing.T) {
	home := t.TempDir()
	if err := os.Mkdir(filepath.Join(home, "lib"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, jar := range []string{"zookeeper.jar", "slf4j-simple.jar"} {
		if err := os.Symlink(filepath.Join("/usr/share/java", jar), filepath.Join(home, "lib", jar)); err != nil {
			t.Fatal(err)
		}
	}
	ports, err := zkserver.FreePorts(1)
	if err != nil {
		t.Fatal(err)
	}
	s, err := zkserver.Start(t.Context(), zkserver.Config{Dir: t.TempDir(), Home: home, Port: ports[0]})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	select {
	case <-s.Done():
	default:
		t.Fatal("stopped and not gone")
	}
}

func TestStartSaysWhatIsWrong(t *testing.T) {
	if err := zkserver.Installed(t.TempDir()); !errors.Is(err, zkserver.ErrNoJars) {
		t.Fatalf("an empty home: %v", err)
	}
	taken := zktest.Start(t).Servers[0]
	port := taken.Addr()[strings.LastIndex(taken.Addr(), ":")+1:]
	dir := t.TempDir()
	_, err := zkserver.Start(t.Context(), zkserver.Config{Dir: dir, Port: mustAtoi(t, port)})
	if !errors.Is(err, syscall.EADDRINUSE) {
		t.Fatalf("on a port in use: %v", err)
	}
}

func mustAtoi(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
