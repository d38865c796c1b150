package txn

import (
	"encoding/json"
	"slices"
	"time"
)

// LeaderHeader is the HTTP header, in the answer to a submission, that names the URL of the coordinator that leads, where it is
// another. Every coordinator answers every call; at the leader a submission saves two steps, and shares its batches with others.
const LeaderHeader = "Medcommit-Leader"

// Request is a transaction as a client hands it in.
type Request struct {
	ID       string          `json:"id,omitempty"`
	Timeout  string          `json:"timeout,omitempty"` // a Go duration: "10s"
	Branches []BranchRequest `json:"branches"`
}

// BranchRequest is one participant's share of a Request.
type BranchRequest struct {
	Participant string      `json:"participant"`
	Operations  []Operation `json:"operations"`
}

// Operation is one call of an operation of a site's catalogue, or, where the site's catalogue is raw, one SQL statement.
type Operation struct {
	Name      string          `json:"name,omitempty"`
	Arguments json.RawMessage `json:"arguments,omitempty"` // an object by the operation's schema; with SQL an array
	SQL       string          `json:"sql,omitempty"`
	Rows      *int64          `json:"rows,omitempty"`
}

// WorkRequest is a branch's payload as it travels to the participant: JSON in the inbox.
type WorkRequest struct {
	Operations []Operation `json:"operations"`
}

// Transaction is a transaction as clients see it (CONTRACT.md).
type Transaction struct {
	ID          string   `json:"id"`
	State       State    `json:"state"`
	Reason      *Reason  `json:"reason,omitempty"`
	Retryable   *bool    `json:"retryable,omitempty"`
	Created     Moment   `json:"created"`
	Decided     *Moment  `json:"decided,omitempty"`
	Completed   *Moment  `json:"completed,omitempty"`
	Epoch       int32    `json:"epoch,omitempty"`
	Coordinator string   `json:"coordinator,omitempty"`
	Branches    []Branch `json:"branches"`

	// Key is the submission's key; it is not shown.
	Key Key `json:"-"`
}

// When is the transaction as it was when it came to s, a state before its own, with the votes that were cast since.
func (t Transaction) When(s State) Transaction {
	t.State, t.Completed = s, nil
	if !s.Decided() {
		t.Reason, t.Retryable, t.Decided, t.Epoch, t.Coordinator = nil, nil, nil, 0, ""
	}
	t.Branches = slices.Clone(t.Branches)
	for i := range t.Branches {
		t.Branches[i].Outcome, t.Branches[i].Finished = OutcomeNone, nil
	}
	return t
}

// Branch is one participant's share of a Transaction.
type Branch struct {
	Participant string  `json:"participant"`
	XID         string  `json:"xid,omitempty"`
	Vote        Vote    `json:"vote,omitzero"`
	Outcome     Outcome `json:"outcome,omitzero"`
	Voted       *Moment `json:"voted,omitempty"`
	Finished    *Moment `json:"finished,omitempty"`
}

// OperationInfo is one operation of a site's published catalogue: never its SQL.
type OperationInfo struct {
	Name        string          `json:"name"`
	Description string          `json:"description,omitempty"`
	Parameters  json.RawMessage `json:"parameters,omitempty"` // JSON Schema
	ReadOnly    bool            `json:"read_only,omitempty"`
}

// ParticipantInfo is a registered participant as clients see it (CONTRACT.md).
type ParticipantInfo struct {
	Name                 string          `json:"name"`
	Kind                 string          `json:"kind"` // "embedded", "postgres", "mysql"
	URL                  string          `json:"url,omitempty"`
	Alive                bool            `json:"alive"`
	Drained              bool            `json:"drained"`
	Ready                bool            `json:"ready"`
	Queued               int             `json:"queued"`
	InDoubt              int             `json:"in_doubt"`
	OldestInDoubtSeconds float64         `json:"oldest_in_doubt_seconds"`
	Operations           []OperationInfo `json:"operations"`
	// Waits is what a participant that is not ready waits for, in words.
	Waits string `json:"waits,omitempty"`

	// Raw says that the site takes SQL from clients.
	Raw bool `json:"-"`
}

// Registration is what a participant publishes in its folder: the data of participants/NAME.
type Registration struct {
	Kind       string          `json:"kind"`
	Format     int             `json:"format"` // protocol version, FormatVersion
	Operations []OperationInfo `json:"operations,omitempty"`
	Raw        bool            `json:"raw,omitempty"`
}

// Presented is what a participant keeps under its session's node, written at most once a second.
type Presented struct {
	URL                  string  `json:"url,omitempty"`
	Version              string  `json:"version,omitempty"`
	Ready                bool    `json:"ready"`
	Queued               int     `json:"queued"`
	InDoubt              int     `json:"in_doubt"`
	OldestInDoubtSeconds float64 `json:"oldest_in_doubt_seconds"`
	// Waits is what a site that is not ready waits for, in words.
	Waits string `json:"waits,omitempty"`
}

// FormatVersion is the version of the records in ZooKeeper. A process that finds a newer cluster ends; a single record that is newer
// is as good as one that cannot be read, but never deleted.
const FormatVersion = 1

// CoordinatorInfo is a coordinator as clients see it.
type CoordinatorInfo struct {
	ID      string `json:"id"`
	URL     string `json:"url"`
	Version string `json:"version"`
	Since   Moment `json:"since"`
	Leader  bool   `json:"leader"`
}

// ClusterInfo answers GET /v1/cluster.
type ClusterInfo struct {
	Cluster      string            `json:"cluster"`
	Leader       string            `json:"leader,omitempty"`
	Epoch        int32             `json:"epoch"`
	Coordinators []CoordinatorInfo `json:"coordinators"`
	Participants []ParticipantInfo `json:"participants"`
	InFlight     int               `json:"in_flight"`
	InDoubt      int               `json:"in_doubt"`
}

// Filter selects transactions for a listing, newest first.
type Filter struct {
	State       State  // zero: any
	Participant string // empty: any
	Limit       int    // 1 to 1,000
	Cursor      string // of the page before, or empty
}

// Page is one page of a listing. Next is the cursor of the next page, or empty.
type Page struct {
	Transactions []Transaction `json:"transactions"`
	Next         string        `json:"next,omitempty"`
}

// EventKind is which kind of thing an event is about.
type EventKind uint8

// The kinds of GET /v1/events.
const (
	EventTransaction EventKind = iota + 1
	EventLeader
	EventParticipant
)

var eventKindNames = names[EventKind]{"", "transaction", "leader", "participant"}

func (k EventKind) String() string { return eventKindNames.name(k) }

// Notice is one change, for GET /v1/events: exactly one of the pointers is set, as Kind says.
type Notice struct {
	Kind        EventKind
	Transaction *Transaction
	Cluster     *ClusterInfo
	Participant *ParticipantInfo
}

// Wait is how long a submission waits for its answer.
type Wait uint8

// The waits of POST /v1/transactions.
const (
	WaitDecision Wait = iota
	WaitCompleted
	WaitNone
)

var waitNames = names[Wait]{"decision", "completed", "none"}

func (w Wait) String() string { return waitNames.name(w) }

// ParseWait reads a wait as clients write it.
func ParseWait(text string) (Wait, error) {
	var w Wait
	err := waitNames.parse([]byte(text), &w)
	return w, err
}

// Handed is a checked request on its way to the transaction manager.
type Handed struct {
	ID      string // never empty: a server-made one is a UUIDv7
	Digest  string // equal digests are equal branches
	Timeout time.Duration
	Wait    Wait
	// Branches holds each participant's payload, canonical JSON of a WorkRequest.
	Branches []HandedBranch
}

// HandedBranch is one participant's share of a Handed.
type HandedBranch struct {
	Participant string
	Payload     []byte
	ReadOnly    bool
}
