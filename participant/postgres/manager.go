package postgres

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"sync"

	"github.com/hashicorp/go-hclog"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/medcommit/medcommit/participant"
	"github.com/medcommit/medcommit/txn"
)

// Manager is one PostgreSQL database.
type Manager struct {
	config  Config
	log     hclog.Logger
	process string // a nonce
	plans   *plans

	// Set by the first Open.
	opening   sync.Mutex
	backends  *backends
	preparers *pgxpool.Pool
	finishers *pgxpool.Pool

	noSlots sync.Once // said that there are no prepared slots

	mu   sync.Mutex
	lost map[txn.XID][]string // names of the connections on which an answer to a prepare was lost
}

var _ participant.ResourceManager = (*Manager)(nil)

// New makes a resource manager; Open connects it.
func New(config Config) (*Manager, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	return &Manager{
		config: config, log: config.Log, process: strings.ToLower(rand.Text()[:6]),
		plans: newPlans(), lost: make(map[txn.XID][]string),
	}, nil
}

// Kind is "postgres".
func (m *Manager) Kind() string { return participant.KindPostgres }

// Open connects, makes our tables and ends what older incarnations left running. It may be called again by the same process when
// its incarnation has moved on: its own connections then stay.
func (m *Manager) Open(ctx context.Context, cluster, name string, incarnation int32) error {
	ctx, cancel := context.WithTimeout(ctx, finishTimeout)
	defer cancel()
	m.opening.Lock()
	defer m.opening.Unlock()
	if err := m.connect(cluster, name); err != nil {
		return err
	}
	m.backends.incarnation.Store(incarnation)
	server, err := inspect(ctx, m.finishers)
	if err != nil {
		return err
	}
	if server.version < oldestVersion {
		return fmt.Errorf("open database: %w", ErrVersion)
	}
	server.warn(m.log)
	if err := ensureSchema(ctx, m.finishers); err != nil {
		return err
	}
	predecessors, err := m.backends.predecessors(ctx, m.finishers)
	if err != nil {
		return fmt.Errorf("look for older incarnations: %w", outside(err))
	}
	if len(predecessors) > 0 {
		m.log.Info("ending connections of an older incarnation", "participant", name, "connections", len(predecessors))
	}
	return end(ctx, m.finishers, predecessors)
}

// connect makes the pools, once; they connect when they are used.
func (m *Manager) connect(cluster, name string) error {
	if m.finishers != nil {
		return nil
	}
	b := newBackends(cluster, name, m.process)
	preparers, err := m.newPool(m.config.PrepareConnections, b)
	if err != nil {
		return err
	}
	finishers, err := m.newPool(m.config.FinishConnections, b)
	if err != nil {
		preparers.Close()
		return err
	}
	m.backends, m.preparers, m.finishers = b, preparers, finishers
	return nil
}

func (m *Manager) newPool(connections int, b *backends) (*pgxpool.Pool, error) {
	config, err := m.config.pool(connections, b.next)
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(context.Background(), config) // its context is for connections made ahead: there are none
	if err != nil {
		return nil, fmt.Errorf("make connection pool: %w", outside(err))
	}
	return pool, nil
}

// Close ends all connections, having waited for the calls under way.
func (m *Manager) Close() error {
	m.opening.Lock()
	defer m.opening.Unlock()
	if m.finishers != nil {
		m.preparers.Close()
		m.finishers.Close()
	}
	return nil
}

// lose remembers that what was sent for x on a connection may still be carried out.
func (m *Manager) lose(x txn.XID, backend string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lost[x] = append(m.lost[x], backend)
}

// settle returns when nothing that was sent for x on a connection that broke can be carried out any more.
func (m *Manager) settle(ctx context.Context, x txn.XID) error {
	m.mu.Lock()
	names := m.lost[x]
	m.mu.Unlock()
	if len(names) == 0 {
		return nil
	}
	if err := end(ctx, m.finishers, names); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if rest := m.lost[x][len(names):]; len(rest) > 0 {
		m.lost[x] = rest
	} else {
		delete(m.lost, x)
	}
	return nil
}
