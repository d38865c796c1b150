package txn

import "time"

// CoordinatorConfig is what a coordinator's machine is made with.
type CoordinatorConfig struct {
	Cluster string // the cluster's short code
	ID      string
	Nonce   string // random, of this process; names its batches
	// Retention is how long a complete transaction is remembered. Default 1 h.
	Retention time.Duration
	// HistoryBytes is what finished transactions may take in ZooKeeper. Default 256 MiB.
	HistoryBytes int64
	// HorizonEvery is the least time between two moves of the horizon. Default 10 s.
	HorizonEvery time.Duration
	// SweepAfter is the age at which a payload that no submission took is swept. Default 1 h.
	SweepAfter time.Duration
	// MaxOps and MaxBytes bound one multi. Defaults 1,000 operations and 256 KB.
	MaxOps, MaxBytes int
	// GenerationSize is after how many creates a log goes on in its next generation. Default 1,000,000,000.
	GenerationSize int32
}

// Patience is how long a request may wait for its first look for its id, and as long again may it be handed in anew, before it is
// answered that nothing was started (R15). History keeps a transaction for twice the patience after the retention: what comes within
// the retention, and only then, surely finds it.
func Patience(retention time.Duration) time.Duration { return min(retention/4, 30*time.Second) }

// Submit hands a transaction in. Submission.Key is new; Prepares has one for each of Submission.Participants, in that order.
type Submit struct {
	Ticket     Ticket
	Submission Submission
	Prepares   []Prepare
}

// Ticket names a caller's wish; Submitted answers it.
type Ticket uint64

// SubmitResult is what became of a Submit.
type SubmitResult uint8

// The results.
const (
	SubmitAccepted    SubmitResult = iota + 1 // it is in the log under Key: follow that key's decision
	SubmitKnown                               // the id is in use with the same digest: follow the submission Key
	SubmitIDReuse                             // the id is in use with another digest
	SubmitAgain                               // surely not in the log: submit it again with a new key (R6)
	SubmitNoSite                              // surely not in the log: a participant's folder is not there
	SubmitFull                                // surely not in the log: history is full before its time
	SubmitUnavailable                         // surely not in the log: no session, or too old (R15)
	SubmitPerhaps                             // too old to find out: answer 202 (R15)
	SubmitNoPayload                           // surely not in the log: a head was swept, write the payload again
	SubmitPast                                // the id is in history, in the entry Chapter: compare the digests there
	SubmitTooLarge                            // surely not in the log: more than one request may hold
)

// Submitted is an effect: the answer to a Submit.
type Submitted struct {
	Ticket Ticket
	Result SubmitResult
	Key    Key
	// Chapter is with SubmitPast. Where that entry is gone by now, the id is forgotten: say ChapterGone and submit again.
	Chapter Pos
}

// AbortWish asks the leader to decide a transaction to abort because a client wants it. A machine that does not lead ignores it:
// the driver forwards wishes to the leader.
type AbortWish struct{ Key Key }

// Presence tells the machine whether a participant has a live session, for the reason of an abort at the deadline.
type Presence struct {
	Participant string
	Alive       bool
}

// Lead tells the machine to take over: its own election node is at ElectionPath with data version 0, and Nonce is that node's,
// by which the record of the epoch names it. Remove, where not empty, is the election node of a dead leader, which the same multi
// deletes (early take-over).
type Lead struct {
	ElectionPath string
	Nonce        string
	Remove       string
}

// ChapterGone tells the machine that the entry of history at Chapter, which it has read, is not there any more: its ids are forgotten.
type ChapterGone struct{ Chapter Pos }

// Resign tells the machine to stop leading.
type Resign struct{}

// Leading is an effect: the machine has fenced its predecessors, read the logs and decides from now on.
type Leading struct{ Epoch int32 }

// Deposed is an effect: another leader has moved the epoch, or the take-over failed. The driver stands for election anew.
type Deposed struct{}

// Synced is an effect: all logs of the session were read to the end once: the coordinator can answer. It is said once a session.
type Synced struct{}

// Changed is an effect: the transaction Key came to State, and perhaps further by now: LookupKey tells. Every state is said in turn, also
// where a decision is read before its submission. Where LookupKey does not know the transaction any more, it was decided, retired and
// dropped before its decision was read here: Lookup its id; State is then 0.
type Changed struct {
	Key   Key
	State State
}

// Unreadable is an effect: the submission Key of this coordinator is in the log, in an entry that cannot be read. Nobody will decide
// it to commit who has not read it before; what became of it is not known here.
type Unreadable struct{ Key Key }

// SecondDecision is an effect: a second, different decision for a key was read. It is a bug, ignored and shouted (R3).
type SecondDecision struct{ Key Key }

// Heuristic is an effect: a participant reports a branch that it cannot finish as decided.
type Heuristic struct {
	Key         Key
	Participant string
	Verdict     Verdict
}

// Sweep is an effect of the leader: look for payload heads; the driver answers with Heads.
type Sweep struct{ Token Token }

// Heads answers Sweep: the heads that no submission has taken (version 0), with the number of their parts.
type Heads struct {
	Token Token
	Heads []Head
}

// Head is a payload's head node.
type Head struct {
	Name  string
	Parts int
}

func (Submit) event()      {}
func (AbortWish) event()   {}
func (Presence) event()    {}
func (Lead) event()        {}
func (Resign) event()      {}
func (ChapterGone) event() {}
func (Heads) event()       {}

func (Submitted) effect()      {}
func (Leading) effect()        {}
func (Deposed) effect()        {}
func (Synced) effect()         {}
func (Changed) effect()        {}
func (Unreadable) effect()     {}
func (SecondDecision) effect() {}
func (Heuristic) effect()      {}
func (Sweep) effect()          {}
