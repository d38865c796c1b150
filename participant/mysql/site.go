package mysql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/medcommit/medcommit/participant"
	"github.com/medcommit/medcommit/txn"
)

// Site reads the site row (R10).
func (m *Manager) Site(ctx context.Context, cluster, name string) (row txn.SiteRow, exists bool, err error) {
	err = m.finisher(ctx, func(ctx context.Context, s *session) error {
		row, err = s.site(ctx, cluster, name)
		return err
	})
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return txn.SiteRow{}, false, nil
	case err != nil:
		return txn.SiteRow{}, false, fmt.Errorf("read site row: %w", err)
	}
	return row, true, nil
}

// Their parameters: the new row, cluster and participant, and bounds of what is there.
const (
	moveSite = "UPDATE medcommit_site SET applied_generation = ?, applied_number = ?, incarnation = ? " +
		"WHERE cluster = ? AND participant = ? AND (applied_generation, applied_number) >= (?, ?) AND incarnation >= ? " +
		"AND (applied_generation, applied_number) <= (?, ?) AND incarnation <= ?"
	adoptSite = "UPDATE medcommit_site SET applied_generation = ?, applied_number = ?, incarnation = ? " +
		"WHERE cluster = ? AND participant = ? AND applied_generation = ? AND applied_number = ? AND incarnation = ?"
	firstSite = "INSERT IGNORE INTO medcommit_site (applied_generation, applied_number, incarnation, cluster, participant) " +
		"VALUES (?, ?, ?, ?, ?)"
)

// SaveSite moves the site row durably, and never lowers it (R10).
func (m *Manager) SaveSite(ctx context.Context, cluster, name string, was, row txn.SiteRow) error {
	return m.writeSite(ctx, moveSite, cluster, name, was, row, append(numbers(was), numbers(row)...))
}

// AdoptSite replaces the site row was by row (R10).
func (m *Manager) AdoptSite(ctx context.Context, cluster, name string, was, row txn.SiteRow) error {
	return m.writeSite(ctx, adoptSite, cluster, name, was, row, numbers(was))
}

func numbers(row txn.SiteRow) []any {
	return []any{int64(row.Applied.Gen), int64(row.Applied.Num), int64(row.Incarnation)}
}

func (m *Manager) writeSite(ctx context.Context, statement, cluster, name string, was, row txn.SiteRow, bounds []any) error {
	values := append(numbers(row), cluster, name)
	err := m.finisher(ctx, func(ctx context.Context, s *session) error {
		n, err := s.affected(ctx, statement, append(values, bounds...)...)
		if err == nil && n == 0 && was == (txn.SiteRow{}) {
			n, err = s.affected(ctx, firstSite, values...)
		}
		if err != nil || n > 0 {
			return err
		}
		// Nothing was changed also where the row is the new one already.
		stored, err := s.site(ctx, cluster, name)
		if err == nil && stored != row || errors.Is(err, sql.ErrNoRows) {
			return participant.ErrSiteRow
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("save site row: %w", err)
	}
	return nil
}

func (s *session) affected(ctx context.Context, statement string, values ...any) (int64, error) {
	result, err := s.conn.ExecContext(ctx, statement, values...)
	if err != nil {
		return 0, clean(err)
	}
	return result.RowsAffected()
}

func (s *session) site(ctx context.Context, cluster, name string) (row txn.SiteRow, err error) {
	found := s.conn.QueryRowContext(ctx, "SELECT applied_generation, applied_number, incarnation FROM medcommit_site "+
		"WHERE cluster = ? AND participant = ?", cluster, name)
	return row, clean(found.Scan(&row.Applied.Gen, &row.Applied.Num, &row.Incarnation))
}
