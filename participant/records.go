package participant

import (
	"encoding/json"
	"errors"
)

// ErrCursor says that a cursor is not one that a listing gave.
var ErrCursor = errors.New("the cursor is of no listing")

// StoredRecord is one committed record of an embedded store, as its site's listener shows it.
type StoredRecord struct {
	Key     string          `json:"key"`
	Value   json.RawMessage `json:"value"`
	Version int64           `json:"version"`
}

// RecordReader is a resource manager whose committed records the participant's listener shows. Errors wrap ErrUnavailable, or
// ErrCursor.
type RecordReader interface {
	// Record gives one, and whether there is one.
	Record(key string) (StoredRecord, bool, error)
	// Records gives those whose keys begin with prefix, by key, at most limit; cursor is empty or the next of the page before.
	Records(prefix string, limit int, cursor string) (page []StoredRecord, next string, err error)
}
