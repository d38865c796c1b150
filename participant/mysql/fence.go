package mysql

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/medcommit/medcommit/participant"
)

// claim records a connection as ours, and fails with ErrReplaced where a newer incarnation of the participant has recorded one.
// With it go the rows of connections that were closed since.
func (m *Manager) claim(ctx context.Context, s *session) error {
	us := m.whose()
	var request script
	request.add("INSERT INTO medcommit_connections (lock_name, cluster, participant, incarnation, process, connection_id) "+
		"VALUES (?, ?, ?, ?, ?, CONNECTION_ID())", s.lock, us.cluster, us.participant, int64(us.incarnation), m.process)
	for _, lock := range m.closed.take() {
		request.add("DELETE FROM medcommit_connections WHERE lock_name = ?", lock)
	}
	if err := s.run(ctx, &request); err != nil {
		return fmt.Errorf("record connection: %w", err)
	}
	var newest int32
	row := s.conn.QueryRowContext(ctx, "SELECT MAX(incarnation) FROM medcommit_connections WHERE cluster = ? AND participant = ?",
		us.cluster, us.participant)
	if err := row.Scan(&newest); err != nil {
		return fmt.Errorf("look for newer processes: %w", clean(err))
	}
	if newest > us.incarnation {
		return fmt.Errorf("connect as incarnation %d: %w", us.incarnation, participant.ErrReplaced)
	}
	return nil
}

// renew lifts this process's own connections to its incarnation.
func (m *Manager) renew(ctx context.Context, s *session) error {
	us := m.whose()
	err := s.batch(ctx, 1, "UPDATE medcommit_connections SET incarnation = ? WHERE cluster = ? AND participant = ? AND process = ?",
		int64(us.incarnation), us.cluster, us.participant, m.process)
	if err != nil {
		return fmt.Errorf("renew connections: %w", err)
	}
	return nil
}

// endOthers ends the connections that other processes of this participant left open, and their branches' work with them;
// prepared branches stay, and are nobody's then.
func (m *Manager) endOthers(ctx context.Context, s *session) error {
	us := m.whose()
	rows, err := s.conn.QueryContext(ctx, "SELECT lock_name FROM medcommit_connections "+
		"WHERE cluster = ? AND participant = ? AND process <> ? AND incarnation <= ?",
		us.cluster, us.participant, m.process, us.incarnation)
	if err != nil {
		return fmt.Errorf("list older connections: %w", clean(err))
	}
	defer rows.Close()
	var locks []string
	for rows.Next() {
		var lock string
		if err := rows.Scan(&lock); err != nil {
			return fmt.Errorf("list older connections: %w", err)
		}
		locks = append(locks, lock)
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("list older connections: %w", clean(err))
	}
	if len(locks) > 0 {
		m.cfg.Log.Info("ending connections of other processes", "participant", us.participant, "connections", len(locks))
	}
	return m.end(ctx, s, locks)
}

// end ends connections, waits until the server has let go of all they held, and forgets them.
func (m *Manager) end(ctx context.Context, s *session, locks []string) error {
	if len(locks) == 0 {
		return nil
	}
	for _, lock := range locks {
		if err := s.awaitEnd(ctx, lock); err != nil {
			return err
		}
	}
	if err := s.batch(ctx, 1, disconnecting); err != nil {
		return fmt.Errorf("wait for the storage engine: %w", err)
	}
	for _, lock := range locks {
		if err := s.batch(ctx, 1, "DELETE FROM medcommit_connections WHERE lock_name = ?", lock); err != nil {
			return fmt.Errorf("forget connection: %w", err)
		}
	}
	return nil
}

// disconnecting gives InnoDB the time to notice that a connection is gone. MariaDB frees a connection's branch, then its user
// locks, takes it off the process list, closes its socket, and only then tells InnoDB: microseconds later, which nothing shows. In
// between, XA COMMIT and XA ROLLBACK are answered with success, do nothing, and take the branch off the list: it stays prepared and
// locked until the server starts again (seen in 1 % of trials without waiting, in 0.07 % after the lock was free). See limbo.
const disconnecting = "DO SLEEP(0.1)"

// awaitEnd ends the connection that holds a lock, and waits until the lock is free.
func (s *session) awaitEnd(ctx context.Context, lock string) error {
	for wait := time.Millisecond; ; wait = min(2*wait, 50*time.Millisecond) {
		gone, err := s.kill(ctx, lock)
		if err != nil || gone {
			return err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return fmt.Errorf("wait for a connection's end: %w", ctx.Err())
		}
	}
}

// kill ends the connection that holds a lock, and tells whether it was gone already.
func (s *session) kill(ctx context.Context, lock string) (gone bool, err error) {
	var thread sql.NullInt64
	if err := s.conn.QueryRowContext(ctx, "SELECT IS_USED_LOCK(?)", lock).Scan(&thread); err != nil {
		return false, fmt.Errorf("look for a connection: %w", clean(err))
	}
	if !thread.Valid {
		return true, nil
	}
	if err := s.batch(ctx, 1, "KILL CONNECTION ?", thread.Int64); err != nil && number(err) != errNoSuchThread {
		return false, fmt.Errorf("end a connection: %w", err)
	}
	return false, nil
}
