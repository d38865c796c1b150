package embedded_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/medcommit/medcommit/participant"
	"github.com/medcommit/medcommit/participant/embedded"
	"github.com/medcommit/medcommit/participant/rmtest"
	"github.com/medcommit/medcommit/txn"
)

// site is a store's directory with whichever store has it open: only that one can read it.
type site struct {
	dir     string
	current *embedded.Store
}

func (s *site) make(t *testing.T, timeout time.Duration) *embedded.Store {
	t.Helper()
	store, err := embedded.New(embedded.Config{Dir: s.dir, LockTimeout: timeout})
	if err != nil {
		t.Fatal(err)
	}
	s.current = store
	return store
}

func (s *site) read(t *testing.T, name string) (int64, bool) {
	t.Helper()
	r, found, err := s.current.Record(name)
	if err != nil {
		t.Fatal(err)
	}
	if !found {
		return 0, false
	}
	var v struct{ N int64 }
	if err := json.Unmarshal(r.Value, &v); err != nil {
		t.Fatal(err)
	}
	return v.N, true
}

// call makes a call of one record operation without parameters.
func call(readOnly bool, r participant.Record) participant.Call {
	return participant.Call{
		Operation: &participant.Operation{Name: "test", ReadOnly: readOnly, Records: []participant.Record{r}},
		Arguments: map[string]any{},
	}
}

func put(name string, value int64) participant.Call {
	return call(false, participant.Record{Put: &participant.PutRecord{Key: name, Value: map[string]any{"n": value}}})
}

func add(name string, by int64) participant.Call {
	return call(false, participant.Record{Add: &participant.AddRecord{Key: name, Field: "n", By: by, Min: 0}})
}

func check(r participant.CheckRecord) participant.Call {
	return call(true, participant.Record{Check: &r})
}

const lockTimeout = 300 * time.Millisecond

func fresh(t *testing.T) rmtest.Harness {
	s := &site{dir: t.TempDir()}
	return rmtest.Harness{
		New:         func(t *testing.T) participant.ResourceManager { return s.make(t, lockTimeout) },
		NewPatient:  func(t *testing.T) participant.ResourceManager { return s.make(t, time.Minute) },
		LockTimeout: lockTimeout,
		Exclusive:   true,
		Write:       put,
		Add:         add,
		Check: func(name string, value int64) participant.Call {
			return check(participant.CheckRecord{Key: name, Field: "n", Equals: value})
		},
		Read:     s.read,
		Refusals: refusals(),
	}
}

func refusals() []rmtest.Refusal {
	yes, no := true, false
	abort := func(d txn.Detail) txn.Ballot { return txn.Abort(d) }
	p := func(r participant.PutRecord) participant.Call { return call(false, participant.Record{Put: &r}) }
	a := func(r participant.AddRecord) participant.Call { return call(false, participant.Record{Add: &r}) }
	d := func(r participant.DeleteRecord) participant.Call { return call(false, participant.Record{Delete: &r}) }
	object := map[string]any{"n": 1, "s": "x"}
	set := p(participant.PutRecord{Key: "k", Value: object})
	long := string(make([]byte, embedded.MaxKey+1))
	return []rmtest.Refusal{
		{Name: "put if absent", Calls: []participant.Call{set, p(participant.PutRecord{Key: "k", Value: object, IfAbsent: true})}, Want: abort(txn.DetailExists)},
		{Name: "put at another version", Calls: []participant.Call{set, p(participant.PutRecord{Key: "k", Value: object, IfVersion: 7})}, Want: abort(txn.DetailVersion)},
		{Name: "put at a version of nothing", Calls: []participant.Call{p(participant.PutRecord{Key: "k", Value: object, IfVersion: 1})}, Want: abort(txn.DetailNotFound)},
		{Name: "delete nothing", Calls: []participant.Call{d(participant.DeleteRecord{Key: "k"})}, Want: abort(txn.DetailNotFound)},
		{Name: "delete another version", Calls: []participant.Call{set, d(participant.DeleteRecord{Key: "k", IfVersion: 2})}, Want: abort(txn.DetailVersion)},
		{Name: "delete twice", Calls: []participant.Call{set, d(participant.DeleteRecord{Key: "k"}), d(participant.DeleteRecord{Key: "k"})}, Want: abort(txn.DetailNotFound)},
		{Name: "add to nothing", Calls: []participant.Call{a(participant.AddRecord{Key: "k", Field: "n", By: 1})}, Want: abort(txn.DetailNotFound)},
		{Name: "add below", Calls: []participant.Call{set, a(participant.AddRecord{Key: "k", Field: "n", By: -2, Min: 0})}, Want: abort(txn.DetailBounds)},
		{Name: "add above", Calls: []participant.Call{set, a(participant.AddRecord{Key: "k", Field: "n", By: 0.5, Max: 1.25})}, Want: abort(txn.DetailBounds)},
		{Name: "create below", Calls: []participant.Call{a(participant.AddRecord{Key: "k", Field: "n", By: -1, Min: 0, Create: true})}, Want: abort(txn.DetailBounds)},
		{Name: "add to text", Calls: []participant.Call{set, a(participant.AddRecord{Key: "k", Field: "s", By: 1})}, Want: abort(txn.DetailCondition)},
		{Name: "add to no member", Calls: []participant.Call{set, a(participant.AddRecord{Key: "k", Field: "z", By: 1})}, Want: abort(txn.DetailCondition)},
		{Name: "check of nothing", Calls: []participant.Call{check(participant.CheckRecord{Key: "k", Exists: &yes})}, Want: abort(txn.DetailNotFound)},
		{Name: "check of what is there", Calls: []participant.Call{set, check(participant.CheckRecord{Key: "k", Exists: &no})}, Want: abort(txn.DetailExists)},
		{Name: "check of a version", Calls: []participant.Call{set, check(participant.CheckRecord{Key: "k", Version: 2})}, Want: abort(txn.DetailVersion)},
		{Name: "check of a text", Calls: []participant.Call{set, check(participant.CheckRecord{Key: "k", Field: "s", Equals: "y"})}, Want: abort(txn.DetailCondition)},
		{Name: "check of a minimum", Calls: []participant.Call{set, check(participant.CheckRecord{Key: "k", Field: "n", Min: 2})}, Want: abort(txn.DetailCondition)},
		{Name: "check of a maximum", Calls: []participant.Call{set, check(participant.CheckRecord{Key: "k", Field: "s", Max: 2})}, Want: abort(txn.DetailCondition)},
		{Name: "a key too long", Calls: []participant.Call{p(participant.PutRecord{Key: long, Value: object})}, Want: abort(txn.DetailConstraint)},
	}
}

func TestSuite(t *testing.T) { rmtest.Run(t, fresh) }
