package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/medcommit/medcommit/api/client"
	"github.com/medcommit/medcommit/api/problem"
	"github.com/medcommit/medcommit/txn"
)

// What clients do now and then, one time out of so many.
const (
	oneAborts   = 25 // asks for an abort soon after it has handed in
	oneTwice    = 25 // hands in at two coordinators at once
	oneForgets  = 60 // never asks again where an answer was lost
	oneAsksOld  = 40 // hands in an old transaction again
	oldest      = 30 * time.Second
	timeout     = "4s"
	between     = 20 * time.Millisecond // a client thinks for up to twice that long
	patience    = time.Second
	askPatience = 300 * time.Millisecond
)

// clients hand in transactions until they are told to pause.
type clients struct {
	ledger *ledger
	loads  []workload
	report *report
	base   []*client.Client // each prefers another coordinator
	number int
	seed   uint64

	mu     sync.Mutex
	serial int
	rounds int
}

func newClients(o options, c *cluster, l *ledger, loads []workload, r *report) (*clients, error) {
	cs := &clients{ledger: l, loads: loads, report: r, number: o.clients, seed: o.seed}
	urls := c.coordinatorURLs()
	for i := range urls {
		at, err := client.New(client.Config{Coordinators: append(append([]string{}, urls[i:]...), urls[:i]...), Patience: patience, Stay: true})
		if err != nil {
			return nil, err
		}
		cs.base = append(cs.base, at)
	}
	return cs, nil
}

// open hands in the workloads' opening transactions.
func (cs *clients) open(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, restWithin)
	defer cancel()
	for _, w := range cs.loads {
		for _, r := range w.opening() {
			var t txn.Transaction
			err := await(ctx, func(ctx context.Context) (err error) {
				t, err = cs.base[0].Submit(ctx, r, txn.WaitDecision)
				return err
			})
			if err != nil {
				return fmt.Errorf("open a workload: %w", err)
			}
			if !t.State.Commit() {
				return fmt.Errorf("open a workload: %s is %s", r.ID, t.State)
			}
		}
	}
	return nil
}

// work lets the clients begin new transactions until pause ends, and carry what they have begun to an end until ctx ends.
func (cs *clients) work(ctx context.Context, pause <-chan struct{}) {
	cs.rounds++
	var group sync.WaitGroup
	for i := range cs.number {
		r := rand.New(rand.NewPCG(cs.seed, uint64(cs.rounds*1000+i)))
		one := &oneClient{clients: cs, at: cs.base[i%len(cs.base)], other: cs.base[(i+1)%len(cs.base)], r: r}
		group.Go(func() {
			for {
				select {
				case <-pause:
					return
				case <-ctx.Done():
					return
				case <-time.After(time.Duration(r.Int64N(int64(2 * between)))):
				}
				one.transact(ctx)
			}
		})
	}
	group.Wait()
}

func (cs *clients) id() string {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	cs.serial++
	return fmt.Sprintf("f%d-%d", cs.seed, cs.serial)
}

// oneClient does one transaction after the other.
type oneClient struct {
	*clients
	at, other *client.Client
	r         *rand.Rand
	old       []old
}

// old is a transaction that was decided, to be handed in again.
type old struct {
	request txn.Request
	first   time.Time
}

// transact carries one transaction to an end: until it is decided, or it is certain that nothing was started.
func (c *oneClient) transact(ctx context.Context) {
	if len(c.old) > 0 && c.r.IntN(oneAsksOld) == 0 {
		c.askOld(ctx)
		return
	}
	j := c.loads[c.r.IntN(len(c.loads))].next(c.r)
	request := txn.Request{ID: c.id(), Timeout: timeout, Branches: j.branches}
	c.ledger.submit(request.ID, j)
	forgets := c.r.IntN(oneForgets) == 0
	switch {
	case c.r.IntN(oneAborts) == 0:
		c.abort(ctx, request)
	case c.r.IntN(oneTwice) == 0:
		var twin sync.WaitGroup
		twin.Go(func() { c.submit(ctx, c.other, request, false) })
		c.submit(ctx, c.at, request, forgets)
		twin.Wait()
	default:
		c.submit(ctx, c.at, request, forgets)
	}
	if len(c.old) < 50 {
		c.old = append(c.old, old{request, time.Now()})
	} else {
		c.old[c.r.IntN(len(c.old))] = old{request, time.Now()}
	}
}

// askOld hands in again what was decided: the answer must be the same, while the id is remembered.
func (c *oneClient) askOld(ctx context.Context) {
	o := c.old[c.r.IntN(len(c.old))]
	if time.Since(o.first) < oldest {
		c.submit(ctx, c.other, o.request, true)
	}
}

// submit hands in under the one id until the outcome is known. Where an answer was lost it never takes a refusal for an end.
func (c *oneClient) submit(ctx context.Context, at *client.Client, r txn.Request, forgets bool) {
	for ctx.Err() == nil {
		t, err := at.Submit(ctx, r, txn.WaitDecision)
		if err == nil && t.State.Decided() {
			c.decided(t)
			return
		}
		if ctx.Err() != nil {
			return
		}
		var p *problem.Problem
		switch {
		case errors.Is(err, client.ErrUnreachable):
			c.ledger.learn(r.ID, toldRefused, "unreachable", nil)
		case errors.As(err, &p) && refuses(p.Name()):
			c.ledger.learn(r.ID, toldRefused, p.Name().String(), nil)
		case errors.As(err, &p):
			c.report.violate("a client was told %q of %s", p.Error(), r.ID)
			return
		case errors.Is(err, client.ErrAnswer):
			c.report.violate("a coordinator answered to %s what is none of its answers: %v", r.ID, err)
			return
		default: // lost, or undecided within the wait
			c.ledger.lose(r.ID, fmt.Sprint(err))
		}
		lost := c.ledger.lost(r.ID)
		pause(ctx, askPatience)
		if !lost || forgets {
			return
		}
	}
}

// refuses tells whether a problem says that nothing was started.
func refuses(n problem.Name) bool {
	return n == problem.Unavailable || n == problem.TooMany || n == problem.ParticipantUnavailable
}

// abort hands in without waiting and asks for an abort a moment later; then it asks for the outcome as everybody does.
func (c *oneClient) abort(ctx context.Context, r txn.Request) {
	if _, err := c.at.Submit(ctx, r, txn.WaitNone); err == nil || errors.Is(err, client.ErrLost) {
		c.ledger.lose(r.ID, "before an abort")
	}
	pause(ctx, time.Duration(c.r.Int64N(int64(30*time.Millisecond))))
	t, err := c.other.Abort(ctx, r.ID)
	if (err == nil || errors.Is(err, txn.ErrAlreadyDecided)) && t.State.Decided() {
		c.decided(t)
	}
	c.submit(ctx, c.at, r, false)
}

func (c *oneClient) decided(t txn.Transaction) {
	xids := map[string]string{}
	for _, b := range t.Branches {
		xids[b.Participant] = b.XID
	}
	as, why := toldAborted, ""
	if t.State.Commit() {
		as = toldCommitted
	} else if t.Reason != nil {
		why = t.Reason.Code.String()
		if t.Reason.Detail != 0 {
			why += " " + t.Reason.Detail.String()
		}
	}
	c.ledger.learn(t.ID, as, why, xids)
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
