package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/medcommit/medcommit/api/client"
	"github.com/medcommit/medcommit/api/problem"
	"github.com/medcommit/medcommit/integration/appends"
	"github.com/medcommit/medcommit/integration/lists"
	"github.com/medcommit/medcommit/txn"
)

// listClients is how many clients append to lists at once.
const listClients = 4

// listLayout is what lists need at the sites.
type listLayout struct{}

var _ layout = listLayout{}

func (listLayout) tables(k kind) []string {
	if k == mariadbSite {
		return []string{lists.MariaDBTable}
	}
	return []string{lists.PostgresTable}
}

func (listLayout) operations(k kind) string {
	switch k {
	case postgresSite:
		return lists.PostgresOperations
	case mariadbSite:
		return lists.MariaDBOperations
	}
	return lists.EmbeddedOperations
}

// appenders append to lists at several sites at once, beside the other clients, and write their history down for a check that knows
// nothing of medcommit.
type appenders struct {
	workload *lists.Workload
	recorder *lists.Recorder
	file     *os.File
	report   *report
	at       []*client.Client
	until    context.Context // of the round: what is not answered is asked for again until then
	turn     int
	mu       sync.Mutex
	last     appends.Report
}

func newAppenders(o options, c *cluster, cs *clients, r *report) (*appenders, error) {
	f, err := os.Create(filepath.Join(o.dir, "history.edn"))
	if err != nil {
		return nil, fmt.Errorf("open the history: %w", err)
	}
	a := &appenders{recorder: lists.NewRecorder(f), file: f, report: r, at: cs.base}
	sites := map[string]lists.Site{}
	for _, s := range c.sites {
		switch v := s.views.(type) {
		case *tables:
			sites[s.name] = lists.SQL{DB: v.db, Numbered: s.kind == postgresSite}
		default:
			sites[s.name] = lists.Embedded{HTTP: &http.Client{}, URL: s.url()}
		}
	}
	every, err := time.ParseDuration(timeout)
	if err != nil {
		return nil, fmt.Errorf("read the transactions' timeout: %w", err)
	}
	a.workload = lists.New(lists.Config{Sites: sites, Client: a, Recorder: a.recorder, Seed: o.seed, Timeout: every})
	return a, nil
}

// work appends until pause ends, and carries what was begun to an end until ctx ends.
func (a *appenders) work(ctx context.Context, pause <-chan struct{}) {
	a.until = ctx
	running, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		select {
		case <-pause:
			stop()
		case <-running.Done():
		}
	}()
	a.workload.Run(running, listClients)
}

// Submit hands in under the one id until the outcome is known, at one coordinator after the other.
func (a *appenders) Submit(ctx context.Context, r txn.Request, w txn.Wait) (txn.Transaction, error) {
	a.mu.Lock()
	at := a.at[a.turn%len(a.at)]
	a.turn++
	a.mu.Unlock()
	for {
		t, err := at.Submit(ctx, r, w)
		var p *problem.Problem
		switch {
		case err == nil && t.State.Decided():
			return t, nil
		case errors.As(err, &p) && !refuses(p.Name()), errors.Is(err, client.ErrAnswer):
			a.report.violate("a client was told of %s: %v", r.ID, err)
			return t, err
		case a.until.Err() != nil:
			return t, fmt.Errorf("no outcome of %s: %w", r.ID, errors.Join(err, a.until.Err()))
		}
		pause(a.until, askPatience)
	}
}

// audit reads all lists and checks the whole history.
func (a *appenders) audit(ctx context.Context, r *report) error {
	if err := a.workload.Finish(ctx); err != nil {
		return err
	}
	history, err := a.recorder.History()
	if err != nil {
		return err
	}
	if a.last, err = appends.Check(history); err != nil {
		return err
	}
	for _, v := range a.last.Violations() {
		r.violate("lists: %s", v)
	}
	return nil
}

// close writes what is not in the file yet.
func (a *appenders) close() error {
	_, err := a.recorder.History()
	return errors.Join(err, a.file.Close())
}
