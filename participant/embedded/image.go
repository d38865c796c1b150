package embedded

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/medcommit/medcommit/participant"
	"github.com/medcommit/medcommit/txn"
	"go.etcd.io/bbolt"
)

// image is the records as a branch sees them while its acts run: the committed ones, and its own changes over them.
type image struct {
	tx   *bbolt.Tx
	keys map[string]*view
}

// view is one record in an image.
type view struct {
	base    record
	members members // nil: there is no record
	changed bool
}

func newImage(tx *bbolt.Tx) *image { return &image{tx: tx, keys: map[string]*view{}} }

func (i *image) view(key string) (*view, error) {
	if v := i.keys[key]; v != nil {
		return v, nil
	}
	r, err := readRecord(i.tx, key)
	if err != nil {
		return nil, err
	}
	v := &view{base: r}
	if r.exists() {
		if v.members, err = decodeMembers(r.Value); err != nil {
			return nil, fmt.Errorf("read record: %w", errFile)
		}
	}
	i.keys[key] = v
	return v, nil
}

// changes are the records that the acts have left different.
func (i *image) changes() (map[string]record, error) {
	out := map[string]record{}
	for key, v := range i.keys {
		if !v.changed {
			continue
		}
		r := record{Version: v.base.Version + 1}
		if v.members != nil {
			value, err := v.members.encode()
			if err != nil {
				return nil, err
			}
			r.Value = value
		}
		if r.exists() || v.base.exists() { // made and removed within the branch: nothing
			out[key] = r
		}
	}
	return out, nil
}

// execute runs one act; a detail says which of its conditions failed.
func (i *image) execute(a participant.Act) (txn.Detail, error) {
	v, err := i.view(a.Key)
	if err != nil {
		return txn.DetailNone, err
	}
	switch a.Kind {
	case participant.ActPut:
		return v.put(a)
	case participant.ActDelete:
		return v.delete(a), nil
	case participant.ActAdd:
		return v.add(a)
	case participant.ActCheck:
		return v.check(a)
	}
	return txn.DetailNone, fmt.Errorf("execute act of kind %d: %w", a.Kind, participant.ErrCall)
}

// version is what a condition on the version compares with.
func (v *view) version() int64 {
	if v.changed {
		return v.base.Version + 1
	}
	return v.base.Version
}

func (v *view) wrongVersion(want *int64) txn.Detail {
	switch {
	case want == nil:
		return txn.DetailNone
	case v.members == nil:
		return txn.DetailNotFound
	case *want != v.version():
		return txn.DetailVersion
	}
	return txn.DetailNone
}

func (v *view) put(a participant.Act) (txn.Detail, error) {
	if a.IfAbsent && v.members != nil {
		return txn.DetailExists, nil
	}
	if d := v.wrongVersion(a.IfVersion); d != txn.DetailNone {
		return d, nil
	}
	m, err := decodeMembers(a.Value)
	if err != nil {
		return txn.DetailConstraint, nil
	}
	v.members, v.changed = m, true
	return txn.DetailNone, nil
}

func (v *view) delete(a participant.Act) txn.Detail {
	if v.members == nil {
		return txn.DetailNotFound
	}
	if d := v.wrongVersion(a.IfVersion); d != txn.DetailNone {
		return d
	}
	v.members, v.changed = nil, true
	return txn.DetailNone
}

func (v *view) add(a participant.Act) (txn.Detail, error) {
	n, err := readAdd(a)
	if err != nil {
		return txn.DetailNone, err
	}
	if v.members == nil {
		if !a.Create {
			return txn.DetailNotFound, nil
		}
		v.members = members{}
	}
	value, ok := v.members.number(a.Field, a.Create)
	if !ok {
		return txn.DetailCondition, nil
	}
	value = value.plus(n.by)
	if outside(value, n.min, n.max) {
		return txn.DetailBounds, nil
	}
	v.members.setNumber(a.Field, value)
	v.changed = true
	return txn.DetailNone, nil
}

func (v *view) check(a participant.Act) (txn.Detail, error) {
	if a.Exists != nil && !*a.Exists {
		if v.members != nil {
			return txn.DetailExists, nil
		}
		return txn.DetailNone, nil
	}
	if v.members == nil {
		return txn.DetailNotFound, nil
	}
	if d := v.wrongVersion(a.Version); d != txn.DetailNone {
		return d, nil
	}
	n, err := readAdd(a)
	if err != nil {
		return txn.DetailNone, err
	}
	if a.Field != "" && !v.meets(a, n) {
		return txn.DetailCondition, nil
	}
	return txn.DetailNone, nil
}

// meets tells whether the member that a check names is as it demands.
func (v *view) meets(a participant.Act, n numbers) bool {
	raw, ok := v.members[a.Field]
	if !ok || (a.Equals != nil && !equal(raw, a.Equals)) {
		return false
	}
	if n.min == nil && n.max == nil {
		return true
	}
	value, ok := parseDecimal(string(bytes.TrimSpace(raw)))
	return ok && !outside(value, n.min, n.max)
}

// numbers are the numbers of an act.
type numbers struct {
	by       decimal
	min, max *decimal
}

func readAdd(a participant.Act) (n numbers, err error) {
	if a.Kind == participant.ActAdd {
		var by *decimal
		if by, err = readNumber(a.By); err != nil || by == nil {
			return n, fmt.Errorf("read by: %w: %w", participant.ErrCall, errNumber)
		}
		n.by = *by
	}
	if n.min, err = readNumber(a.Min); err != nil {
		return n, fmt.Errorf("read min: %w", err)
	}
	if n.max, err = readNumber(a.Max); err != nil {
		return n, fmt.Errorf("read max: %w", err)
	}
	return n, nil
}

func readNumber(text json.Number) (*decimal, error) {
	if text == "" {
		return nil, nil
	}
	d, ok := parseDecimal(string(text))
	if !ok {
		return nil, fmt.Errorf("%w: %w", participant.ErrCall, errNumber)
	}
	return &d, nil
}

func outside(value decimal, minimum, maximum *decimal) bool {
	return (minimum != nil && value.less(*minimum)) || (maximum != nil && maximum.less(value))
}
