package failover

import (
	"context"
	"errors"
	"net/http"
	"syscall"
	"testing"

	"github.com/medcommit/medcommit/cmd/medcommit/local"
	"github.com/medcommit/medcommit/txn"
)

// TestOrderlyStop asks a coordinator to end under load: another one goes on, no client of the library sees an error, and one that
// tries nothing again hears an answer to all that it has sent.
func TestOrderlyStop(t *testing.T) {
	for _, role := range []string{"leader", "standby"} {
		t.Run(role, func(t *testing.T) {
			r := start(t, local.Config{Sites: embedded("a", "b", "slow", "silent")})
			before := r.leader()
			victim := before.Leader
			if role == "standby" {
				victim = r.another(before.Leader)
			}
			l := r.loadUp(12, "tx", "a", "b")
			crowd := r.crowd(victim, 4, "a", "b")
			l.flows(before.Epoch, 200)
			r.eventually("clients are answered", func() bool { return crowd.answers(http.StatusOK) > 20 })
			// Two wait for a decision that does not come: a site of the first answers in the middle of the stop, that of the other does not.
			r.halt("slow")
			r.halt("silent")
			decided := r.hang(victim, "decided", "slow")
			hanging := r.hang(victim, "hanging", "silent")
			r.Terminate(victim)
			r.refuses(victim)
			r.proceed("slow")
			if got := wait(t, "the first hears", decided); got.err != nil || got.status != http.StatusOK || !got.State.Commit() {
				t.Errorf("the first hears %d, %v, %+v", got.status, got.err, got.Transaction)
			}
			if got := wait(t, "the other hears", hanging); got.err != nil || got.status != http.StatusAccepted || got.ID != "hanging" {
				t.Errorf("the other hears %d, %v, %+v", got.status, got.err, got.Transaction)
			}
			r.awaitEnd(victim)
			crowd.group.Wait()
			r.proceed("silent")
			if got := <-r.submit(r.another(victim), hangs("hanging", "silent")); got.err != nil || !got.State.Commit() {
				t.Errorf("it ends as %+v, %v", got.Transaction, got.err)
			}
			for _, err := range crowd.strange {
				t.Errorf("a client that tries nothing again sees %v", err)
			}
			t.Logf("the clients that try nothing again saw %v", crowd.statuses)
			r.restart(victim)
			after := r.leader()
			if role == "standby" {
				if after.Epoch != before.Epoch {
					t.Errorf("the epoch went from %d to %d", before.Epoch, after.Epoch)
				}
				l.check(r)
				return
			}
			r.eventually("another one decides", func() bool { answer, _ := l.first(before.Epoch); return !answer.IsZero() })
			_, first := l.first(before.Epoch)
			gap := first.Sub(l.last(before.Epoch))
			t.Logf("nothing was decided for %v", gap)
			if gap > bounds[killed] {
				t.Errorf("nothing was decided for %v", gap)
			}
			l.check(r)
		})
	}
}

// answer is what a raw client was told.
type rawAnswer struct {
	txn.Transaction
	status int
	err    error
}

// hangs is a transaction that waits for a site.
func hangs(id, site string) txn.Request {
	h := request(id, "a", site)
	h.Timeout = "30s"
	return h
}

// hang hands one in at a coordinator, and returns when it is taken in and waited for.
func (r *rig) hang(at, id, site string) <-chan rawAnswer {
	r.t.Helper()
	answer := make(chan rawAnswer, 1)
	go func() {
		status, t, err := r.raw(at).post(hangs(id, site))
		answer <- rawAnswer{t, status, err}
	}()
	r.eventually(id+" is taken in", func() bool { _, err := r.client.Get(context.Background(), id); return err == nil })
	return answer
}

// refuses waits until a coordinator takes nothing new, and checks that what it refuses was not started.
func (r *rig) refuses(at string) {
	r.t.Helper()
	c := r.raw(at)
	r.eventually(at+" takes nothing new", func() bool {
		status, t, err := c.post(request("refused", "a"))
		switch {
		case errors.Is(err, syscall.ECONNREFUSED), status == http.StatusServiceUnavailable:
			return true
		case status == http.StatusOK:
			return false
		}
		r.t.Fatalf("a new request hears %d, %v, %+v", status, err, t)
		return false
	})
	one := request("not-started", "a")
	if status, t, err := c.post(one); status != http.StatusServiceUnavailable && !errors.Is(err, syscall.ECONNREFUSED) {
		r.t.Errorf("a new request hears %d, %v, %+v", status, err, t)
	}
	other, err := r.connectTo(r.another(at))
	if err != nil {
		r.t.Fatal(err)
	}
	if _, err := other.Get(context.Background(), "not-started"); !errors.Is(err, txn.ErrNotFound) {
		r.t.Errorf("what was refused is there: %v", err)
	}
}
