package txn

import "time"

// Segment is what one log entry holds: a batch of records of one kind. Batch names the multi that wrote it, so that a lost reply
// can be read back by content (R6). Exactly one of the slices is filled.
type Segment struct {
	Batch       string
	Submissions []Submission
	Prepares    []Prepare
	Wishes      []Wish // of an inbox, like Prepares
	Votes       []VoteRecord
	Decisions   []Decision
	History     []Past
}

// Submission is a transaction as it was handed in: one record of the log "transactions".
type Submission struct {
	Key          Key      `json:"key"`
	ID           string   `json:"id"`
	Digest       string   `json:"digest"` // opaque: equal digests are equal branches
	Participants []string `json:"participants"`
	Timeout      int64    `json:"timeout"` // milliseconds; each leader counts from when it first read the record (R12)
	By           string   `json:"by"`      // the coordinator that wrote it
	At           int64    `json:"at"`      // its wall clock, Unix milliseconds, for people only
}

// Deadline is the timeout as a duration.
func (s Submission) Deadline() time.Duration { return time.Duration(s.Timeout) * time.Millisecond }

// Prepare asks one participant to prepare one branch: one record of its inbox. The work is in Payload, or, where it is too large
// for a batch, in the parts under the head znode that Head names.
type Prepare struct {
	Key     Key    `json:"key"`
	ID      string `json:"id"`
	Timeout int64  `json:"timeout"` // milliseconds
	Head    string `json:"head,omitempty"`
	Parts   int    `json:"parts,omitempty"`
	Payload []byte `json:"-"` // opaque to the protocol; the codec keeps it readable where it is JSON
	// ReadOnly says that the catalogue declared all its operations so when it was submitted.
	ReadOnly bool `json:"read_only,omitempty"`
}

// VoteRecord is one vote in a participant's log "votes". A vote to commit lives exactly as long as the participant's session; a
// withdrawal's vote to abort is persistent (R9).
type VoteRecord struct {
	Key Key `json:"key"`
	Ballot
	Withdrawn bool  `json:"withdrawn,omitempty"` // a vote to abort that is final for every process of the site
	At        int64 `json:"at,omitempty"`        // wall clock, Unix milliseconds, for people only
}

// CastVote is a vote as a decision records it.
type CastVote struct {
	Participant string `json:"participant"`
	Ballot
	At int64 `json:"at,omitempty"`
}

// Decision is one record of the log "decisions": with it a coordinator can answer after any restart. The first decision of a key
// in log order is the decision (R3).
type Decision struct {
	Key         Key        `json:"key"`
	ID          string     `json:"id"`
	Verdict     Verdict    `json:"verdict"`
	Reason      *Reason    `json:"reason,omitempty"`
	Votes       []CastVote `json:"votes"`                  // one for each participant, in the submission's order; without a vote where there was none
	DuplicateOf Key        `json:"duplicate_of,omitempty"` // with ReasonDuplicate: the submission that the id means
	Epoch       int32      `json:"epoch"`
	Coordinator string     `json:"coordinator"`
	At          int64      `json:"at"` // wall clock, Unix milliseconds, for people only
}

// Concerns tells whether participant has a branch in the decided transaction, and the vote it is recorded with.
func (d *Decision) Concerns(participant string) (Ballot, bool) {
	for _, v := range d.Votes {
		if v.Participant == participant {
			return v.Ballot, true
		}
	}
	return Ballot{}, false
}

// restatedBy tells whether e is the same decision once more: a leader writes one again where its entry cannot be read.
func (d *Decision) restatedBy(e *Decision) bool {
	return d.Verdict == e.Verdict && d.Epoch == e.Epoch && d.Coordinator == e.Coordinator && d.At == e.At
}

// Past is a complete transaction in the log "history".
type Past struct {
	Submission Submission `json:"s"`
	Decision   Decision   `json:"d"`
	Completed  int64      `json:"c"` // wall clock, Unix milliseconds, for people only
	// Heuristics are the branches that ended otherwise than was decided (R13).
	Heuristics []HeuristicBranch `json:"x,omitempty"`
}

// HeuristicBranch is a branch that ended otherwise than was decided.
type HeuristicBranch struct {
	Participant string  `json:"participant"`
	Outcome     Outcome `json:"outcome"`
}

// Applied is how far a participant has applied the decisions: the node "applied".
type Applied struct {
	At         Pos          `json:"at"`   // every decision before it that concerns the site is finished or in Unfinished
	From       Pos          `json:"from"` // the lowest decision that a kept inbox segment still needs, but for Needs
	Unfinished []Unfinished `json:"unfinished,omitempty"`
	// Needs are the decisions before From that inbox segments need which are kept for an unfinished branch: one of those must
	// not keep all later decisions from being forgotten (R14).
	Needs []Pos `json:"needs,omitempty"`
	// Settled are the branches that an operator settled by hand, Answers the last answers to wishes, oldest first (R13).
	Settled []Settled    `json:"settled,omitempty"`
	Answers []WishAnswer `json:"answers,omitempty"`
	// Restored says that the site has found its database or ZooKeeper restored, and waits for an operator (R10).
	Restored *Finding `json:"restored,omitempty"`
	// Compare says that, after a restore of the database, history is still to be compared with it.
	Compare bool `json:"compare,omitempty"`
}

// Unfinished is a decided branch that the site cannot finish, or that it finished and that its database has lost since.
type Unfinished struct {
	Key     Key     `json:"key"`
	Verdict Verdict `json:"verdict"`
	// Lost says that the database knows nothing of a branch that voted to commit: data loss, reported as heuristic (R7).
	Lost bool `json:"lost,omitempty"`
	// Past says that only history knows it to be committed; the database, which was restored, does not (R10).
	Past bool `json:"past,omitempty"`
}

// EpochRecord is the data of the node "epoch"; its data version is the epoch.
type EpochRecord struct {
	Leader string `json:"leader"` // a coordinator's id
	Nonce  string `json:"nonce"`  // of its election node
}

// Incarnation is the data of a participant's node "incarnation"; its data version goes up with every session of the participant.
type Incarnation struct {
	Process string `json:"process"` // nonce of the process
	Session string `json:"session"` // nonce of the attempt
}

// SiteRow is what a resource manager keeps of its participant in the database itself (R10): it is written before the multi that
// moves "applied", so that a restored database or a restored ZooKeeper is noticed.
type SiteRow struct {
	Applied     Pos
	Incarnation int32
}

// Before tells whether r is older than o in one of its parts: a row only ever grows in both.
func (r SiteRow) Before(o SiteRow) bool {
	return r.Applied.Before(o.Applied) || r.Incarnation < o.Incarnation
}
