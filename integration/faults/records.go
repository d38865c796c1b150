package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"

	"github.com/medcommit/medcommit/participant"
	"github.com/medcommit/medcommit/participant/embedded"
	"github.com/medcommit/medcommit/txn"
)

// records views the embedded store: what is committed through the participant's own listener, and what is prepared and marked in a
// copy of its file.
type records struct {
	url  string
	dir  string // of the store
	copy string // a folder for copies
}

var _ view = (*records)(nil)

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

func (r *records) prepared(ctx context.Context) (n int, err error) {
	err = r.look(ctx, func(s *embedded.Store) error {
		listed, err := s.Prepared(ctx)
		n = len(listed)
		return err
	})
	return n, err
}

func (r *records) marked(ctx context.Context, xids []txn.XID) (map[txn.XID]bool, error) {
	all := map[txn.XID]bool{}
	return all, r.look(ctx, func(s *embedded.Store) error {
		for _, x := range xids {
			standing, err := s.Lookup(ctx, x)
			if err != nil {
				return err
			}
			all[x] = standing == participant.StandingCommitted
		}
		return nil
	})
}

// look opens a copy of the store. A copy that was made while the store was written may be torn: then it cannot be opened, or what it
// shows will be looked at again.
func (r *records) look(ctx context.Context, f func(*embedded.Store) error) error {
	if err := os.RemoveAll(r.copy); err != nil {
		return fmt.Errorf("copy the store: %w", err)
	}
	if err := os.CopyFS(r.copy, os.DirFS(r.dir)); err != nil {
		return fmt.Errorf("copy the store: %w", err)
	}
	s, err := embedded.New(embedded.Config{Dir: r.copy})
	if err != nil {
		return err
	}
	defer s.Close()
	if err := s.Open(ctx, "", "", 0); err != nil {
		return err
	}
	return f(s)
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
