package participant

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/medcommit/medcommit/txn"
	"golang.org/x/sync/errgroup"
)

// Participant runs one site: it joins the participant's machine, a ledger and a resource manager. One goroutine, the loop, owns the
// machine; slots execute branches, and finishers of their own commit and roll back (R14); a housekeeper looks after the site row.
type Participant struct {
	config    Config
	catalogue *Catalogue
	ledger    Ledger
	rm        ResourceManager
	log       hclog.Logger
	metrics   *metrics
	process   string // a nonce
	cluster   string // its short code; set before the machine is made

	events   *queue[letter]     // for the loop
	finishes *queue[txn.Finish] // for the finishers
	chores   *queue[chore]      // for the housekeeper
	status   status

	looping atomic.Bool // the machine is made and hears what is delivered

	// The loop's own.
	machine   *txn.Participant
	begun     time.Time
	cancels   map[txn.Key]context.CancelFunc
	workers   *crew
	watched   bool // in this session: who runs as this participant
	linger    txn.Linger
	reported  map[txn.Key]bool
	inventory inventory
	trouble   trouble   // the housekeeper's
	looked    time.Time // when look last took stock
	shown     bool      // what it showed: ready
}

// New makes a participant; Run runs it. The ledger and the resource manager are its own from then on, but closing the resource
// manager, after Run, is the caller's.
func New(c Config, ledger Ledger, rm ResourceManager) (*Participant, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if c.Catalogue == nil && rm.Kind() != KindEmbedded {
		return nil, fmt.Errorf("%w: a site on %s needs one, for clients send no SQL", ErrCatalogue, rm.Kind())
	}
	if c.Finishers == 0 && rm.Kind() == KindEmbedded {
		c.Finishers = embeddedFinishers
	}
	c.defaults()
	catalogue, err := c.Catalogue.ForKind(rm.Kind())
	if err != nil {
		return nil, err
	}
	m, err := newMetrics(c.Name, c.Registerer)
	if err != nil {
		return nil, err
	}
	p := &Participant{
		config: c, catalogue: catalogue, ledger: ledger, rm: rm, log: c.Logger, metrics: m,
		process: strings.ToLower(rand.Text()),
		events:  newQueue[letter](), finishes: newQueue[txn.Finish](), chores: newQueue[chore](),
		workers: newCrew(), begun: time.Now(), cancels: map[txn.Key]context.CancelFunc{}, reported: map[txn.Key]bool{},
	}
	p.status.wait(waitSession)
	return p, nil
}

// Run runs the participant until parent ends; it returns when all that it started is gone. It fails with ErrReplaced when another
// process has taken the participant's name, and with txn.ErrFormat where ZooKeeper's records are newer than this program. What is
// prepared stays prepared; the next process goes on with it.
func (p *Participant) Run(parent context.Context) error {
	g, ctx := errgroup.WithContext(parent)
	g.Go(func() error { return p.ledger.Run(ctx, func(e txn.Event) { p.deliver(ctx, e) }) })
	for range p.config.Finishers {
		g.Go(func() error { return p.finishAll(ctx) })
	}
	g.Go(func() error { return p.keepHouse(ctx) })
	g.Go(func() error { return p.loop(ctx) })
	err := g.Wait()
	p.workers.wait()
	p.status.wait(waitSession)
	if parent.Err() != nil {
		return nil
	}
	return err
}

// registration is what the site publishes of itself.
func (p *Participant) registration() txn.Registration {
	return txn.Registration{
		Kind: p.rm.Kind(), Format: txn.FormatVersion, Operations: p.catalogue.Published(), Raw: p.catalogue.TakesSQL(),
	}
}

// register waits for a session and makes the machine of the cluster that it finds.
func (p *Participant) register(ctx context.Context) error {
	const first, last = 100 * time.Millisecond, 5 * time.Second
	for pause := first; ; pause = min(2*pause, last) {
		cluster, err := p.ledger.Register(ctx, p.config.Name, p.registration())
		switch {
		case err == nil:
			p.cluster = cluster
			p.machine = txn.NewParticipant(txn.ParticipantConfig{
				Cluster: cluster, Name: p.config.Name, Process: p.process, WithdrawAfter: p.config.WithdrawAfter,
				Slots: p.config.MaxInFlight, GenerationSize: p.config.GenerationSize, MaxOps: p.config.MaxOps, ApplyQuiet: applyQuiet,
			})
			p.log.Info("registered", "participant", p.config.Name, "cluster", cluster, "kind", p.rm.Kind())
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, txn.ErrFormat):
			return fmt.Errorf("register participant %s: %w", p.config.Name, err)
		}
		p.log.Warn("registration failed", "error", err, "again-in", pause)
		if !sleep(ctx, pause) {
			return ctx.Err()
		}
	}
}

// sleep waits for d and tells whether ctx still stands.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
