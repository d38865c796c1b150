package zkcoord

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/medcommit/medcommit/txn"
)

// ErrReplaced says that another process runs under this coordinator's id.
var ErrReplaced = errors.New("another coordinator runs under this id")

// handOverTime is how long an orderly stop waits for what callers still wait for.
const handOverTime = 5 * time.Second

// Coordinator runs the coordinator's machine over ZooKeeper, and answers for the API. All of its methods may be called at any
// time, by many.
type Coordinator struct {
	cfg     Config
	log     hclog.Logger
	metrics *coordinatorMetrics
	driver  *Driver
	started time.Time
	nonce   string // of this process

	box     *mailbox
	sweeper *sweeper
	notices *notices

	inventories inventories
	roster      atomic.Pointer[roster]
	synced      atomic.Bool          // a session stands, and all logs were read
	term        atomic.Pointer[term] // nil while this coordinator does not lead
	cutOff      atomic.Bool          // there has been no connection for as long as a session lasts without one
	stopping    atomic.Bool          // no submission is taken any more
	asked       atomic.Int64         // when, in nanoseconds since started, somebody last asked what is known here
	attended    atomic.Int64         // the same for those who were shown what the logs held at that time
	inFlight    *admission           // undecided transactions that were taken in here
	holders     atomic.Int64         // connections of those who watch this leader
	failed      chan error           // takes one: why the coordinator must end
	drained     chan struct{}        // closed when nobody waits here any more
	ended       chan struct{}
	cluster     string // the cluster's short code; set before synced

	// The loop's own:
	machine      *txn.Coordinator
	port         *port
	election     *election
	registry     *registry
	announcement *announcement
	flights      *flights
	segments     *segments
	catching     *catchingUp
	epoch        int32     // led by the machine; zero while it does not lead
	leadNonce    string    // of the election node with which the machine was told to lead
	sighted      string    // the nonce of the leader to which a connection stood last
	leaderGone   time.Time // when the last leader was seen to be gone
	presenceDue  bool      // the machine has not heard of anybody in this session
	stepped      bool      // the machine was told something since the last flush
	lingers      lingers
	ticks        int
	suspended    time.Time // since when there is no connection; zero: there is one
	warned       bool      // of a history that fills up
	draining     bool      // the hand-over is made: end when nobody waits
}

// New makes a coordinator; Run starts it.
func New(cfg Config) (*Coordinator, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	driver, err := NewDriver(cfg.driver())
	if err != nil {
		return nil, err
	}
	c := &Coordinator{
		cfg: cfg, log: cfg.Logger.Named("coordinator"), driver: driver, started: time.Now(), nonce: newNonce(),
		box: newMailbox(), sweeper: newSweeper(), notices: newNotices(), failed: make(chan error, 1),
		drained: make(chan struct{}), ended: make(chan struct{}),
		inFlight: newAdmission(cfg.MaxInFlight), port: newPort(), flights: newFlights(), segments: newSegments(),
	}
	c.roster.Store(&roster{})
	c.metrics, err = newCoordinatorMetrics(cfg.Registerer, func() float64 { return float64(c.inFlight.count()) })
	if err != nil {
		return nil, fmt.Errorf("register the coordinator's metrics: %w", err)
	}
	c.metrics.historyLimit.Set(float64(cfg.HistoryBytes))
	c.catching = &catchingUp{port: c.port}
	c.election = &election{
		id: cfg.ID, port: c.port, log: cfg.Logger.Named("election"), lead: c.takeOver, removed: c.placeRemoved, now: func() time.Duration { return time.Since(c.started) }, early: driver.cfg.SessionTimeout,
	}
	c.registry = &registry{port: c.port, log: cfg.Logger.Named("registry"), epochSeen: c.epochSeen}
	c.election.queued = c.registry.seeQueue
	c.announcement = &announcement{
		id: cfg.ID, port: c.port, log: c.log,
		record: peerRecord{URL: cfg.Advertise, Version: cfg.Version, Since: c.started.UTC(), Nonce: c.nonce},
	}
	return c, nil
}

func (c Config) driver() DriverConfig {
	d := c.ZooKeeper
	if d.Logger == nil {
		d.Logger = c.Logger
	}
	if d.Registerer == nil {
		d.Registerer = c.Registerer
	}
	return d
}

// Run runs the coordinator until ctx ends; then it hands over: it stops leading, lets a successor decide what callers here still
// wait for, and ends. It returns ErrReplaced where another process took its id, and is called once.
func (c *Coordinator) Run(ctx context.Context) error {
	life, end := context.WithCancelCause(context.WithoutCancel(ctx))
	var group sync.WaitGroup
	group.Go(func() { end(c.driver.Run(life, func(e txn.Event) { c.deliver(life, e) })) })
	group.Go(func() { end(c.work(ctx, life)) })
	group.Wait()
	close(c.ended)
	c.flights.abandon()
	c.notices.close()
	if err := context.Cause(life); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// work runs the loop over a driver that runs, while life lasts, and hands over when ctx ends.
func (c *Coordinator) work(ctx, life context.Context) error {
	cluster, err := c.findCluster(ctx)
	if err != nil {
		return err
	}
	c.begin(cluster)
	inner, stop := context.WithCancel(life)
	var group sync.WaitGroup
	group.Go(func() { c.loop(inner) })
	group.Go(func() { c.watchLeader(inner) })
	group.Go(func() { c.sweep(inner) })
	select {
	case <-ctx.Done():
		c.handOver(inner)
	case err = <-c.failed:
		if errors.Is(err, ErrReplaced) {
			err = fmt.Errorf("%w: it took the place of %s, as a restart does; where both are to run, give each its own --id", err, c.cfg.ID)
		}
	case <-life.Done():
	}
	stop()
	group.Wait()
	return err
}

// findCluster reads the cluster's code, again and again while it cannot be read: an operator may mend it.
func (c *Coordinator) findCluster(ctx context.Context) (string, error) {
	for {
		cluster, err := c.driver.Cluster(ctx)
		if err == nil || errors.Is(err, txn.ErrFormat) || ctx.Err() != nil {
			return cluster, err
		}
		c.log.Error("cluster's code cannot be read", "error", err)
		if !sleep(ctx, recheckEvery) {
			return "", ctx.Err()
		}
	}
}

// begin makes the machine: it needs the cluster's code, which is in ZooKeeper.
func (c *Coordinator) begin(cluster string) {
	c.cluster = cluster
	c.machine = txn.NewCoordinator(txn.CoordinatorConfig{
		Cluster: cluster, ID: c.cfg.ID, Nonce: c.nonce, Retention: c.cfg.Retention, HistoryBytes: c.cfg.HistoryBytes,
		HorizonEvery: c.cfg.HorizonEvery, SweepAfter: c.cfg.SweepAfter, GenerationSize: c.cfg.GenerationSize,
	})
}

// handOver leaves the lead to another, and waits for what callers here wait for.
func (c *Coordinator) handOver(life context.Context) {
	c.stopping.Store(true)
	c.log.Info("handing over")
	ctx, cancel := context.WithTimeout(life, handOverTime)
	defer cancel()
	c.box.put(letter{call: func() {
		c.stopLeading()
		c.step(txn.Resign{})
		c.election.resign(func() { c.draining = true })
	}})
	select {
	case <-c.drained:
	case <-ctx.Done():
	}
}

// Ready returns nil when a session stands and all logs were read, or says what is waited for.
func (c *Coordinator) Ready() error {
	switch {
	case c.stopping.Load():
		return fmt.Errorf("the coordinator is stopping: %w", txn.ErrUnavailable)
	case c.cutOff.Load():
		return fmt.Errorf("waiting for a connection to ZooKeeper: %w", txn.ErrUnavailable)
	case !c.synced.Load():
		return fmt.Errorf("waiting for a ZooKeeper session and for the logs to be read: %w", txn.ErrUnavailable)
	case !c.roster.Load().read:
		return fmt.Errorf("waiting for the registry to be read: %w", txn.ErrUnavailable)
	}
	return nil
}
