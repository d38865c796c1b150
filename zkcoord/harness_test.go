package zkcoord

import (
	"context"
	"fmt"
	"os"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/medcommit/medcommit/txn"
)

// patience of the tests: far above what anything takes.
const testPatience = 30 * time.Second

// client is a Driver that runs, and what it has delivered.
type client struct {
	*Driver
	t    testing.TB
	stop func()

	mu     sync.Mutex
	events []txn.Event
	more   chan struct{} // closed, and made anew, when there are more events
	token  txn.Token
}

func newClient(t testing.TB, root string, servers ...string) *client {
	t.Helper()
	return newClientWith(t, DriverConfig{Servers: servers, Root: root, SessionTimeout: 2 * time.Second})
}

func newClientWith(t testing.TB, cfg DriverConfig) *client {
	t.Helper()
	cfg.Registerer = prometheus.NewRegistry()
	if os.Getenv("MEDCOMMIT_TEST_LOG") != "" {
		cfg.Logger = hclog.New(&hclog.LoggerOptions{Level: hclog.Debug})
	}
	d, err := NewDriver(cfg)
	if err != nil {
		t.Fatal(err)
	}
	c := &client{Driver: d, t: t, more: make(chan struct{})}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx, c.deliver) }()
	var once sync.Once
	c.stop = func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				t.Errorf("Run: %v", err)
			}
		})
	}
	t.Cleanup(c.stop)
	return c
}

func (c *client) deliver(ev txn.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.events = append(c.events, ev)
	close(c.more)
	c.more = make(chan struct{})
}

// mark is the number of events so far.
func (c *client) mark() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.events)
}

// since gives the events from mark on.
func (c *client) since(mark int) []txn.Event {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]txn.Event(nil), c.events[mark:]...)
}

func (c *client) newToken() txn.Token {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.token++
	return c.token
}

// await waits for an event from mark on of which is true, and gives it.
func await[E txn.Event](c *client, mark int, is func(E) bool) E {
	c.t.Helper()
	deadline := time.NewTimer(testPatience)
	defer deadline.Stop()
	for {
		c.mu.Lock()
		events, more := c.events[mark:], c.more
		c.mu.Unlock()
		for _, ev := range events {
			if e, ok := ev.(E); ok && is(e) {
				return e
			}
		}
		select {
		case <-more:
		case <-deadline.C:
			c.t.Fatalf("no %v came; there were %s", reflect.TypeFor[E](), describe(events))
		}
	}
}

func describe(events []txn.Event) string {
	return fmt.Sprintf("%d events: %+v", len(events), events)
}

func any1[E any](E) bool { return true }

// up waits for a session, and makes the layout.
func (c *client) up() *client {
	c.t.Helper()
	await(c, 0, any1[txn.SessionUp])
	ctx, cancel := context.WithTimeout(context.Background(), testPatience)
	defer cancel()
	if _, err := c.Cluster(ctx); err != nil {
		c.t.Fatal(err)
	}
	return c
}

// register makes a participant's folder.
func (c *client) register(name string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testPatience)
	defer cancel()
	if _, err := c.Register(ctx, name, txn.Registration{Kind: "embedded", Format: 1}); err != nil {
		c.t.Fatal(err)
	}
}

// multi carries out a multi and gives its answer.
func (c *client) multi(ops ...txn.Op) txn.Event {
	c.t.Helper()
	mark, token := c.mark(), c.newToken()
	c.Do(txn.Multi{Token: token, Ops: ops})
	return await(c, mark, func(ev txn.Event) bool {
		switch ev := ev.(type) {
		case txn.MultiDone:
			return ev.Token == token
		case txn.MultiFailed:
			return ev.Token == token
		case txn.MultiLost:
			return ev.Token == token
		}
		return false
	})
}

// must carries out a multi that is to succeed.
func (c *client) must(ops ...txn.Op) txn.MultiDone {
	c.t.Helper()
	done, ok := c.multi(ops...).(txn.MultiDone)
	if !ok {
		c.t.Fatalf("the multi failed: %+v", c.since(0)[c.mark()-1])
	}
	return done
}

func (c *client) readToEnd(log txn.Log) txn.LogEnd {
	c.t.Helper()
	mark, token := c.mark(), c.newToken()
	c.Do(txn.ReadToEnd{Token: token, Log: log})
	return await(c, mark, func(e txn.LogEnd) bool { return e.Token == token })
}

func (c *client) list(log txn.Log) txn.LogListed {
	c.t.Helper()
	mark, token := c.mark(), c.newToken()
	c.Do(txn.ListLog{Token: token, Log: log})
	return await(c, mark, func(e txn.LogListed) bool { return e.Token == token })
}

func (c *client) node(path string) txn.NodeRead {
	c.t.Helper()
	mark, token := c.mark(), c.newToken()
	c.Do(txn.ReadNode{Token: token, Path: path})
	return await(c, mark, func(e txn.NodeRead) bool { return e.Token == token })
}

// entries are those of a log that were given since mark.
func (c *client) entries(mark int, log txn.Log) (entries []txn.Entry) {
	for _, ev := range c.since(mark) {
		if e, ok := ev.(txn.Entries); ok && e.Log == log {
			entries = append(entries, e.Entries...)
		}
	}
	return entries
}

// batches are the batch names of entries.
func batches(entries []txn.Entry) (names []string) {
	for _, e := range entries {
		if e.Segment == nil {
			names = append(names, "?")
			continue
		}
		names = append(names, e.Segment.Batch)
	}
	return names
}

var (
	transactions = txn.Log{Kind: txn.Transactions}
	decisions    = txn.Log{Kind: txn.Decisions}
)

func votesOf(name string) txn.Log { return txn.Log{Kind: txn.Votes, Participant: name} }

// appendTo is an operation that appends a small segment of that batch.
func appendTo(log txn.Log, gen int32, batch string) txn.Op {
	return txn.Op{Kind: txn.OpAppend, Log: log, Gen: gen, Segment: small(log, batch)}
}

// ghostAt appends an entry, at the place that it is going to have, and deletes it, in one multi: nobody ever reads it, and a watch tells
// of what is gone already. What is to be appended behind it follows.
func ghostAt(num int32, more ...txn.Op) []txn.Op {
	ghost := txn.Op{Kind: txn.OpDeleteEntry, Log: decisions, Pos: txn.Pos{Gen: 1, Num: num}}
	return append([]txn.Op{appendTo(decisions, 1, "ghost"), ghost}, more...)
}

func small(log txn.Log, batch string) *txn.Segment {
	const key = txn.Key("00000000000000000000000000")
	s := &txn.Segment{Batch: batch}
	submission := txn.Submission{Key: key, ID: "id", Participants: []string{"a"}}
	decision := txn.Decision{Key: key, ID: "id", Verdict: txn.VerdictAbort, Votes: []txn.CastVote{{Participant: "a"}}}
	switch log.Kind {
	case txn.Transactions:
		s.Submissions = []txn.Submission{submission}
	case txn.Decisions:
		s.Decisions = []txn.Decision{decision}
	case txn.History:
		s.History = []txn.Past{{Submission: submission, Decision: decision, Completed: 1}}
	case txn.Inbox:
		s.Prepares = []txn.Prepare{{Key: key, ID: "id"}}
	case txn.Votes:
		s.Votes = []txn.VoteRecord{{Key: key, Ballot: txn.Commit()}}
	}
	return s
}
