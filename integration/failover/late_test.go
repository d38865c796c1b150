package failover

import (
	"context"
	"testing"
	"time"

	"github.com/medcommit/medcommit/cmd/medcommit/local"
	"github.com/medcommit/medcommit/txn"
	"github.com/medcommit/medcommit/zkcoord/zkserver"
	"github.com/medcommit/medcommit/zkcoord/zktest"
)

// apart is a rig whose coordinators each have a proxy of their own before ZooKeeper.
func apart(t *testing.T) (*rig, map[string]*zktest.Proxy) {
	t.Helper()
	ports, err := zkserver.FreePorts(1)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	zk, err := zkserver.Start(ctx, zkserver.Config{Dir: t.TempDir(), Port: ports[0]})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = zk.Stop(context.Background()) }) // what does not end in order is killed
	proxies, through := map[string]*zktest.Proxy{}, map[string]string{}
	for _, id := range []string{"c1", "c2", "c3"} {
		proxies[id] = zktest.NewProxy(t, zk.Addr())
		through[id] = proxies[id].Addr()
	}
	return start(t, local.Config{ZooKeeper: zk.Addr(), Through: through, Sites: embedded("a", "b")}), proxies
}

// told is what became of a submission.
type told struct {
	txn.Transaction
	err error
}

// submit hands a transaction in at one coordinator alone, first.
func (r *rig) submit(at string, request txn.Request) <-chan told {
	first := 0
	for i, c := range r.Describe().Coordinators {
		if c.ID == at {
			first = i
		}
	}
	c, answer := r.connect(first), make(chan told, 1)
	go func() {
		t, err := c.Submit(context.Background(), request, txn.WaitDecision)
		answer <- told{t, err}
	}()
	return answer
}

func (r *rig) another(than string) string {
	for _, c := range r.Describe().Coordinators {
		if c.ID != than {
			return c.ID
		}
	}
	return ""
}

// wait receives, or fails the test.
func wait[T any](t testing.TB, what string, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		t.Fatalf("it does not come about: %s", what)
	}
	panic("unreachable")
}

// TestDecisionOfADeadLeader lets a leader die when it has sent a decision that the network delivers only when another leader has
// decided: the session of the dead one still stands, and its epoch alone keeps it from deciding (R4).
func TestDecisionOfADeadLeader(t *testing.T) {
	r, proxies := apart(t)
	before := r.leader()
	l := r.loadUp(2, "before", "a", "b")
	l.flows(before.Epoch, 50)
	l.check(r)
	late := proxies[before.Leader].HoldMulti("/decisions/")
	answer := r.submit(r.another(before.Leader), request("late", "a", "b"))
	wait(t, "the leader decides", late.Caught)
	began := time.Now()
	r.Kill(before.Leader)
	got := wait(t, "another leader decides", answer)
	took := time.Since(began)
	if got.err != nil || !got.State.Commit() || got.Epoch != before.Epoch+1 || got.Coordinator == before.Leader {
		t.Errorf("a client hears %+v, %v", got.Transaction, got.err)
	}
	if took > bounds[killed] {
		t.Errorf("it is decided %v after the leader's end", took)
	}
	proxies[before.Leader].Release()
	if code := wait(t, "ZooKeeper answers the late decision", late.Answer()); code != zktest.BadVersion {
		t.Errorf("ZooKeeper says %d to the late decision", code)
	}
	r.restart(before.Leader)
	r.same("late", got.Transaction)
}

// TestStoppedLeaderInTheMiddleOfADecision stops a leader that has sent a decision, which the network delivers when the process goes on
// after another one has taken over. Its session is over by then; and the clients that wait at it hear what was decided.
func TestStoppedLeaderInTheMiddleOfADecision(t *testing.T) {
	r, proxies := apart(t)
	before := r.leader()
	late := proxies[before.Leader].HoldMulti("/decisions/")
	own := r.submit(before.Leader, request("late", "a", "b"))
	wait(t, "the leader decides", late.Caught)
	began := time.Now()
	r.halt(before.Leader)
	got := wait(t, "another leader decides", r.submit(r.another(before.Leader), request("late", "a", "b")))
	took := time.Since(began)
	t.Logf("decided %v after the leader was stopped", took)
	if got.err != nil || !got.State.Commit() || got.Epoch != before.Epoch+1 || got.Coordinator == before.Leader {
		t.Errorf("a client hears %+v, %v", got.Transaction, got.err)
	}
	if took > bounds[stopped] {
		t.Errorf("it is decided %v after the leader was stopped", took)
	}
	proxies[before.Leader].Release()
	r.proceed(before.Leader)
	if code := wait(t, "ZooKeeper ends the connection", late.Answer()); code != zktest.Unanswered {
		t.Errorf("ZooKeeper says %d to the late decision", code)
	}
	if got := wait(t, "the stopped leader's client hears", own); got.err != nil || !got.State.Commit() || got.Epoch != before.Epoch+1 {
		t.Errorf("the client of the stopped leader hears %+v, %v", got.Transaction, got.err)
	}
	if now := r.leader(); now.Leader == before.Leader || now.Epoch != before.Epoch+1 {
		t.Errorf("%s leads in epoch %d", now.Leader, now.Epoch)
	}
	l := r.loadUp(4, "after", "a", "b")
	l.flows(before.Epoch+1, 50)
	l.check(r)
	r.same("late", got.Transaction)
}

// same checks that every coordinator answers for a transaction as want does, and that it was done once at both sites.
func (r *rig) same(id string, want txn.Transaction) {
	r.t.Helper()
	for i := range r.known {
		got, err := r.connect(i).Get(context.Background(), id)
		if err != nil || got.State.Commit() != want.State.Commit() || got.Epoch != want.Epoch || got.Coordinator != want.Coordinator {
			r.t.Errorf("coordinator %d says %+v, %v", i+1, got, err)
		}
	}
	for _, site := range []string{"a", "b"} {
		r.eventually(site+" obeys", func() bool { return r.records(site)["tx/"+id] == want.State.Commit() })
	}
}
