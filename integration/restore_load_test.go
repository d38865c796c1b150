package integration

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/medcommit/medcommit/api/client"
	"github.com/medcommit/medcommit/txn"
)

// restoreLoad is transactions on a pair of sites from several clients at once. Each is asked for under its id until it is decided.
type restoreLoad struct {
	client  *client.Client
	name    string // its ids begin so
	sites   []string
	timeout time.Duration // of each transaction
	stop    context.CancelFunc
	workers sync.WaitGroup

	mu    sync.Mutex
	begun int
	told  map[string]txn.Transaction
}

// restoreClients is how many clients each load has; each pauses for restorePause after a transaction.
const (
	restoreClients = 6
	restorePause   = 10 * time.Millisecond
)

// startRestoreLoad begins a load. ctx bounds all of it.
func startRestoreLoad(ctx context.Context, t *testing.T, c *client.Client, timeout time.Duration, sites ...string) *restoreLoad {
	running, stop := context.WithCancel(ctx)
	l := &restoreLoad{client: c, name: sites[0], sites: sites, timeout: timeout, stop: stop, told: map[string]txn.Transaction{}}
	for range restoreClients {
		l.workers.Go(func() {
			tick := time.NewTicker(restorePause)
			defer tick.Stop()
			for running.Err() == nil && ctx.Err() == nil {
				l.one(ctx)
				<-tick.C
			}
		})
	}
	t.Cleanup(func() { stop(); l.workers.Wait() })
	return l
}

// one carries one transaction to its decision.
func (l *restoreLoad) one(ctx context.Context) {
	l.mu.Lock()
	l.begun++
	id := fmt.Sprintf("%s-%05d", l.name, l.begun)
	l.mu.Unlock()
	_ = await(ctx, func() bool { // what has no outcome when ctx ends is missed by end
		t, err := l.client.Submit(ctx, entryRequest(id, l.sites, l.timeout), txn.WaitDecision)
		if err != nil || !t.State.Decided() {
			return false
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.told[id] = t
		return true
	})
}

// entryRequest notes a transaction at some sites; some have a catalogue, the others are open.
func entryRequest(id string, sites []string, timeout time.Duration) txn.Request {
	r := txn.Request{ID: id, Timeout: timeout.String()}
	for _, site := range sites {
		op := txn.Operation{Name: "note"}
		if site != "pharmacy" && site != "orders" {
			op = txn.Operation{Name: "put", Arguments: json.RawMessage(fmt.Sprintf(`{"key":"entry/%s","value":{"quantity":1},"if_absent":true}`, id))}
		}
		r.Branches = append(r.Branches, txn.BranchRequest{Participant: site, Operations: []txn.Operation{op}})
	}
	return r
}

// outcomes gives what clients were told until now.
func (l *restoreLoad) outcomes() map[string]txn.Transaction {
	l.mu.Lock()
	defer l.mu.Unlock()
	told := make(map[string]txn.Transaction, len(l.told))
	for id, t := range l.told {
		told[id] = t
	}
	return told
}

// committed counts the acknowledged commits until now.
func (l *restoreLoad) committed() int {
	n := 0
	for _, t := range l.outcomes() {
		if t.State.Commit() {
			n++
		}
	}
	return n
}

// progress waits until so many more transactions are committed.
func (l *restoreLoad) progress(ctx context.Context, t *testing.T, n int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	until := l.committed() + n
	if err := await(ctx, func() bool { return l.committed() >= until }); err != nil {
		t.Fatalf("%s: %d committed, and not %d after 30 s", l.name, l.committed(), until)
	}
}

// end stops the load and gives what clients were told: every transaction has come to a decision.
func (l *restoreLoad) end(t *testing.T) map[string]txn.Transaction {
	t.Helper()
	l.stop()
	l.workers.Wait()
	told := l.outcomes()
	if len(told) != l.begun {
		t.Errorf("%s: %d transactions were begun, and %d decided", l.name, l.begun, len(told))
	}
	return told
}
