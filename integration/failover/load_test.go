package failover

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/medcommit/medcommit/txn"
)

// answered is what a client was told, and when.
type answered struct {
	txn.Transaction
	sent, at time.Time
}

// load is clients that submit one transaction after the other, each of which puts one record at every site of names.
type load struct {
	t     testing.TB
	names []string
	stop  func()

	mu       sync.Mutex
	answers  []answered
	failures []error
}

// request is a transaction that puts a record named after it at every site of names.
func request(id string, names ...string) txn.Request {
	r := txn.Request{ID: id}
	for _, name := range names {
		r.Branches = append(r.Branches, txn.BranchRequest{Participant: name, Operations: []txn.Operation{{
			Name: "put", Arguments: json.RawMessage(fmt.Sprintf(`{"key":"tx/%s","value":{"n":1},"if_absent":true}`, id)),
		}}})
	}
	return r
}

// loadUp starts clients until the test ends or stop is called; they use all coordinators and try again as the client library does.
func (r *rig) loadUp(clients int, prefix string, names ...string) *load {
	l := &load{t: r.t, names: names}
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	for i := range clients {
		group.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				pause(ctx)
				c := r.connect(i) // anew: else all come to stay at one coordinator, which may be the one that is stopped next
				sent := time.Now()
				t, err := c.Submit(context.Background(), request(fmt.Sprintf("%s-%d-%d", prefix, i, n), names...), txn.WaitDecision)
				l.note(answered{t, sent, time.Now()}, err)
			}
		})
	}
	var once sync.Once
	l.stop = func() { once.Do(func() { cancel(); group.Wait() }) }
	r.t.Cleanup(l.stop)
	return l
}

// pace is the time between a client's transactions: enough of them to see when decisions stop, and few enough to leave the machine
// to what is tried.
const pace = 20 * time.Millisecond

func pause(ctx context.Context) {
	select {
	case <-time.After(pace):
	case <-ctx.Done():
	}
}

func (l *load) note(a answered, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil && !a.State.Commit() {
		err = fmt.Errorf("%s is %s, %+v", a.ID, a.State, a.Reason)
	}
	if err != nil {
		l.failures = append(l.failures, err)
		return
	}
	l.answers = append(l.answers, a)
}

// in gives what was decided in the epochs of which is true.
func (l *load) in(is func(epoch int32) bool) (answers []answered) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range l.answers {
		if is(a.Epoch) {
			answers = append(answers, a)
		}
	}
	return answers
}

// first gives the first answer and the first decision after an epoch.
func (l *load) first(after int32) (answer, decision time.Time) {
	for _, a := range l.in(func(epoch int32) bool { return epoch > after }) {
		if answer.IsZero() || a.at.Before(answer) {
			answer = a.at
		}
		if a.Decided != nil && (decision.IsZero() || a.Decided.Before(decision)) {
			decision = a.Decided.Time
		}
	}
	return answer, decision
}

// last gives the last decision up to an epoch.
func (l *load) last(upTo int32) (decision time.Time) {
	for _, a := range l.in(func(epoch int32) bool { return epoch <= upTo }) {
		if a.Decided != nil && a.Decided.After(decision) {
			decision = a.Decided.Time
		}
	}
	return decision
}

// flows waits until n more transactions were decided in that epoch.
func (l *load) flows(epoch int32, n int) {
	l.t.Helper()
	same := func(e int32) bool { return e == epoch }
	before := len(l.in(same))
	eventually(l.t, fmt.Sprintf("%d transactions are decided in epoch %d", n, epoch), func() bool { return len(l.in(same)) >= before+n })
}

// check ends the load, and finds what clients were told true: no errors, and every record at every site.
func (l *load) check(r *rig) {
	l.t.Helper()
	l.stop()
	for i, err := range l.failures {
		if i == 5 {
			break
		}
		l.t.Errorf("a client was told: %v", err)
	}
	if len(l.answers) == 0 {
		l.t.Error("nothing was committed")
	}
	for _, name := range l.names {
		r.eventually(name+" has all that was committed", func() bool {
			there := r.records(name)
			for _, a := range l.answers {
				if !there["tx/"+a.ID] {
					return false
				}
			}
			return true
		})
	}
}

// records gives the keys that a site's embedded store holds.
func (r *rig) records(site string) map[string]bool {
	r.t.Helper()
	base := ""
	for _, p := range r.Describe().Participants {
		if p.Name == site {
			base = p.URL
		}
	}
	keys := map[string]bool{}
	for cursor := ""; ; {
		var page struct {
			Records []struct{ Key string }
			Next    string
		}
		res, err := http.Get(base + "/v1/records?limit=1000&prefix=tx/&cursor=" + cursor)
		if err != nil {
			r.t.Fatal(err)
		}
		err = json.NewDecoder(res.Body).Decode(&page)
		res.Body.Close()
		if err != nil {
			r.t.Fatal(err)
		}
		for _, record := range page.Records {
			keys[record.Key] = true
		}
		if cursor = page.Next; cursor == "" {
			return keys
		}
	}
}
