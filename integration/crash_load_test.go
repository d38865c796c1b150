package integration

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/medcommit/medcommit/api/client"
	"github.com/medcommit/medcommit/txn"
)

// What a lane's load is: so many clients, each beginning a transaction every so often.
const (
	loadClients = 8
	loadEvery   = 25 * time.Millisecond
	loadAtLeast = 16
)

// accounts is how many each site has; an amount moves between sites under the same number.
const accounts = 200

// transferTime is the time that a transfer has, where nothing else is said.
const transferTime = "5s"

// load is transactions from several clients at once, each carried to its end and told to the books.
type load struct {
	lane    *lane
	client  *client.Client
	timeout string          // of its transactions
	ctx     context.Context // of the case
	stop    context.CancelFunc
	workers sync.WaitGroup
	begun   atomic.Int64
	failed  chan error
}

// load begins a load on the coordinators of a client.
func (l *lane) load(c *client.Client) *load { return l.loadFor(c, transferTime) }

// loadFor begins one whose transactions have so much time.
func (l *lane) loadFor(c *client.Client, timeout string) *load {
	ctx, cancel := context.WithCancel(l.ctx)
	d := &load{lane: l, client: c, timeout: timeout, ctx: l.ctx, stop: cancel, failed: make(chan error, loadClients)}
	for range loadClients {
		d.workers.Go(func() {
			if err := d.run(ctx); err != nil {
				d.failed <- err
			}
		})
	}
	return d
}

// run begins transactions until it is stopped; what it began it carries to its end.
func (d *load) run(stopped context.Context) error {
	tick := time.NewTicker(loadEvery)
	defer tick.Stop()
	for stopped.Err() == nil || d.begun.Load() < loadAtLeast {
		if err := d.transfer(int(d.begun.Add(1))); err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-d.ctx.Done():
			return d.ctx.Err()
		}
	}
	return nil
}

// end stops the load and waits until each of its transactions has come to its end.
func (d *load) end() {
	d.lane.t.Helper()
	d.stop()
	d.workers.Wait()
	close(d.failed)
	for err := range d.failed {
		d.lane.t.Errorf("a client came to no end: %v", err)
	}
	if d.lane.t.Failed() {
		d.lane.t.FailNow()
	}
}

// transfer moves an amount between sites. Some transfers cannot be, some are asked for twice at once, some are aborted by their
// client, some are long.
func (d *load) transfer(n int) error {
	r := d.request(n)
	switch n % 8 {
	case 3:
		return d.twice(r)
	case 5:
		return d.abort(r)
	}
	return d.submit(d.client, r)
}

func (d *load) request(n int) txn.Request {
	from, to := everySite[n%3], everySite[(n+1+n/3%2)%3]
	amount, note := 1+n%5, ""
	amounts := map[string]int{from: -amount, to: amount}
	switch n % 8 {
	case 1:
		amounts[from] = -1_000_000
		amounts[to] = 1_000_000
	case 2, 6:
		amounts = map[string]int{everySite[n%3]: 2 * amount, everySite[(n+1)%3]: -amount, everySite[(n+2)%3]: -amount}
	case 4:
		note = strings.Repeat("x", 100<<10)
	}
	r := transferRequest(d.lane.books.newID(), n%accounts, amounts, note)
	r.Timeout = d.timeout
	return r
}

func transferRequest(id string, account int, amounts map[string]int, note string) txn.Request {
	r := txn.Request{ID: id, Timeout: transferTime}
	for _, site := range everySite {
		amount, ok := amounts[site]
		if !ok {
			continue
		}
		args, err := json.Marshal(map[string]any{"account": account, "amount": amount, "note": note})
		if err != nil {
			panic(err)
		}
		r.Branches = append(r.Branches, txn.BranchRequest{
			Participant: site, Operations: []txn.Operation{{Name: "transfer", Arguments: args}},
		})
	}
	return r
}

// submit asks under the one id until the outcome is known.
func (d *load) submit(c *client.Client, r txn.Request) error {
	var t txn.Transaction
	var last error
	err := await(d.ctx, func() bool {
		t, last = c.Submit(d.ctx, r, txn.WaitDecision)
		return last == nil && t.State.Decided()
	})
	if err != nil {
		return fmt.Errorf("submit %s: %w", r.ID, errors.Join(err, last))
	}
	return d.lane.books.told(t)
}

// twice has two coordinators asked at once.
func (d *load) twice(r txn.Request) error {
	other := make(chan error, 1)
	go func() { other <- d.submit(d.lane.other, r) }()
	return errors.Join(d.submit(d.lane.client, r), <-other)
}

// abort hands a transfer in and wants it aborted at once, which may come too late.
func (d *load) abort(r txn.Request) error {
	err := await(d.ctx, func() bool {
		if _, err := d.client.Submit(d.ctx, r, txn.WaitNone); err != nil {
			return false
		}
		_, err := d.client.Abort(d.ctx, r.ID)
		return err == nil || errors.Is(err, txn.ErrAlreadyDecided)
	})
	if err != nil {
		return fmt.Errorf("abort %s: %w", r.ID, err)
	}
	return d.submit(d.client, r)
}

// transferWithout carries out one transfer that does not touch a site, and waits until it is complete.
func (l *lane) transferWithout(site string) {
	l.t.Helper()
	amounts := map[string]int{}
	for _, s := range everySite {
		if s != site {
			amounts[s] = 2*len(amounts) - 1
		}
	}
	id := l.books.newID()
	var t txn.Transaction
	l.must(await(l.ctx, func() bool {
		var err error
		t, err = l.client.Submit(l.ctx, transferRequest(id, len(id)%accounts, amounts, ""), txn.WaitCompleted)
		return err == nil && t.State.Decided()
	}))
	l.must(l.books.told(t))
}
