package mysql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/medcommit/medcommit/txn"
)

// Site reads the site row (R10).
func (m *Manager) Site(ctx context.Context, cluster, name string) (row txn.SiteRow, exists bool, err error) {
	err = m.finisher(ctx, func(ctx context.Context, s *session) error {
		found := s.conn.QueryRowContext(ctx, "SELECT applied_generation, applied_number, incarnation FROM medcommit_site "+
			"WHERE cluster = ? AND participant = ?", cluster, name)
		return clean(found.Scan(&row.Applied.Gen, &row.Applied.Num, &row.Incarnation))
	})
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return txn.SiteRow{}, false, nil
	case err != nil:
		return txn.SiteRow{}, false, fmt.Errorf("read site row: %w", err)
	}
	return row, true, nil
}

// SaveSite writes the site row durably (R10).
func (m *Manager) SaveSite(ctx context.Context, cluster, name string, row txn.SiteRow) error {
	err := m.finisher(ctx, func(ctx context.Context, s *session) error {
		return s.batch(ctx, 1, "INSERT INTO medcommit_site (cluster, participant, applied_generation, applied_number, incarnation) "+
			"VALUES (?, ?, ?, ?, ?) ON DUPLICATE KEY UPDATE applied_generation = VALUES(applied_generation), "+
			"applied_number = VALUES(applied_number), incarnation = VALUES(incarnation)",
			cluster, name, int64(row.Applied.Gen), int64(row.Applied.Num), int64(row.Incarnation))
	})
	if err != nil {
		return fmt.Errorf("save site row: %w", err)
	}
	return nil
}
