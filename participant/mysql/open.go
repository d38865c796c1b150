package mysql

import (
	"context"
	"fmt"
)

// Open looks at the server, makes our tables where they are missing, and ends the connections of other processes of this
// participant. It may be called again, with a later incarnation of the same process; that keeps its own connections.
func (m *Manager) Open(ctx context.Context, cluster, name string, incarnation int32) error {
	m.opening.Lock()
	defer m.opening.Unlock()
	ctx, cancel := context.WithTimeout(ctx, m.cfg.CallTimeout)
	defer cancel()
	m.mu.Lock()
	m.site = site{cluster, name, incarnation}
	m.mu.Unlock()
	s, err := m.dial(ctx)
	if err != nil {
		return openError(err)
	}
	defer m.close(s)
	if err := m.open(ctx, s); err != nil {
		return openError(err)
	}
	return nil
}

func (m *Manager) open(ctx context.Context, s *session) error {
	is, err := probe(ctx, s)
	if err != nil {
		return err
	}
	if err := is.fit(); err != nil {
		return err
	}
	if err := ensureTables(ctx, s); err != nil {
		return err
	}
	if _, err := recoverable(ctx, s); err != nil {
		return rights(err)
	}
	// Claimed first: a process of an older incarnation that connects from now on finds it.
	if err := m.claim(ctx, s); err != nil {
		return err
	}
	if err := m.renew(ctx, s); err != nil {
		return err
	}
	if err := m.endOthers(ctx, s); err != nil {
		return err
	}
	if m.preparers != nil {
		return nil
	}
	for _, w := range is.warnings() {
		m.cfg.Log.Warn("the database server is less safe than it could be", "why", w.what, "remedy", w.remedy)
	}
	size := m.cfg.Branches
	if size == 0 {
		size = is.branches()
	}
	m.server = is
	m.preparers, m.finishers = newPool(size, m.connect, m.close), newPool(m.cfg.Finishers, m.connect, m.close)
	m.cfg.Log.Info("database is open", "version", is.version, "branches", size, "detaches", is.detaches)
	return nil
}

// openError says what kind of trouble it is: a wrong password stays what it is, it does not mend itself.
func openError(err error) error {
	return fmt.Errorf("open database: %w", unavailable(told(err)))
}

// rights explains an XA RECOVER that was refused.
func rights(err error) error {
	switch number(err) {
	case errXAInternal, errNotAuthorised:
		return fmt.Errorf("%w: its user may not list prepared branches: GRANT XA_RECOVER_ADMIN ON *.* TO it: %w", ErrUnfit, err)
	}
	return err
}

// tables are our own, by name.
var tables = [...]string{"medcommit_branches", "medcommit_site", "medcommit_connections"}

// ensureTables makes what is missing of our tables; a user who may not create any is fine where all are there.
func ensureTables(ctx context.Context, s *session) error {
	engines, err := tableEngines(ctx, s)
	if err != nil {
		return err
	}
	if len(engines) < len(tables) {
		if err := s.batch(ctx, len(tables), Schema); err != nil {
			return fmt.Errorf("make our tables (medcommit schema mysql prints them): %w", err)
		}
		if engines, err = tableEngines(ctx, s); err != nil {
			return err
		}
	}
	for _, t := range tables {
		if engines[t] != "InnoDB" {
			return fmt.Errorf("%w: table %s is not InnoDB, and would not roll back: ALTER TABLE %s ENGINE=InnoDB", ErrUnfit, t, t)
		}
	}
	return nil
}

// tableEngines gives the storage engine of each of our tables that is there.
func tableEngines(ctx context.Context, s *session) (map[string]string, error) {
	rows, err := s.conn.QueryContext(ctx, "SELECT table_name, COALESCE(engine, '') FROM information_schema.tables "+
		"WHERE table_schema = DATABASE() AND table_name IN (?, ?, ?)", tables[0], tables[1], tables[2])
	if err != nil {
		return nil, fmt.Errorf("look for our tables: %w", clean(err))
	}
	defer rows.Close()
	engines := make(map[string]string)
	for rows.Next() {
		var name, engine string
		if err := rows.Scan(&name, &engine); err != nil {
			return nil, fmt.Errorf("look for our tables: %w", err)
		}
		engines[name] = engine
	}
	return engines, clean(rows.Err())
}

// connect opens a connection for a pool, recorded as ours; it fails once a newer process has opened the database.
func (m *Manager) connect(ctx context.Context) (*session, error) {
	s, err := m.dial(ctx)
	if err != nil {
		return nil, err
	}
	if err := m.claim(ctx, s); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}
