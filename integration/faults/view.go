package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/url"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
)

// view reads a site's database as an outsider does.
type view interface {
	// amounts reads the items of a site and their amounts.
	amounts(ctx context.Context) (map[string]int64, error)
	// effects reads what transactions have left, by their ids.
	effects(ctx context.Context) (map[string][]effect, error)
	// prepared counts the branches that are prepared.
	prepared(ctx context.Context) (int, error)
}

var (
	_ view = (*tables)(nil)
	_ view = (*records)(nil)
)

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

// markers reads medcommit's own rows: the keys of submissions that are committed here.
func (t *tables) markers(ctx context.Context, column string) (map[string]bool, error) {
	all := map[string]bool{}
	err := t.each(ctx, "SELECT "+column+" FROM medcommit_branches", func(scan func(...any) error) error {
		var key string
		err := scan(&key)
		all[key] = true
		return err
	})
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

// records views the embedded store through the participant's own listener, which shows what is committed.
type records struct{ url string }

func (r *records) amounts(ctx context.Context) (map[string]int64, error) {
	all := map[string]int64{}
	return all, r.each(ctx, "holding/", func(item string, amount, _ int64) { all[item] = amount })
}

// effects gives a record that was written more than once as that many effects.
func (r *records) effects(ctx context.Context) (map[string][]effect, error) {
	all := map[string][]effect{}
	return all, r.each(ctx, "effect/", func(key string, amount, version int64) {
		id, item, _ := cut(key)
		for range version {
			all[id] = append(all[id], effect{item: item, amount: amount / version})
		}
	})
}

func (r *records) prepared(ctx context.Context) (int, error) {
	n, err := metric(ctx, r.url, "medcommit_in_doubt_branches")
	return int(n), err
}

// each reads all records below a prefix.
func (r *records) each(ctx context.Context, prefix string, f func(rest string, amount, version int64)) error {
	for cursor := ""; ; {
		var page struct {
			Records []struct {
				Key     string
				Value   json.RawMessage
				Version int64
			}
			Next string
		}
		query := url.Values{"prefix": {prefix}, "limit": {"1000"}}
		if cursor != "" {
			query.Set("cursor", cursor)
		}
		if err := get(ctx, r.url+"/v1/records?"+query.Encode(), &page); err != nil {
			return fmt.Errorf("read the records: %w", err)
		}
		for _, at := range page.Records {
			var v struct{ Amount int64 }
			if err := json.Unmarshal(at.Value, &v); err != nil {
				return fmt.Errorf("read a record: %w", err)
			}
			f(at.Key[len(prefix):], v.Amount, at.Version)
		}
		if cursor = page.Next; cursor == "" {
			return nil
		}
	}
}
