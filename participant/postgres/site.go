package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/medcommit/medcommit/txn"
)

const loadSite = `SELECT generation, number, incarnation FROM medcommit_site WHERE cluster = $1 AND participant = $2`

// saveSite is durable also where the database is set to answer before it has written its log.
const saveSite = `WITH durable AS MATERIALIZED (SELECT set_config('synchronous_commit',
		CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, true))
	INSERT INTO medcommit_site (cluster, participant, generation, number, incarnation)
	SELECT $1, $2, $3::integer, $4::integer, $5::integer FROM durable
	ON CONFLICT (cluster, participant) DO UPDATE
	SET generation = excluded.generation, number = excluded.number, incarnation = excluded.incarnation`

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

// SaveSite writes the site row.
func (m *Manager) SaveSite(ctx context.Context, cluster, name string, row txn.SiteRow) error {
	ctx, cancel := context.WithTimeout(ctx, finishTimeout)
	defer cancel()
	_, err := m.finishers.Exec(ctx, saveSite, cluster, name, row.Applied.Gen, row.Applied.Num, row.Incarnation)
	if err != nil {
		return fmt.Errorf("write site row: %w", outside(err))
	}
	return nil
}
