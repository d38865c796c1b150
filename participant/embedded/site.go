package embedded

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/medcommit/medcommit/txn"
	"go.etcd.io/bbolt"
)

func siteName(cluster, participant string) []byte { return []byte(cluster + "/" + participant) }

// Site reads the site row.
func (s *Store) Site(_ context.Context, cluster, participant string) (row txn.SiteRow, found bool, err error) {
	leave, err := s.enter()
	if err != nil {
		return row, false, err
	}
	defer leave()
	err = s.file.View(func(tx *bbolt.Tx) error {
		raw := tx.Bucket(bucketSites).Get(siteName(cluster, participant))
		if raw == nil {
			return nil
		}
		found = true
		if err := json.Unmarshal(raw, &row); err != nil {
			return fmt.Errorf("decode site row: %w", errFile)
		}
		return nil
	})
	return row, found, err
}

// SaveSite writes the site row.
func (s *Store) SaveSite(_ context.Context, cluster, participant string, row txn.SiteRow) error {
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
		return tx.Bucket(bucketSites).Put(siteName(cluster, participant), raw)
	})
}
