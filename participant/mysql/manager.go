package mysql

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/go-sql-driver/mysql"

	"github.com/medcommit/medcommit/participant"
	"github.com/medcommit/medcommit/txn"
)

// Manager is the resource manager on one MySQL or MariaDB database.
type Manager struct {
	cfg      Config
	db       *sql.DB // opens connections; it keeps none
	process  string  // names this Manager's connections among those of other processes
	branches branches
	pieces   sync.Map // a catalogue's statement to its []participant.Piece
	closed   closedLocks

	opening sync.Mutex // one Open at a time
	// Set by the first Open, before any other call.
	server    server
	preparers *pool // their connections do work, and hold branches
	finishers *pool // phase two, and looking, have their own: work that waits for a lock must not keep its commit waiting (R14)

	mu   sync.Mutex
	site site
}

// site is whose resource manager this is.
type site struct {
	cluster, participant string
	incarnation          int32
}

var _ participant.ResourceManager = (*Manager)(nil)

// New makes a Manager. It connects to nothing; Open does.
func New(cfg Config) (*Manager, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	db, err := openDB(cfg)
	if err != nil {
		return nil, err
	}
	m := &Manager{cfg: cfg, db: db, process: strings.ToLower(rand.Text())}
	m.branches.byID = make(map[txn.XID]*branch)
	return m, nil
}

// openDB makes the driver ready for a valid cfg.
func openDB(cfg Config) (*sql.DB, error) {
	settings, err := parseURL(cfg.URL)
	if err != nil {
		return nil, err
	}
	settings.MultiStatements = true   // begin, work and prepare in one round trip
	settings.InterpolateParams = true // their values are bound by the driver
	settings.ClientFoundRows = true   // rows: counts the rows that matched, as PostgreSQL does, changed or not
	settings.ParseTime = true
	settings.MaxAllowedPacket = 0 // the server's own
	settings.Timeout = cfg.CallTimeout
	settings.Logger = &mysql.NopLogger{} // what it would log is returned as an error, too
	password := func(_ context.Context, settings *mysql.Config) error {
		password, err := cfg.password()
		if password != "" {
			settings.Passwd = password
		}
		return err
	}
	if err := settings.Apply(mysql.Charset("utf8mb4", ""), mysql.BeforeConnect(password)); err != nil {
		return nil, fmt.Errorf("set up driver: %w", err)
	}
	connector, err := mysql.NewConnector(settings)
	if err != nil {
		return nil, fmt.Errorf("set up driver: %w", err)
	}
	db := sql.OpenDB(connector)
	db.SetMaxIdleConns(-1)
	return db, nil
}

// Kind is "mysql", for MariaDB too.
func (m *Manager) Kind() string { return participant.KindMySQL }

// Close closes all connections. Branches that were prepared on them are then the server's.
func (m *Manager) Close() error {
	for _, s := range m.branches.sessions() {
		s.close()
	}
	for _, p := range []*pool{m.preparers, m.finishers} {
		if p != nil {
			p.shut()
		}
	}
	if err := m.db.Close(); err != nil {
		return fmt.Errorf("close connections: %w", err)
	}
	return nil
}

// finisher runs work on one of the finishers' connections, within CallTimeout. A connection that broke is closed.
func (m *Manager) finisher(ctx context.Context, work func(context.Context, *session) error) error {
	ctx, cancel := context.WithTimeout(ctx, m.cfg.CallTimeout)
	defer cancel()
	s, err := m.finishers.get(ctx)
	if err != nil {
		return unavailable(err)
	}
	err = work(ctx, s)
	if broken(err) {
		m.finishers.drop(s)
		return unavailable(err)
	}
	m.finishers.put(s)
	return err
}

// broken tells whether a connection is of no use after an error: what the server answered, and what we concluded from answers,
// leaves it whole.
func broken(err error) bool {
	switch {
	case err == nil, errors.Is(err, errHeld), errors.Is(err, errLimbo), errors.Is(err, errUnsent), errors.Is(err, participant.ErrUnknownBranch),
		errors.Is(err, participant.ErrReplaced), errors.Is(err, ErrUnfit), errors.Is(err, sql.ErrNoRows):
		return false
	}
	return number(err) == 0
}

// unavailable makes an error that comes of a server that cannot be reached say so.
func unavailable(err error) error {
	if detail(err) != txn.DetailDatabaseUnavailable || errors.Is(err, ErrUnfit) || errors.Is(err, participant.ErrReplaced) {
		return err
	}
	return fmt.Errorf("%w: %w", participant.ErrUnavailable, err)
}

func (m *Manager) whose() site {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.site
}

// close closes a connection on which nothing is under way; its row is deleted by and by.
func (m *Manager) close(s *session) {
	s.close()
	m.closed.add(s.lock)
}

// closedLocks are the user locks of connections that were closed in order, and are still recorded.
type closedLocks struct {
	mu    sync.Mutex
	locks []string
}

func (c *closedLocks) add(lock string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.locks = append(c.locks, lock)
}

func (c *closedLocks) take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	locks := c.locks
	c.locks = nil
	return locks
}
