package participant

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/medcommit/medcommit/txn"
)

// ActKind is what one operation on the embedded store does.
type ActKind uint8

// The kinds.
const (
	ActPut ActKind = iota + 1
	ActDelete
	ActAdd
	ActCheck
)

var actNames = [...]string{"", "put", "delete", "add", "check"}

func (k ActKind) String() string { return actNames[k] }

// Act is one operation on the embedded store with nothing left to fill in. What does not belong to its kind is zero.
type Act struct {
	Kind      ActKind
	Key       string
	Value     json.RawMessage // put: an object
	IfAbsent  bool            // put
	IfVersion *int64          // put, delete
	Field     string          // add, check
	By        json.Number     // add
	Min, Max  json.Number     // add, check; empty: no bound
	Create    bool            // add
	Exists    *bool           // check
	Version   *int64          // check
	Equals    json.RawMessage // check; nil: not asked
}

// Acts fills a call's arguments into its operation's records. Its errors wrap ErrCall and hold no values.
func (c Call) Acts() ([]Act, error) {
	if c.Operation.builtin != 0 {
		a, err := builtinAct(c.Operation.builtin, c.Arguments)
		if err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrCall, c.Operation.Name, err)
		}
		return []Act{a}, nil
	}
	acts := make([]Act, 0, len(c.Operation.Records))
	for i, r := range c.Operation.Records {
		a, err := r.act(c.Arguments)
		if err != nil {
			return nil, fmt.Errorf("%w: %s: record %d: %w", ErrCall, c.Operation.Name, i+1, err)
		}
		acts = append(acts, a)
	}
	return acts, nil
}

func (r Record) act(arguments map[string]any) (Act, error) {
	f := filler{arguments: arguments}
	var a Act
	switch {
	case r.Put != nil:
		a = Act{Kind: ActPut, Key: f.text(r.Put.Key), Value: f.json(r.Put.Value), IfAbsent: r.Put.IfAbsent, IfVersion: f.version(r.Put.IfVersion)}
		f.object(a.Value)
	case r.Delete != nil:
		a = Act{Kind: ActDelete, Key: f.text(r.Delete.Key), IfVersion: f.version(r.Delete.IfVersion)}
	case r.Add != nil:
		a = Act{
			Kind: ActAdd, Key: f.text(r.Add.Key), Field: f.text(r.Add.Field), By: f.number(r.Add.By),
			Min: f.number(r.Add.Min), Max: f.number(r.Add.Max), Create: r.Add.Create,
		}
		if a.By == "" {
			f.fail(errors.New("by has no value"))
		}
	case r.Check != nil:
		a = Act{
			Kind: ActCheck, Key: f.text(r.Check.Key), Field: f.text(r.Check.Field), Min: f.number(r.Check.Min), Max: f.number(r.Check.Max),
			Exists: r.Check.Exists, Version: f.version(r.Check.Version),
		}
		if r.Check.Equals != nil {
			a.Equals = f.json(r.Check.Equals)
		}
	default:
		f.fail(errors.New("it is empty"))
	}
	return a, f.err
}

// filler fills in one record's members and keeps the first error.
type filler struct {
	arguments map[string]any
	err       error
}

func (f *filler) fail(err error) {
	if f.err == nil {
		f.err = err
	}
}

func (f *filler) text(s string) string {
	out, err := fillText(s, f.arguments)
	if err != nil {
		f.fail(err)
	}
	return out
}

func (f *filler) number(v any) json.Number {
	out, err := fillNumber(v, f.arguments)
	if err != nil {
		f.fail(err)
	}
	if !txn.ValidNumber(string(out)) {
		f.fail(errNumber)
	}
	return out
}

func (f *filler) version(v any) *int64 {
	out, err := fillVersion(v, f.arguments)
	if err != nil {
		f.fail(err)
	}
	return out
}

func (f *filler) json(v any) json.RawMessage {
	filled, err := fillValue(v, f.arguments)
	if err != nil {
		f.fail(err)
		return nil
	}
	out, err := marshal(filled)
	if err != nil {
		f.fail(err)
	}
	return out
}

func (f *filler) object(raw json.RawMessage) {
	if len(raw) == 0 || raw[0] != '{' {
		f.fail(errors.New("value is no object"))
	}
}
