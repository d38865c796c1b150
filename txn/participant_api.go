package txn

import "time"

// ParticipantConfig is what a participant's machine is made with.
type ParticipantConfig struct {
	Cluster string // the cluster's short code
	Name    string
	Process string // a nonce of this process, random
	// WithdrawAfter is how long a prepared branch waits without a leader before it is withdrawn; zero never withdraws by itself.
	WithdrawAfter time.Duration
	// ScanEvery is the time between two recovery scans of the database (R10). Default 1 min.
	ScanEvery time.Duration
	// ApplyQuiet is how long an idle site waits for more before it says what it has applied, at most 100 ms. Default none.
	ApplyQuiet time.Duration
	// MaxOps and MaxBytes bound one multi. Defaults 1,000 operations and 256 KB.
	MaxOps, MaxBytes int
	// GenerationSize is after how many creates a log goes on in its next generation. Default 1,000,000,000.
	GenerationSize int32
	// Slots is how many branches are worked on at once. Default 64.
	Slots int
}

// The participant's machine asks its resource manager for work with these effects. Each is answered once, by the event of the same
// Key or Token, in any order, at any time, also after the session in which it was asked for is over.

// Work is an effect: execute the branch and prepare it durably, or find that it cannot be.
type Work struct {
	XID     XID
	Prepare Prepare
}

// Worked answers Work. Ballot's vote to abort means that the branch was not prepared when the resource manager last looked.
type Worked struct {
	Key    Key
	Ballot Ballot
}

// CancelWork is an effect: the branch was decided; work on it may end early. Worked comes all the same.
type CancelWork struct{ Key Key }

// Finish is an effect: commit or roll back a branch. ByHand says that an operator forces it: then a roll-back tells whether the
// branch was committed before.
type Finish struct {
	XID     XID
	Verdict Verdict
	ByHand  bool
}

// FinishResult is what became of a Finish.
type FinishResult uint8

// The results.
const (
	FinishDone    FinishResult = iota + 1 // committed or rolled back, now or before
	FinishUnknown                         // commit: neither prepared nor marked (R7); roll-back by hand: marked, so it is committed
	FinishFailed                          // not done, try again
)

// Finished answers Finish.
type Finished struct {
	Key    Key
	Result FinishResult
}

// ListPrepared is an effect: list every prepared branch of this cluster and this participant in the database.
type ListPrepared struct{ Token Token }

// PreparedListed answers ListPrepared. Failed says that the database could not be asked.
type PreparedListed struct {
	Token    Token
	Branches []XID
	Failed   bool
}

// FindBranches is an effect: look each of the branches up in the database. BranchesFound answers it with those that are neither
// prepared nor marked (R7); Failed says that the database could not be asked.
type (
	FindBranches struct {
		Token Token
		Keys  []Key
	}
	BranchesFound struct {
		Token   Token
		Missing []Key
		Failed  bool
	}
)

// PastCompared is an effect, for logs: history was compared with a database that was restored. Lost is how many of its commits the
// database has not, and were not known so before; Blind says that some of history could not be read.
type PastCompared struct {
	Lost  int
	Blind bool
}

// LoadSite is an effect: read the site row. SiteLoaded answers it; Exists is false in a new database.
type (
	LoadSite   struct{ Token Token }
	SiteLoaded struct {
		Token  Token
		Exists bool
		Row    SiteRow
		Failed bool
	}
)

// SaveSite is an effect: move the site row durably from Was, or what is between, to Row, and never lower it; but with Adopted
// exactly from Was to Row, which may be lower. SiteSaved answers it; Moved says that the database holds less than Was, or more
// than Row, and nothing was changed.
type SaveSite struct {
	Token    Token
	Was, Row SiteRow
	Adopted  bool
}
type SiteSaved struct {
	Token  Token
	Failed bool
	Moved  bool
}

// Withdraw tells the machine to withdraw an undecided branch (R9): an operator's wish. The machine also withdraws by itself.
type Withdraw struct{ Key Key }

// WishAnswered is an effect, for logs: an operator's wish has its answer.
type WishAnswered struct {
	Wish   Wish
	Result WishResult
}

// SettledByHand is an effect, for logs and metrics: a branch was ended by an operator's force where nothing, or something else,
// was decided (R13). HeuristicMismatch says that its decision is known and is another.
type (
	SettledByHand struct {
		Key               Key
		Verdict, Decision Verdict
	}
	HeuristicMismatch struct {
		Key               Key
		Verdict, Decision Verdict
	}
)

// DatabaseBack says that the database answers again after it did not: it may be another one.
type DatabaseBack struct{}

// Stop is an effect: the process must end. Another process runs as this participant (R5).
type Stop struct{ Process string }

// Restored is an effect: the database, or ZooKeeper, is not the one the site knew: it prepares and presumes nothing (R10).
type Restored struct{ What Restore }

// Adopted is an effect, for logs: an operator's word let the site go on after a restore.
type Adopted struct {
	What   Restore
	Reason string
	By     string
}

// Ready is an effect: the site is registered and recovered, and works from now on. Where a session starts over, as
// after a restore, it is said again.
type Ready struct{}

// BranchChanged is an effect, for metrics and logs: a branch came to a new stand.
type BranchChanged struct {
	Key     Key
	Stand   Stand
	Ballot  Ballot
	Verdict Verdict
	// Lost says that the database knows nothing of a branch that was decided to commit, or that an operator settled it against
	// the decision: a heuristic outcome (R7, R13).
	Lost bool
}

// Stand is where a branch stands at its site.
type Stand uint8

// The stands of a branch.
const (
	StandWaiting   Stand = iota + 1 // read from the inbox, not begun
	StandWorking                    // the resource manager works on it
	StandVoting                     // its vote is to be written
	StandInDoubt                    // prepared, voted commit, not decided
	StandVoted                      // voted abort or read-only, not decided
	StandFinishing                  // decided, being committed or rolled back
	StandFinished                   // done
	StandStuck                      // decided, and cannot be finished now: retried, and named in Applied.Unfinished (R14)
)

var standTexts = names[Stand]{"", "waiting", "working", "voting", "in-doubt", "voted", "finishing", "finished", "stuck"}

func (s Stand) String() string { return standTexts.name(s) }

func (Worked) event()         {}
func (Finished) event()       {}
func (PreparedListed) event() {}
func (BranchesFound) event()  {}
func (SiteLoaded) event()     {}
func (SiteSaved) event()      {}
func (Withdraw) event()       {}
func (DatabaseBack) event()   {}

func (Work) effect()              {}
func (CancelWork) effect()        {}
func (Finish) effect()            {}
func (ListPrepared) effect()      {}
func (FindBranches) effect()      {}
func (PastCompared) effect()      {}
func (LoadSite) effect()          {}
func (SaveSite) effect()          {}
func (Stop) effect()              {}
func (Restored) effect()          {}
func (WishAnswered) effect()      {}
func (SettledByHand) effect()     {}
func (HeuristicMismatch) effect() {}
func (Adopted) effect()           {}
func (Ready) effect()             {}
func (BranchChanged) effect()     {}
