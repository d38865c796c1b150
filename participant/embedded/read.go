package embedded

import (
	"bytes"
	"encoding/base64"
	"fmt"

	"github.com/medcommit/medcommit/participant"
	"go.etcd.io/bbolt"
)

var _ participant.RecordReader = (*Store)(nil)

// Record gives the committed record under key.
func (s *Store) Record(key string) (out participant.StoredRecord, found bool, err error) {
	leave, err := s.enter()
	if err != nil {
		return out, false, err
	}
	defer leave()
	err = s.file.View(func(tx *bbolt.Tx) error {
		r, err := readRecord(tx, key)
		out, found = participant.StoredRecord{Key: key, Value: r.Value, Version: r.Version}, r.exists()
		return err
	})
	return out, found, err
}

// Records gives the committed records whose keys begin with prefix, in the order of their keys, at most limit. cursor is empty,
// or next of the page before; next is empty at the end.
func (s *Store) Records(prefix string, limit int, cursor string) (page []participant.StoredRecord, next string, err error) {
	leave, err := s.enter()
	if err != nil {
		return nil, "", err
	}
	defer leave()
	from, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || (cursor != "" && !bytes.HasPrefix(from, []byte(prefix))) {
		return nil, "", fmt.Errorf("read records: %w", participant.ErrCursor)
	}
	if cursor == "" {
		from = []byte(prefix)
	}
	err = s.file.View(func(tx *bbolt.Tx) error {
		c := tx.Bucket(bucketRecords).Cursor()
		for key, raw := c.Seek(from); key != nil && bytes.HasPrefix(key, []byte(prefix)); key, raw = c.Next() {
			if len(page) == limit {
				next = base64.RawURLEncoding.EncodeToString(key)
				return nil
			}
			r, err := decodeRecord(raw)
			if err != nil {
				return err
			}
			page = append(page, participant.StoredRecord{Key: string(key), Value: r.Value, Version: r.Version})
		}
		return nil
	})
	return page, next, err
}
