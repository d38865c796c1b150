package main

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/medcommit/medcommit/participant/dbtest"
	"github.com/medcommit/medcommit/zkcoord/zkserver"
	"github.com/medcommit/medcommit/zkcoord/zktest"
)

// examined is what medcommit doctor found.
type examined struct {
	ran
	Findings []finding `json:"findings"`
}

func examine(t *testing.T, args ...string) examined {
	t.Helper()
	var e examined
	e.ran = run(t, "", append([]string{"doctor", "-o", "json"}, args...)...)
	if err := json.Unmarshal([]byte(e.out), &e); err != nil {
		t.Fatalf("doctor %v: %v: %+v", args, err, e.ran)
	}
	return e
}

// want wants a finding of a level about of.
func (e *examined) want(t *testing.T, level, of, what string) {
	t.Helper()
	for _, f := range e.Findings {
		if f.Level == level && strings.HasPrefix(f.Of, of) && strings.Contains(f.What, what) && (f.Remedy == "") == (level == "good") {
			return
		}
	}
	t.Errorf("no %s of %s about %q in %+v", level, of, what, e.Findings)
}

func TestDoctorOnAGoodCluster(t *testing.T) {
	zookeeper := startWhole(t, "lab").zookeeper
	e := examine(t, "--zookeeper", strings.Join(zookeeper, ","))
	if e.code != exitDone {
		t.Errorf("exit code %d: %s", e.code, e.out)
	}
	e.want(t, "good", "zookeeper 127", "it serves as standalone")
	e.want(t, "good", "zookeeper 127", "requests of 512 KB pass, nodes can be created and deleted below /medcommit")
	e.want(t, "good", "zookeeper 127", "sessions of 4s are given, at a tickTime of 100ms")
	e.want(t, "good", "zookeeper 127", "its version is 3")
	e.want(t, "good", "zookeeper 127", "its clock agrees")
	e.want(t, "warning", "zookeeper", "it is one server")
	e.want(t, "good", "coordinator c1", "its clock agrees")
	e.want(t, "good", "participant lab", "it is ready")
	long := examine(t, "--zookeeper", zookeeper[0], "--session-timeout", "2m", "--root", "/elsewhere")
	long.want(t, "warning", "zookeeper 127", "it gives sessions of 1m0s where 2m0s is asked for")
	long.want(t, "warning", "zookeeper 127", "/elsewhere is not there")
	if got := run(t, "", "doctor", "--zookeeper", zookeeper[0]); got.code != exitDone || !strings.Contains(got.out, "good     coordinator c1: it is ready") {
		t.Errorf("as text: %+v", got)
	}
}

func TestDoctorFindsAnEnsembleWithoutQuorum(t *testing.T) {
	c := zktest.StartEnsemble(t)
	all := "--zookeeper=" + strings.Join(c.Addrs(), ",")
	e := examine(t, all, "--coordinators", "http://127.0.0.1:1")
	e.want(t, "good", "zookeeper", "one leader and 2 followers")
	e.want(t, "fault", "coordinators", "none of them answers")
	follower := c.Follower(t)
	follower.Kill()
	e = examine(t, all, "--coordinators", "http://127.0.0.1:1")
	e.want(t, "warning", "zookeeper "+follower.Addr(), "it does not answer")
	c.Follower(t).Kill()
	deadline := time.Now().Add(20 * time.Second)
	for left := c.Servers; ; {
		e = examine(t, all, "--coordinators", "http://127.0.0.1:1")
		if strings.Contains(e.out, "it finds no quorum") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%v: %s", left, e.out)
		}
	}
	e.want(t, "fault", "zookeeper", "0 of 3 servers serve")
	if e.code != exitError || !strings.Contains(e.err, "there are faults") {
		t.Errorf("without a quorum: %+v", e.ran)
	}
}

func TestDoctorFindsSmallRequests(t *testing.T) {
	ports, err := zkserver.FreePorts(1)
	if err != nil {
		t.Fatal(err)
	}
	s, err := zkserver.Launch(zkserver.Config{
		Dir: t.TempDir(), Port: ports[0], JavaOptions: []string{"-Djute.maxbuffer=200000", "-XX:TieredStopAtLevel=1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Kill)
	if err := s.AwaitServing(t.Context()); err != nil {
		t.Fatal(err)
	}
	e := examine(t, "--zookeeper", s.Addr(), "--session-timeout", "1s", "--coordinators", "http://127.0.0.1:1")
	e.want(t, "fault", "zookeeper "+s.Addr(), "it takes no request of 512 KB")
	e.want(t, "warning", "zookeeper "+s.Addr(), "with a tickTime of 500ms a session of 1s may last up to 1.5s")
}

func TestDoctorLooksAtDatabases(t *testing.T) {
	server := dbtest.NewPostgres(t, map[string]string{"max_prepared_transactions": "0"})
	nobody := []string{"--zookeeper", "127.0.0.1:1", "--coordinators", "http://127.0.0.1:1", "--name", "lab"}
	e := examine(t, append(nobody, "--resource", server.NewDatabase(t))...)
	e.want(t, "fault", "database", "max_prepared_transactions is 0")
	e.want(t, "good", "database", "its clock agrees")
	wrong, err := url.Parse(server.NewDatabase(t))
	if err != nil {
		t.Fatal(err)
	}
	wrong.User = url.User("stranger")
	e = examine(t, append(nobody, "--resource", wrong.String())...)
	e.want(t, "fault", "database", "stranger")
	store := examine(t, append(nobody, "--resource", "embedded:"+t.TempDir())...)
	store.want(t, "warning", "database", "others than its owner may look")
}
