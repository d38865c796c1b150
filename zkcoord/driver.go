package zkcoord

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/medcommit/medcommit/txn"
)

// DriverConfig is what a Driver is made with.
type DriverConfig struct {
	// Servers are ZooKeeper's, as HOST:PORT.
	Servers []string
	// Root is the cluster's node. Default /medcommit.
	Root string
	// SessionTimeout is after how long without a word ZooKeeper ends the session. Default 4 s.
	SessionTimeout time.Duration
	// Logger is the process's. Default none.
	Logger hclog.Logger
	// Registerer takes the driver's metrics. Default none.
	Registerer prometheus.Registerer
	// Dial makes a connection to one server. Default a plain net.Dialer.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// Validate finds what cannot work.
func (c DriverConfig) Validate() error {
	switch {
	case len(c.Servers) == 0:
		return errors.New("configure ZooKeeper: no servers are named")
	case c.Root != "" && (!strings.HasPrefix(c.Root, "/") || strings.HasSuffix(c.Root, "/") || strings.Contains(c.Root, "//")):
		return errors.New("configure ZooKeeper: the root is not a path like /medcommit")
	case c.SessionTimeout < 0:
		return errors.New("configure ZooKeeper: the session time-out is negative")
	}
	for _, s := range c.Servers {
		if _, _, err := net.SplitHostPort(s); err != nil {
			return fmt.Errorf("configure ZooKeeper: read a server's address: %w", err)
		}
	}
	return nil
}

func (c DriverConfig) withDefaults() DriverConfig {
	if c.Root == "" {
		c.Root = "/medcommit"
	}
	if c.SessionTimeout == 0 {
		c.SessionTimeout = 4 * time.Second
	}
	if c.Logger == nil {
		c.Logger = hclog.NewNullLogger()
	}
	if c.Dial == nil {
		c.Dial = (&net.Dialer{}).DialContext
	}
	return c
}

// Driver is one process's way to ZooKeeper, session after session. It carries out store effects and gives the events that answer
// them; see the package's comment for the order in which it does so.
type Driver struct {
	cfg     DriverConfig
	log     hclog.Logger
	metrics *driverMetrics
	codec   *codec
	events  queue
	present presenter
	slow    atomic.Bool

	mu      sync.Mutex
	told    *session      // the consumer has heard of it by SessionUp, and not of its end: effects belong to it
	orphans []txn.Event   // answers to multis that were given while there was no session
	open    *session      // the session that stands, whether the consumer has heard of it or not
	changed chan struct{} // closed, and made anew, when open changes
}

// NewDriver makes a driver; Run connects it.
func NewDriver(cfg DriverConfig) (*Driver, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	d := &Driver{
		cfg:     cfg,
		log:     cfg.Logger.Named("zookeeper"),
		metrics: newDriverMetrics(cfg.Registerer),
		codec:   newCodec(),
		changed: make(chan struct{}),
	}
	d.events.init()
	d.present.init()
	return d, nil
}

// Run connects, and reconnects, until ctx ends, and gives every event to deliver, one after the other. It returns nil when all that
// it started is gone. The consumer's own session is closed in order, so that its ephemeral nodes go at once.
//
// An effect belongs to the session that was delivered last. So deliver must not return from SessionLost before the machine has
// heard of it: what the machine asks for in a session that it takes to be alive must not be carried out in the next.
func (d *Driver) Run(ctx context.Context, deliver func(txn.Event)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var sessions sync.WaitGroup
	sessions.Go(func() { d.keepSessions(ctx) })
	defer sessions.Wait()
	for {
		items, ok := d.events.take(ctx)
		if !ok {
			return nil
		}
		d.deliverOrphans(deliver)
		for _, it := range items {
			d.deliver(it, deliver)
		}
	}
}

func (d *Driver) deliver(it item, deliver func(txn.Event)) {
	switch {
	case it.up:
		d.mu.Lock()
		orphans := d.orphans
		d.orphans, d.told = nil, it.session
		d.mu.Unlock()
		for _, ev := range orphans {
			deliver(ev)
		}
		deliver(txn.SessionUp{Nonce: it.session.nonce})
	case it.lost:
		d.mu.Lock()
		d.told = nil
		d.mu.Unlock()
		deliver(txn.SessionLost{})
	case it.session != nil && it.session != d.toldSession():
		// A read of a session that is over.
	default:
		deliver(it.event)
	}
}

func (d *Driver) deliverOrphans(deliver func(txn.Event)) {
	d.mu.Lock()
	orphans := d.orphans
	d.orphans = nil
	d.mu.Unlock()
	for _, ev := range orphans {
		deliver(ev)
	}
}

func (d *Driver) toldSession() *session {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.told
}

// keepSessions has one session after another until ctx ends.
func (d *Driver) keepSessions(ctx context.Context) {
	for ctx.Err() == nil {
		s, ok := d.connect(ctx)
		if !ok {
			return
		}
		d.setOpen(s)
		d.events.push(item{session: s, up: true})
		select {
		case <-s.ctx.Done():
			d.log.Warn("session lost", "session", s.id)
			d.metrics.expirations.Inc()
		case <-ctx.Done():
		}
		d.setOpen(nil)
		d.events.push(item{lost: true})
		s.end() // every multi is answered and every call has returned before there is another
	}
}

func (d *Driver) setOpen(s *session) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open = s
	close(d.changed)
	d.changed = make(chan struct{})
}

// await gives the session that stands, and waits for one where there is none.
func (d *Driver) await(ctx context.Context) (*session, error) {
	for {
		d.mu.Lock()
		s, changed := d.open, d.changed
		d.mu.Unlock()
		if s != nil {
			return s, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for a ZooKeeper session: %w", ctx.Err())
		}
	}
}

// Suspended tells whether there is no connection to ZooKeeper at the moment, with or without a session.
func (d *Driver) Suspended() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.open == nil || d.open.suspended.Load()
}

func (d *Driver) path(relative string) string { return d.cfg.Root + "/" + relative }
