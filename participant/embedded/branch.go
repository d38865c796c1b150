package embedded

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/medcommit/medcommit/txn"
	"go.etcd.io/bbolt"
)

// branch is a branch's intentions: what its keys become when it commits, and so what it holds until then.
type branch struct {
	XID   txn.XID
	Since time.Time
	// Held are the keys that it holds alone, changed or not.
	Held []string `json:",omitempty"`
	// Sets are the records that replace those under keys it holds.
	Sets map[string]record `json:",omitempty"`
	// Adds are its additions, by key and field, to keys it shares.
	Adds map[string]map[string]*addition `json:",omitempty"`
}

func (b *branch) write(tx *bbolt.Tx) error {
	raw, err := json.Marshal(b)
	if err != nil {
		return fmt.Errorf("encode branch: %w", err)
	}
	return tx.Bucket(bucketBranches).Put([]byte(b.XID.String()), raw)
}

// apply changes the records as the branch intended; locks see to it that what it expects is still so.
func (b *branch) apply(tx *bbolt.Tx) error {
	for key, r := range b.Sets {
		if err := writeRecord(tx, key, r); err != nil {
			return err
		}
	}
	for key, fields := range b.Adds {
		if err := applyAdditions(tx, key, fields); err != nil {
			return fmt.Errorf("apply additions: %w", err)
		}
	}
	return nil
}

func applyAdditions(tx *bbolt.Tx, key string, fields map[string]*addition) error {
	r, err := readRecord(tx, key)
	if err != nil {
		return err
	}
	m, err := decodeMembers(r.Value)
	if err != nil {
		return err
	}
	for field, a := range fields {
		value, ok := m.number(field, true)
		if !ok {
			return errNumber
		}
		m.setNumber(field, value.plus(a.Net))
	}
	r.Version++
	if r.Value, err = m.encode(); err != nil {
		return err
	}
	return writeRecord(tx, key, r)
}

// loadBranches reads all prepared branches.
func loadBranches(tx *bbolt.Tx) (map[txn.XID]*branch, error) {
	out := map[txn.XID]*branch{}
	err := tx.Bucket(bucketBranches).ForEach(func(name, raw []byte) error {
		b := &branch{}
		if err := json.Unmarshal(raw, b); err != nil || b.XID.String() != string(name) {
			return fmt.Errorf("decode branch %s: %w", name, errFile)
		}
		out[b.XID] = b
		return nil
	})
	return out, err
}

// The marker of a committed branch (R7).
func markerName(x txn.XID) []byte {
	return []byte(x.Cluster + "/" + string(x.Key) + "/" + x.Participant)
}

func writeMarker(tx *bbolt.Tx, x txn.XID) error {
	return tx.Bucket(bucketMarkers).Put(markerName(x), []byte(time.Now().UTC().Format(time.RFC3339)))
}

func marked(tx *bbolt.Tx, x txn.XID) bool { return tx.Bucket(bucketMarkers).Get(markerName(x)) != nil }
