package txn

// Vote is what a participant says of its branch, once.
type Vote uint8

// The votes. VoteNone is the absence of one.
const (
	VoteNone     Vote = iota
	VoteCommit        // prepared durably: the branch can commit whatever happens (R1)
	VoteAbort         // the branch cannot commit
	VoteReadOnly      // the branch changed nothing and is over: it has no second phase
)

var voteNames = names[Vote]{"", "commit", "abort", "read-only"}

func (v Vote) String() string                { return voteNames.name(v) }
func (v Vote) MarshalText() ([]byte, error)  { return voteNames.text(v) }
func (v *Vote) UnmarshalText(b []byte) error { return voteNames.parse(b, v) }

// Detail says why a participant voted to abort.
type Detail uint8

// The details of CONTRACT.md, in its order.
const (
	DetailNone Detail = iota
	DetailRows
	DetailConstraint
	DetailSerialization
	DetailLockTimeout
	DetailDeadlock
	DetailNotFound
	DetailExists
	DetailVersion
	DetailBounds
	DetailCondition
	DetailDatabaseUnavailable
	DetailNotPrepared
	DetailInternal
)

var detailNames = names[Detail]{
	"", "rows", "constraint", "serialization", "lock-timeout", "deadlock", "not-found", "exists",
	"version", "bounds", "condition", "database-unavailable", "not-prepared", "internal",
}

func (d Detail) String() string                { return detailNames.name(d) }
func (d Detail) MarshalText() ([]byte, error)  { return detailNames.text(d) }
func (d *Detail) UnmarshalText(b []byte) error { return detailNames.parse(b, d) }

// Ballot is a vote with its reason.
type Ballot struct {
	Vote   Vote   `json:"vote"`
	Detail Detail `json:"detail,omitzero"`
	// Retryable says that the same work may succeed under a new id; it belongs to a vote to abort.
	Retryable bool `json:"retryable,omitzero"`
}

// Commit, ReadOnly and Abort make ballots.
func Commit() Ballot   { return Ballot{Vote: VoteCommit} }
func ReadOnly() Ballot { return Ballot{Vote: VoteReadOnly} }

// Abort makes a vote to abort for detail d. Serialization, lock-timeout, deadlock and database-unavailable are retryable by
// themselves; bounds only where undecided transactions stood in the way, which the caller sets.
func Abort(d Detail) Ballot {
	b := Ballot{Vote: VoteAbort, Detail: d}
	switch d {
	case DetailSerialization, DetailLockTimeout, DetailDeadlock, DetailDatabaseUnavailable:
		b.Retryable = true
	}
	return b
}
