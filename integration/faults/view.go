package main

import (
	"context"
	"database/sql"
	"fmt"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"github.com/medcommit/medcommit/txn"
)

// view reads a site's database as an outsider does.
type view interface {
	// amounts reads the items of a site and their amounts.
	amounts(ctx context.Context) (map[string]int64, error)
	// effects reads what transactions have left, by their ids.
	effects(ctx context.Context) (map[string][]effect, error)
	// prepared counts the branches that are prepared.
	prepared(ctx context.Context) (int, error)
	// marked tells which of these branches have medcommit's own mark that they are committed.
	marked(ctx context.Context, xids []txn.XID) (map[txn.XID]bool, error)
}

var _ view = (*tables)(nil)

// tables views an SQL database.
type tables struct {
	db           *sql.DB
	listPrepared string
}

func openTables(driver, url string) (*tables, error) {
	db, err := sql.Open(driver, url)
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	return &tables{db: db, listPrepared: "SELECT gid FROM pg_prepared_xacts"}, nil
}

// lay runs statements.
func (t *tables) lay(ctx context.Context, statements []string) error {
	for _, s := range statements {
		if _, err := t.db.ExecContext(ctx, s); err != nil {
			return fmt.Errorf("lay out the database: %w", err)
		}
	}
	return nil
}

func (t *tables) amounts(ctx context.Context) (map[string]int64, error) {
	all := map[string]int64{}
	err := t.each(ctx, "SELECT item, amount FROM holdings", func(scan func(...any) error) error {
		var item string
		var amount int64
		err := scan(&item, &amount)
		all[item] = amount
		return err
	})
	return all, err
}

func (t *tables) effects(ctx context.Context) (map[string][]effect, error) {
	all := map[string][]effect{}
	err := t.each(ctx, "SELECT tx, item, amount FROM effects", func(scan func(...any) error) error {
		var id string
		var e effect
		err := scan(&id, &e.item, &e.amount)
		all[id] = append(all[id], e)
		return err
	})
	return all, err
}

func (t *tables) prepared(ctx context.Context) (n int, err error) {
	err = t.each(ctx, t.listPrepared, func(func(...any) error) error { n++; return nil })
	return n, err
}

// marked looks the branches up among medcommit's own rows.
func (t *tables) marked(ctx context.Context, xids []txn.XID) (map[txn.XID]bool, error) {
	keys := map[string]bool{}
	err := t.each(ctx, "SELECT b.cluster, b.key, b.participant FROM medcommit_branches b", func(scan func(...any) error) error {
		var cluster, key, participant string
		err := scan(&cluster, &key, &participant)
		keys[cluster+" "+key+" "+participant] = true
		return err
	})
	all := map[txn.XID]bool{}
	for _, x := range xids {
		all[x] = keys[x.Cluster+" "+string(x.Key)+" "+x.Participant]
	}
	return all, err
}

func (t *tables) each(ctx context.Context, query string, f func(scan func(...any) error) error) error {
	rows, err := t.db.QueryContext(ctx, query)
	if err != nil {
		return fmt.Errorf("read the database: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := f(rows.Scan); err != nil {
			return fmt.Errorf("read the database: %w", err)
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read the database: %w", err)
	}
	return nil
}
