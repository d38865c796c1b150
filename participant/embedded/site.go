package embedded

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/medcommit/medcommit/participant"
	"github.com/medcommit/medcommit/txn"
	"go.etcd.io/bbolt"
)

func siteName(cluster, name string) []byte { return []byte(cluster + "/" + name) }

// Site reads the site row.
func (s *Store) Site(_ context.Context, cluster, name string) (row txn.SiteRow, found bool, err error) {
	leave, err := s.enter()
	if err != nil {
		return row, false, err
	}
	defer leave()
	err = s.file.View(func(tx *bbolt.Tx) error {
		row, found, err = readSite(tx, cluster, name)
		return err
	})
	return row, found, err
}

// SaveSite moves the site row, and never lowers it.
func (s *Store) SaveSite(_ context.Context, cluster, name string, was, row txn.SiteRow) error {
	return s.moveSite(cluster, name, row, func(stored txn.SiteRow) bool {
		return !stored.Before(was) && !row.Before(stored)
	})
}

// AdoptSite replaces the site row was by row.
func (s *Store) AdoptSite(_ context.Context, cluster, name string, was, row txn.SiteRow) error {
	return s.moveSite(cluster, name, row, func(stored txn.SiteRow) bool { return stored == was || stored == row })
}

func (s *Store) moveSite(cluster, name string, row txn.SiteRow, from func(stored txn.SiteRow) bool) error {
	leave, err := s.enter()
	if err != nil {
		return err
	}
	defer leave()
	raw, err := json.Marshal(row)
	if err != nil {
		return fmt.Errorf("encode site row: %w", err)
	}
	return s.writer.update(func(tx *bbolt.Tx) error {
		stored, _, err := readSite(tx, cluster, name)
		if err != nil {
			return err
		}
		if !from(stored) {
			return fmt.Errorf("save site row: %w", participant.ErrSiteRow)
		}
		return tx.Bucket(bucketSites).Put(siteName(cluster, name), raw)
	})
}

func readSite(tx *bbolt.Tx, cluster, name string) (row txn.SiteRow, found bool, err error) {
	raw := tx.Bucket(bucketSites).Get(siteName(cluster, name))
	if raw == nil {
		return row, false, nil
	}
	if err := json.Unmarshal(raw, &row); err != nil {
		return row, false, fmt.Errorf("decode site row: %w", errFile)
	}
	return row, true, nil
}
