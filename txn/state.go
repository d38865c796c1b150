package txn

// State is where a transaction stands.
type State uint8

// The states. StateCommitting and StateAborting are decided, and not yet finished at every participant.
const (
	StatePreparing State = iota + 1
	StateCommitting
	StateCommitted
	StateAborting
	StateAborted
)

var stateNames = names[State]{"", "preparing", "committing", "committed", "aborting", "aborted"}

func (s State) String() string                { return stateNames.name(s) }
func (s State) MarshalText() ([]byte, error)  { return stateNames.text(s) }
func (s *State) UnmarshalText(b []byte) error { return stateNames.parse(b, s) }

// ParseState reads a state as clients write it.
func ParseState(text string) (State, error) {
	var s State
	err := stateNames.parse([]byte(text), &s)
	return s, err
}

// Decided tells whether the state follows a decision.
func (s State) Decided() bool { return s > StatePreparing }

// Commit tells whether the state follows a decision to commit.
func (s State) Commit() bool { return s == StateCommitting || s == StateCommitted }

// Verdict is the content of a decision.
type Verdict uint8

// The verdicts. VerdictNone is "undecided".
const (
	VerdictNone Verdict = iota
	VerdictCommit
	VerdictAbort
)

var verdictNames = names[Verdict]{"", "commit", "abort"}

func (v Verdict) String() string                { return verdictNames.name(v) }
func (v Verdict) MarshalText() ([]byte, error)  { return verdictNames.text(v) }
func (v *Verdict) UnmarshalText(b []byte) error { return verdictNames.parse(b, v) }

// Outcome is what became of a branch.
type Outcome uint8

// The outcomes. A heuristic one was settled by hand, or could not be settled.
const (
	OutcomeNone Outcome = iota
	OutcomeCommitted
	OutcomeRolledBack
	OutcomeHeuristicCommit
	OutcomeHeuristicRollback
)

var outcomeNames = names[Outcome]{"", "committed", "rolled-back", "heuristic-commit", "heuristic-rollback"}

func (o Outcome) String() string                { return outcomeNames.name(o) }
func (o Outcome) MarshalText() ([]byte, error)  { return outcomeNames.text(o) }
func (o *Outcome) UnmarshalText(b []byte) error { return outcomeNames.parse(b, o) }

// ReasonCode says why a transaction was decided to abort.
type ReasonCode uint8

// The codes of CONTRACT.md.
const (
	ReasonNone            ReasonCode = iota
	ReasonVote                       // a participant voted to abort
	ReasonTimeout                    // the deadline passed
	ReasonParticipantLost            // at the deadline a site that had not voted had no session
	ReasonWithdrawn                  // a participant that was left alone freed itself (R9)
	ReasonClient                     // a client asked for it
	ReasonDuplicate                  // a second submission of an id that is in use (R3)
)

var reasonNames = names[ReasonCode]{"", "vote", "timeout", "participant-lost", "withdrawn", "client", "duplicate"}

func (r ReasonCode) String() string                { return reasonNames.name(r) }
func (r ReasonCode) MarshalText() ([]byte, error)  { return reasonNames.text(r) }
func (r *ReasonCode) UnmarshalText(b []byte) error { return reasonNames.parse(b, r) }

// Reason is why a transaction was decided to abort, and who caused it.
type Reason struct {
	Code        ReasonCode `json:"code"`
	Participant string     `json:"participant,omitempty"`
	Detail      Detail     `json:"detail,omitzero"`
}
