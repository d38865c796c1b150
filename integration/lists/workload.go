package lists

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/medcommit/medcommit/integration/appends"
	"github.com/medcommit/medcommit/txn"
)

// Submitter hands transactions in; the client of the API is one.
type Submitter interface {
	Submit(ctx context.Context, r txn.Request, w txn.Wait) (txn.Transaction, error)
}

// Config is what a workload is made of.
type Config struct {
	Sites map[string]Site // by the participants' names; at least two
	// Client hands transactions in, and sends again by id what is not answered. What it gives up on counts as unknown.
	Client Submitter
	// Recorder writes the history.
	Recorder *Recorder
	Seed     uint64
	// Lists is how many lists of each site are appended to at a time. Default 12: where they are few, transactions wait for one
	// another in a circle across sites, until the lock time-out.
	Lists int
	// Length is how long a list becomes before another takes its place. Default 64.
	Length int
	// Timeout of each transaction. Default 10 s.
	Timeout time.Duration
}

// Workload appends to lists. One goroutine may run it at a time.
type Workload struct {
	cfg    Config
	names  []string // of the sites
	value  atomic.Int64
	client atomic.Uint64
	mu     sync.Mutex
	live   map[string][]string // the lists that are appended to, by site
	made   int
	all    map[string][]string // every list there ever was
}

// New makes a workload.
func New(cfg Config) *Workload {
	if cfg.Lists == 0 {
		cfg.Lists = 12
	}
	if cfg.Length == 0 {
		cfg.Length = 64
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = 10 * time.Second
	}
	w := &Workload{cfg: cfg, names: slices.Sorted(maps.Keys(cfg.Sites)), live: map[string][]string{}, all: map[string][]string{}}
	for _, site := range w.names {
		for range cfg.Lists {
			w.live[site] = append(w.live[site], w.begin(site))
		}
	}
	return w
}

// begin names a new list; a name begins with its seed, so that runs on one database do not meet.
func (w *Workload) begin(site string) string {
	w.made++
	name := fmt.Sprintf("%x-%d", w.cfg.Seed, w.made)
	w.all[site] = append(w.all[site], name)
	return name
}

// pick gives one of a site's live lists.
func (w *Workload) pick(r *rand.Rand, site string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.live[site][r.IntN(len(w.live[site]))]
}

// grown puts a new list in the place of one that was seen to be long.
func (w *Workload) grown(site, name string, length int) {
	if length < w.cfg.Length {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if i := slices.Index(w.live[site], name); i >= 0 {
		w.live[site][i] = w.begin(site)
	}
}

// Run lets that many clients work until ctx ends, and waits for what they have begun: give the client its patience.
func (w *Workload) Run(ctx context.Context, clients int) {
	var all sync.WaitGroup
	for range clients {
		r := rand.New(rand.NewPCG(w.cfg.Seed, w.client.Add(1)))
		all.Go(func() {
			c := client{w, r, w.cfg.Recorder.client()}
			for ctx.Err() == nil {
				c.act(ctx)
			}
		})
	}
	all.Wait()
}

// Finish reads every list at every site, when everything has settled. It repeats what fails until ctx ends.
func (w *Workload) Finish(ctx context.Context) error {
	process := w.cfg.Recorder.client()
	for _, site := range w.names {
		for _, name := range w.all[site] {
			op := appends.Op{Process: process, Final: true, Steps: []appends.Step{{Key: site + "/" + name}}}
			w.cfg.Recorder.note(op)
			found, err := w.insist(ctx, site, name)
			if err != nil {
				return fmt.Errorf("read %s of %s at the end: %w", name, site, err)
			}
			op.Type, op.Steps = appends.OK, []appends.Step{{Key: site + "/" + name, Known: true, List: found[0].Elements}}
			w.cfg.Recorder.note(op)
		}
	}
	return nil
}

func (w *Workload) insist(ctx context.Context, site, name string) ([]List, error) {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		one, cancel := context.WithTimeout(ctx, 5*time.Second)
		found, err := w.cfg.Sites[site].Look(one, []string{name})
		cancel()
		if err == nil {
			return found, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, err
		}
	}
}
