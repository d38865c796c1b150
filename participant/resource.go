package participant

import (
	"context"
	"errors"
	"time"

	"github.com/medcommit/medcommit/txn"
)

// ResourceManager is one site's database as the protocol needs it. All calls may come concurrently and are idempotent: the same
// call again, also from another process and after a crash, does no harm. Errors never hold values a client sent.
//
// Every resource manager keeps, in its own database: a marker for each branch ("medcommit_branches": cluster, key, participant,
// written inside the branch's work), so that a visible marker means committed and its uniqueness means executed once (R7); and a
// site row ("medcommit_site": cluster, participant, applied position, incarnation) (R10).
type ResourceManager interface {
	// Prepare executes the calls in order as branch xid, writes the marker, and prepares durably. It returns
	//   - Commit: the branch is prepared and outlives the process (R1),
	//   - ReadOnly: every call was declared read-only, nothing is held any more,
	//   - Abort: nothing is prepared. Work that fails its own conditions never becomes prepared, not for a moment (R16).
	// A marker or a prepared branch of the same xid that is already there is no failure of the work: a branch that is prepared, or
	// was committed, gives Commit without executing anything again.
	// An error wrapping ErrInDoubt says that the branch may be prepared: the caller asks Lookup until it knows. Any other error
	// is a programming fault and counts as txn.DetailInternal. Cancelling ctx ends work that waits; the answer stays honest.
	Prepare(ctx context.Context, xid txn.XID, calls []Call) (txn.Ballot, error)

	// Lookup says whether the branch is prepared, committed (by its marker), or neither. It answers only when nothing that an
	// earlier Prepare of this process sent for xid can still arrive.
	Lookup(ctx context.Context, xid txn.XID) (Standing, error)

	// Commit commits a prepared branch. nil: it is committed, now or before, proved by the database's answer or the marker.
	// ErrUnknownBranch: neither prepared nor marked, looked for in this order: prepared, marker, prepared again (R7).
	// Any other error: not known to be done, call again.
	Commit(ctx context.Context, xid txn.XID) error

	// Rollback rolls a branch back. nil: it is not prepared any more, or never was. Any other error: call again.
	Rollback(ctx context.Context, xid txn.XID) error

	// Prepared lists every prepared branch in the database, foreign ones included: of those only Name and Since are set.
	Prepared(ctx context.Context) ([]PreparedBranch, error)

	// Site reads the site row of (cluster, participant); false where there is none, which counts as the zero row.
	Site(ctx context.Context, cluster, participant string) (txn.SiteRow, bool, error)

	// SaveSite moves the site row durably from was, which the caller read or wrote last, to row. ErrSiteRow, and nothing is
	// changed, where the database holds less than was (it was restored) or more than row (another process has come since, and
	// this call is late): a row is never lowered. The same call again, when it was carried out, succeeds.
	SaveSite(ctx context.Context, cluster, participant string, was, row txn.SiteRow) error

	// AdoptSite replaces the site row was by row, which may be lower: an operator has said that this database goes on with an
	// older ZooKeeper (R10). ErrSiteRow, and nothing is changed, where the database holds neither.
	AdoptSite(ctx context.Context, cluster, participant string, was, row txn.SiteRow) error

	// Open makes our own tables where they are missing, and ends what an older incarnation of this participant left running:
	// its database connections, by what they recorded of themselves. It returns an error while the database is not reached;
	// the caller repeats it with back-off. No other method is called before Open has returned nil.
	Open(ctx context.Context, cluster, participant string, incarnation int32) error

	// Kind is "embedded", "postgres" or "mysql".
	Kind() string

	// Close releases everything; prepared branches stay.
	Close() error
}

// Call is one operation, found in the catalogue and its arguments checked, ready to be executed.
type Call struct {
	Operation *Operation
	// Arguments are decoded by the schema's types: int64, float64, string, bool, nil, or json.RawMessage for objects and arrays.
	// Every parameter of the operation is there, nil where the client gave none, and so are "tx" and "participant".
	Arguments map[string]any
	// Positional are the arguments of raw SQL, of the same types, for the statement's own placeholders ($1 or ?). A statement of
	// a call where Operation.Raw is set holds no named parameters.
	Positional []any
}

// Standing is what a database says of one branch.
type Standing uint8

// The standings.
const (
	StandingNone Standing = iota // neither prepared nor committed
	StandingPrepared
	StandingCommitted
)

// PreparedBranch is one line of the database's own list of prepared branches.
type PreparedBranch struct {
	Name  string  // as the database has it
	XID   txn.XID // zero for a foreign one
	Since time.Time
}

// What a resource manager says.
var (
	// ErrInDoubt says that the answer to a prepare was lost.
	ErrInDoubt = errors.New("the branch may be prepared")
	// ErrUnknownBranch says that a branch to be committed is neither prepared nor marked.
	ErrUnknownBranch = errors.New("the branch is neither prepared nor marked")
	// ErrSiteRow says that the site row is not the one that the caller knew: the database was restored, or has another process.
	ErrSiteRow = errors.New("the site row is another one than was known")
	// ErrUnavailable says that the database cannot be reached.
	ErrUnavailable = errors.New("the database cannot be reached")
)
