package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// What everything must reach after a healing, and how long that may take: clients know their outcomes; no branch is prepared, and
// all is well.
const (
	settleWithin = 45 * time.Second
	restWithin   = 30 * time.Second
)

// rounds strikes and audits until the run's time is over.
func rounds(ctx context.Context, o options, c *cluster, r *report) (err error) {
	if r.ledger, err = openLedger(filepath.Join(o.dir, "ledger.jsonl")); err != nil {
		return err
	}
	defer r.ledger.close()
	loads := workloads()
	cs, err := newClients(o, c, r.ledger, loads, r)
	if err != nil {
		return err
	}
	if err := cs.open(ctx); err != nil {
		return err
	}
	ls, err := newAppenders(o, c, cs, r)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ls.close()) }()
	r.lists = ls
	n := &nemesis{cluster: c, report: r, held: map[string]bool{}}
	all := faults(o.duration)
	for end := time.Now().Add(o.duration); time.Now().Before(end); {
		r.begin(time.Until(end))
		if err := oneRound(ctx, n, cs, ls, plan(o.seed, r.rounds, all)); err != nil {
			return fmt.Errorf("round %d: %w", r.rounds, err)
		}
		if err := auditAll(ctx, c, loads, ls, r); err != nil {
			return fmt.Errorf("audit round %d: %w", r.rounds, err)
		}
	}
	return nil
}

// oneRound lets the clients work while the nemesis strikes; when all is healed the clients carry to an end what they have begun.
func oneRound(ctx context.Context, n *nemesis, cs *clients, ls *appenders, plan []planned) error {
	working, giveUp := context.WithCancel(ctx)
	defer giveUp()
	pause := make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() { cs.work(working, pause) })
	group.Go(func() { ls.work(working, pause) })
	err := n.round(ctx, plan)
	healed := time.Now()
	close(pause)
	late := time.AfterFunc(settleWithin, func() {
		cs.report.violate("after %s clients still wait for outcomes (of transactions or of appends to lists): %s", settleWithin, strings.Join(cs.ledger.open(), ", "))
		giveUp()
	})
	group.Wait()
	late.Stop()
	cs.report.settled(time.Since(healed))
	return err
}

// auditAll looks at everything until nothing is wrong, for as long as that may take after a healing: what was decided is done a
// moment later at one site than at another.
func auditAll(ctx context.Context, c *cluster, loads []workload, ls *appenders, r *report) error {
	healed := time.Now()
	for _, p := range c.programs() {
		if p.surprise() {
			r.violate("%s has ended by itself: %s", p.name, p.lastLine())
			if err := p.start(); err != nil {
				return err
			}
		}
	}
	within, cancel := context.WithTimeout(ctx, restWithin)
	defer cancel()
	var wrong []string
	err := await(within, func(ctx context.Context) error {
		found, err := look(ctx, c, loads, r.ledger)
		if err == nil {
			wrong = found
		}
		if len(found) > 0 {
			err = fmt.Errorf("%d findings", len(found))
		}
		return err
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		r.violate("%s after the healing: %v", restWithin, err)
	}
	for _, v := range wrong {
		r.violate("%s", v)
	}
	reading, stop := context.WithTimeout(ctx, restWithin)
	defer stop()
	if err := ls.audit(reading, r); err != nil {
		return err
	}
	for _, v := range r.ledger.conflicts {
		r.violate("%s", v)
	}
	r.rested(time.Since(healed))
	return c.checkMetrics(ctx, r)
}

// look audits once. Its error says that the cluster is not at rest.
func look(ctx context.Context, c *cluster, loads []workload, l *ledger) (wrong []string, err error) {
	if err := c.ready(ctx); err != nil {
		return nil, err
	}
	if err := c.nothingPrepared(ctx); err != nil {
		return nil, err
	}
	for _, w := range loads {
		found, err := w.audit(ctx, c.sites, l)
		if err != nil {
			return nil, err
		}
		wrong = append(wrong, found...)
	}
	return wrong, nil
}

// nothingPrepared is nil when no database lists a prepared branch.
func (c *cluster) nothingPrepared(ctx context.Context) error {
	for _, s := range c.sites {
		n, err := s.views.prepared(ctx)
		if err != nil {
			return err
		}
		if n > 0 {
			return fmt.Errorf("%d branches are prepared at %s", n, s.name)
		}
	}
	return nil
}

// never are metrics that stay zero whatever happens.
var never = []string{
	"medcommit_second_decisions_total", "medcommit_unfinished_branches_reported_total", "medcommit_unreadable_records",
	"medcommit_heuristic_outcomes_total",
}

func (c *cluster) checkMetrics(ctx context.Context, r *report) error {
	ctx, cancel := context.WithTimeout(ctx, restWithin)
	defer cancel()
	for _, at := range c.roles() {
		for _, name := range never {
			var n float64
			err := await(ctx, func(ctx context.Context) (err error) {
				n, err = metric(ctx, at.url(), name)
				return err
			})
			if err != nil {
				return fmt.Errorf("ask %s: %w", at.name, err)
			}
			if n != 0 {
				r.violate("%s at %s is %v", name, at.name, n)
			}
		}
	}
	return nil
}

func numbers(text string) []int {
	var all []int
	for _, word := range strings.Fields(text) {
		if n, err := strconv.Atoi(word); err == nil {
			all = append(all, n)
		}
	}
	return all
}
