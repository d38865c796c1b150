package txn

import "errors"

// InDoubt answers GET /v1/in-doubt: every prepared branch in every site's database, oldest first, whoever prepared it.
type InDoubt struct {
	Branches []InDoubtBranch `json:"branches"`
	// Unanswered names the sites that did not answer in time: theirs are the branches that they listed last.
	Unanswered []string `json:"unanswered,omitempty"`
	// More counts the branches that sites have beyond those that they name.
	More int `json:"more,omitempty"`
}

// InDoubtBranch is one prepared branch, joined with the log of decisions.
type InDoubtBranch struct {
	Participant string   `json:"participant"` // whose database it is in
	XID         string   `json:"xid"`         // as that database has it
	Transaction string   `json:"transaction,omitempty"`
	Decision    Prospect `json:"decision"`
	AgeSeconds  float64  `json:"age_seconds"`
}

// Prospect is what is to become of a prepared branch.
type Prospect uint8

// The prospects.
const (
	ProspectUndecided Prospect = iota
	ProspectCommit
	ProspectAbort
	ProspectForeign // not of this cluster and this participant: never touched
)

var prospectNames = names[Prospect]{"undecided", "commit", "abort", "foreign"}

func (p Prospect) String() string                { return prospectNames.name(p) }
func (p Prospect) MarshalText() ([]byte, error)  { return prospectNames.text(p) }
func (p *Prospect) UnmarshalText(b []byte) error { return prospectNames.parse(b, p) }

// ProspectOf is what a verdict means for a branch that is prepared.
func ProspectOf(v Verdict) Prospect {
	switch v {
	case VerdictCommit:
		return ProspectCommit
	case VerdictAbort:
		return ProspectAbort
	}
	return ProspectUndecided
}

// Resolution is how an operator wants a branch settled.
type Resolution struct {
	Participant string
	Verdict     Verdict
	Reason      string
	// Force settles the branch also where nothing, or something else, is decided.
	Force bool
}

// What an operator is told.
var (
	// ErrBranchUnknown says that the transaction has no branch at that participant.
	ErrBranchUnknown = errors.New("the transaction has no branch at the participant")
	// ErrNotAsDecided says that a branch was not settled, for the log does not say so and no force was asked for, or the decision
	// came in between.
	ErrNotAsDecided = errors.New("the log does not say so")
	// ErrNotSettled says that a branch could not be settled; an Unsettled says why.
	ErrNotSettled = errors.New("the branch could not be settled")
	// ErrNothingToAdopt says that a participant does not wait for an operator: neither its database nor ZooKeeper was restored.
	ErrNothingToAdopt = errors.New("the participant does not wait to be adopted")
)

// Unsettled is the error of a wish that the site did not do. It is ErrNotAsDecided or ErrNotSettled.
type Unsettled struct{ Result WishResult }

func (u *Unsettled) Error() string { return "the site left the branch as it is: " + u.Result.String() }

// Unwrap gives the sentinel.
func (u *Unsettled) Unwrap() error {
	if u.Result == WishUndecided || u.Result == WishContrary {
		return ErrNotAsDecided
	}
	return ErrNotSettled
}
