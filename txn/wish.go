package txn

// Wish is an operator's wish to settle a branch by hand: one record of the participant's inbox, written after the branch's own
// request. It is durable until its answer is: the multi that deletes it puts the answer into "applied".
type Wish struct {
	Nonce   string  `json:"nonce"` // random; its answer names it
	Key     Key     `json:"key"`
	Verdict Verdict `json:"verdict"` // how the branch is to end
	// Decision is what was decided when the operator wished. What is forced against a decision is forced against this one: a wish
	// that was made without knowing of a decision never beats it.
	Decision Verdict `json:"decision,omitzero"`
	Force    bool    `json:"force,omitempty"`
	Reason   string  `json:"reason,omitempty"`
	By       string  `json:"by,omitempty"`
	At       int64   `json:"at,omitempty"` // wall clock, Unix milliseconds, for people only
}

// WishResult is what became of a wish.
type WishResult uint8

// The results. All but WishDone say why the branch was left as it is.
const (
	WishNone        WishResult = iota
	WishDone                   // the branch ended as wished, by this wish or before
	WishUndecided              // nothing is decided, and the wish has no force
	WishContrary               // the decision is another: without force, or the wisher did not know of it
	WishUnknown                // no log knows the branch at its site any more
	WishNotPrepared            // it was to be committed and is not prepared: the database has nothing to commit
	WishFinished               // the database has finished it the other way
	WishWithdrawn              // it was to be committed, and the site has withdrawn it (R9)
	WishFailed                 // as decided, but the database fails at it; it is tried on and on
	WishFull                   // the site reports as many heuristic branches as it can: let some be retired first
)

var wishResults = names[WishResult]{
	"", "done", "undecided", "contrary", "unknown", "not-prepared", "finished", "withdrawn", "failed", "full",
}

func (r WishResult) String() string                { return wishResults.name(r) }
func (r WishResult) MarshalText() ([]byte, error)  { return wishResults.text(r) }
func (r *WishResult) UnmarshalText(b []byte) error { return wishResults.parse(b, r) }

// WishAnswer tells a wisher what became of a wish. The node "applied" holds the last of them, oldest first.
type WishAnswer struct {
	Nonce  string     `json:"nonce"`
	Result WishResult `json:"result"`
}

// Settled is a branch that an operator settled by hand where nothing, or something else, was decided: a heuristic (R13). "applied"
// names it from then on until its transaction is in history, or its decision turns out to be the same.
type Settled struct {
	Key     Key     `json:"key"`
	Verdict Verdict `json:"verdict"` // how it was ended
	// Decision is the decision, where it is known; the entry goes where it is the same as Verdict.
	Decision Verdict `json:"decision,omitzero"`
	// Begun says that the database is asked for it and its answer is not known: nothing is heuristic yet.
	Begun bool `json:"begun,omitempty"`
}

// Outcome is what the branch shows as its outcome.
func (s Settled) Outcome() Outcome {
	switch {
	case s.Verdict == s.Decision:
		return outcomeOf(s.Verdict)
	case s.Verdict == VerdictCommit:
		return OutcomeHeuristicCommit
	}
	return OutcomeHeuristicRollback
}
