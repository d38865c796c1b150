package appends

import (
	"fmt"
	"strings"
)

// Type is what an operation's line says: that it begins, or how it ended.
type Type int

// The types of lines. Info says that it is not known how the operation ended.
const (
	Invoke Type = iota
	OK
	Fail
	Info
)

var types = [...]string{"invoke", "ok", "fail", "info"}

// String gives the word of the history.
func (t Type) String() string { return types[t] }

// Step is one step of an operation: an append of Value to the list Key, or a read of it.
type Step struct {
	Key    string
	Append bool
	Value  int64
	// List is what a read found; Known says that it found something, if only an empty list.
	List  []int64
	Known bool
}

// Site is where the list lives.
func (s Step) Site() string {
	site, _, _ := strings.Cut(s.Key, "/")
	return site
}

// Op is one line of a history.
type Op struct {
	Index   int
	Time    int64 // nanoseconds since the run began
	Type    Type
	Process int
	Steps   []Step
	ID      string // the transaction's, empty for a look from outside
	// Everywhere: it was finished at every site when it was acknowledged.
	Everywhere bool
	// Final: a read of the end, when everything had settled.
	Final bool
	// Error says why the operation failed.
	Error string
}

// operation is an invocation together with what came of it.
type operation struct {
	invoked, ended Op // ended is of type Info where the history ends before the operation
	seen           bool
}

// appends says whether it is a transaction of medcommit's, and no look from outside.
func (o *operation) appends() bool {
	for _, s := range o.invoked.Steps {
		if s.Append {
			return true
		}
	}
	return false
}

// happened says whether its appends are known to have been committed.
func (o *operation) happened() bool { return o.ended.Type == OK || o.seen }

func (o *operation) String() string {
	if o.invoked.ID != "" {
		return o.invoked.ID
	}
	return fmt.Sprintf("the operation at %d", o.invoked.Index)
}

// pair joins the lines of a history to operations, in the order of their invocations.
func pair(history []Op) ([]*operation, error) {
	var all []*operation
	open := map[int]*operation{}
	for i, op := range history {
		if op.Index != i {
			return nil, fmt.Errorf("%w: line %d has the index %d", ErrHistory, i, op.Index)
		}
		if i > 0 && op.Time < history[i-1].Time {
			return nil, fmt.Errorf("%w: time goes back at %d", ErrHistory, i)
		}
		at, busy := open[op.Process]
		switch {
		case op.Type == Invoke && busy:
			return nil, fmt.Errorf("%w: process %d begins at %d what it has not ended", ErrHistory, op.Process, i)
		case op.Type == Invoke:
			o := &operation{invoked: op, ended: Op{Index: len(history), Type: Info, Process: op.Process, Steps: op.Steps}}
			open[op.Process] = o
			all = append(all, o)
		case !busy:
			return nil, fmt.Errorf("%w: process %d ends at %d what it has not begun", ErrHistory, op.Process, i)
		default:
			if err := same(at.invoked, op); err != nil {
				return nil, err
			}
			at.ended = op
			if op.Type != Info { // an unknown end keeps its process for good
				delete(open, op.Process)
			}
		}
	}
	return all, nil
}

// same finds out whether the end of an operation belongs to its beginning.
func same(invoked, ended Op) error {
	if len(invoked.Steps) != len(ended.Steps) {
		return fmt.Errorf("%w: the operation at %d ends with other steps", ErrHistory, invoked.Index)
	}
	for i, s := range ended.Steps {
		at := invoked.Steps[i]
		if s.Key != at.Key || s.Append != at.Append || s.Value != at.Value {
			return fmt.Errorf("%w: the operation at %d ends with other steps", ErrHistory, invoked.Index)
		}
		if ended.Type == OK && !s.Append && !s.Known {
			return fmt.Errorf("%w: the operation at %d ended well and read nothing", ErrHistory, invoked.Index)
		}
	}
	return nil
}
