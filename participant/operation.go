package participant

import "encoding/json"

// Catalogue is what a site lets clients do, by the operation's name (CONTRACT.md).
type Catalogue struct {
	Raw        bool
	Operations map[string]*Operation

	kind string // of the resource manager it was checked against; empty before ForKind
}

// Operation is one entry of a catalogue.
type Operation struct {
	Name        string
	Description string
	Parameters  json.RawMessage // JSON Schema; empty: no arguments
	ReadOnly    bool
	Raw         bool        // one SQL statement as a client sent it: one Statement, and Call.Positional
	Statements  []Statement // postgres and mysql
	Records     []Record    // embedded

	parameters *parameters // compiled by ForKind
	builtin    ActKind     // of the embedded store's own operations: the arguments are the act
}

// Statement is one SQL statement with :name placeholders.
type Statement struct {
	SQL  string
	Rows *int64 // the number of affected (or, for a query, returned) rows that is wanted; nil: any
}

// Record is one operation on the embedded store: exactly one of the pointers is set. Strings in it may hold {name} placeholders.
type Record struct {
	Put    *PutRecord
	Delete *DeleteRecord
	Add    *AddRecord
	Check  *CheckRecord
}

// PutRecord writes a whole record.
type PutRecord struct {
	Key       string `json:"key" yaml:"key"`
	Value     any    `json:"value" yaml:"value"`
	IfAbsent  bool   `json:"if_absent,omitempty" yaml:"if_absent"`
	IfVersion any    `json:"if_version,omitempty" yaml:"if_version"` // a version, or a placeholder
}

// DeleteRecord removes a record.
type DeleteRecord struct {
	Key       string `json:"key" yaml:"key"`
	IfVersion any    `json:"if_version,omitempty" yaml:"if_version"`
}

// AddRecord adds to a number in a record, within bounds, as an escrow (O'Neil, 1986).
type AddRecord struct {
	Key    string `json:"key" yaml:"key"`
	Field  string `json:"field" yaml:"field"`
	By     any    `json:"by" yaml:"by"` // a number, a placeholder, or "-{x}"
	Min    any    `json:"min,omitempty" yaml:"min"`
	Max    any    `json:"max,omitempty" yaml:"max"`
	Create bool   `json:"create,omitempty" yaml:"create"`
}

// CheckRecord is a precondition on a record.
type CheckRecord struct {
	Key     string `json:"key" yaml:"key"`
	Exists  *bool  `json:"exists,omitempty" yaml:"exists"`
	Version any    `json:"version,omitempty" yaml:"version"`
	Field   string `json:"field,omitempty" yaml:"field"`
	Equals  any    `json:"equals,omitempty" yaml:"equals"`
	Min     any    `json:"min,omitempty" yaml:"min"`
	Max     any    `json:"max,omitempty" yaml:"max"`
}
