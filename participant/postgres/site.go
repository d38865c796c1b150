package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/medcommit/medcommit/participant"
	"github.com/medcommit/medcommit/txn"
)

const loadSite = `SELECT generation, number, incarnation FROM medcommit_site WHERE cluster = $1 AND participant = $2`

// durable makes a statement durable also where the database is set to answer before it has written its log.
const durable = `WITH durable AS MATERIALIZED (SELECT set_config('synchronous_commit',
		CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, true)) `

// Their parameters: cluster, participant, the new row, and what was known.
const (
	moveSite = durable + `UPDATE medcommit_site s SET generation = $3, number = $4, incarnation = $5 FROM durable
		WHERE s.cluster = $1 AND s.participant = $2 AND s.incarnation BETWEEN $8::integer AND $5
		AND (s.generation, s.number) >= ($6::integer, $7::integer) AND (s.generation, s.number) <= ($3, $4)`
	adoptSite = durable + `UPDATE medcommit_site s SET generation = $3, number = $4, incarnation = $5 FROM durable
		WHERE s.cluster = $1 AND s.participant = $2 AND (s.generation, s.number, s.incarnation)
		IN (($3, $4, $5), ($6::integer, $7::integer, $8::integer))`
	firstSite = durable + `INSERT INTO medcommit_site (cluster, participant, generation, number, incarnation)
		SELECT $1, $2, $3::integer, $4::integer, $5::integer FROM durable ON CONFLICT DO NOTHING`
)

// Site reads the site row.
func (m *Manager) Site(ctx context.Context, cluster, name string) (txn.SiteRow, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, finishTimeout)
	defer cancel()
	var row txn.SiteRow
	err := m.finishers.QueryRow(ctx, loadSite, cluster, name).Scan(&row.Applied.Gen, &row.Applied.Num, &row.Incarnation)
	if errors.Is(err, pgx.ErrNoRows) {
		return txn.SiteRow{}, false, nil
	}
	if err != nil {
		return txn.SiteRow{}, false, fmt.Errorf("read site row: %w", outside(err))
	}
	return row, true, nil
}

// SaveSite moves the site row, and never lowers it.
func (m *Manager) SaveSite(ctx context.Context, cluster, name string, was, row txn.SiteRow) error {
	return m.writeSite(ctx, moveSite, cluster, name, was, row)
}

// AdoptSite replaces the site row was by row.
func (m *Manager) AdoptSite(ctx context.Context, cluster, name string, was, row txn.SiteRow) error {
	return m.writeSite(ctx, adoptSite, cluster, name, was, row)
}

func (m *Manager) writeSite(ctx context.Context, statement, cluster, name string, was, row txn.SiteRow) error {
	ctx, cancel := context.WithTimeout(ctx, finishTimeout)
	defer cancel()
	values := []any{
		cluster, name, row.Applied.Gen, row.Applied.Num, row.Incarnation, was.Applied.Gen, was.Applied.Num, was.Incarnation,
	}
	tag, err := m.finishers.Exec(ctx, statement, values...)
	if err == nil && tag.RowsAffected() == 0 && was == (txn.SiteRow{}) {
		tag, err = m.finishers.Exec(ctx, firstSite, values[:5]...)
	}
	switch {
	case err != nil:
		return fmt.Errorf("write site row: %w", outside(err))
	case tag.RowsAffected() == 0:
		return fmt.Errorf("write site row: %w", participant.ErrSiteRow)
	}
	return nil
}
