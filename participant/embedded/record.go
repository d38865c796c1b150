package embedded

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"

	"go.etcd.io/bbolt"
)

// MaxKey is how long a record's key may be, in bytes.
const MaxKey = 512

// The buckets of the file.
var (
	bucketRecords  = []byte("records")            // key: version and value
	bucketDeleted  = []byte("deleted")            // key of a deleted record: the last version it had
	bucketBranches = []byte("branches")           // name of a prepared branch: its changes
	bucketMarkers  = []byte("medcommit_branches") // "cluster/key/participant" of a committed branch (R7)
	bucketSites    = []byte("medcommit_site")     // "cluster/participant": the site row (R10)
)

// record is a record as it is committed. Version counts the changes of its key from 1, deletions too, so that a version never
// comes back.
type record struct {
	Version int64
	Value   json.RawMessage `json:",omitempty"` // an object; nil: there is no record, and Version is the last there was
}

func (r record) exists() bool { return r.Value != nil }

// readRecord gives the record under key; the value is a copy.
func readRecord(tx *bbolt.Tx, key string) (record, error) {
	raw := tx.Bucket(bucketRecords).Get([]byte(key))
	if raw == nil {
		raw = tx.Bucket(bucketDeleted).Get([]byte(key))
	}
	if raw == nil {
		return record{}, nil
	}
	return decodeRecord(raw)
}

func decodeRecord(raw []byte) (record, error) {
	if len(raw) < 8 {
		return record{}, fmt.Errorf("decode record: %w", errFile)
	}
	r := record{Version: int64(binary.BigEndian.Uint64(raw))}
	if len(raw) > 8 {
		r.Value = bytes.Clone(raw[8:])
	}
	return r, nil
}

func writeRecord(tx *bbolt.Tx, key string, r record) error {
	raw := append(binary.BigEndian.AppendUint64(nil, uint64(r.Version)), r.Value...)
	to, from := tx.Bucket(bucketRecords), tx.Bucket(bucketDeleted)
	if !r.exists() {
		to, from = from, to
	}
	if err := from.Delete([]byte(key)); err != nil {
		return err
	}
	return to.Put([]byte(key), raw)
}

// members are a record's value, each member as it is written.
type members map[string]json.RawMessage

func decodeMembers(value json.RawMessage) (members, error) {
	var m members
	if err := json.Unmarshal(value, &m); err != nil || m == nil {
		return nil, errNotObject
	}
	return m, nil
}

func (m members) encode() (json.RawMessage, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(m); err != nil {
		return nil, err
	}
	return json.RawMessage(bytes.TrimRight(b.Bytes(), "\n")), nil
}

// number gives the member called field; one that is not there is 0 where absent allows it.
func (m members) number(field string, absent bool) (decimal, bool) {
	raw, ok := m[field]
	if !ok {
		return decimal{}, absent
	}
	return parseDecimal(string(bytes.TrimSpace(raw)))
}

func (m members) setNumber(field string, d decimal) { m[field] = json.RawMessage(d.String()) }

// equal compares two JSON values: numbers by value, objects whatever their order.
func equal(a, b json.RawMessage) bool {
	x, okX := decodeAny(a)
	y, okY := decodeAny(b)
	return okX && okY && equalAny(x, y)
}

func decodeAny(raw json.RawMessage) (any, bool) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	return v, dec.Decode(&v) == nil
}

func equalAny(a, b any) bool {
	switch a := a.(type) {
	case json.Number:
		b, ok := b.(json.Number)
		if !ok {
			return false
		}
		x, okX := parseDecimal(string(a))
		y, okY := parseDecimal(string(b))
		return okX && okY && !x.less(y) && !y.less(x)
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !equalAny(a[i], b[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for name, v := range a {
			if w, ok := b[name]; !ok || !equalAny(v, w) {
				return false
			}
		}
		return true
	}
	return a == b
}
