package rmtest

import (
	"testing"
	"time"

	"github.com/medcommit/medcommit/participant"
	"github.com/medcommit/medcommit/participant/dbtest"
	"github.com/medcommit/medcommit/txn"
)

// Harness is one fresh database, empty but for what its calls need, for one test.
type Harness struct {
	// New makes a resource manager that is not opened. Each is what a process of the site has: nothing in memory is shared. The
	// suite opens and closes it. Its lock time-out is LockTimeout.
	New func(t *testing.T) participant.ResourceManager
	// LockTimeout is short, and much shorter than Long, which NewPatient's resource managers have.
	LockTimeout time.Duration
	// NewPatient makes one whose lock time-out is at least a minute.
	NewPatient func(t *testing.T) participant.ResourceManager
	// Exclusive says that one process at a time can have the database open: the suite closes one before it opens another.
	Exclusive bool

	// Write stores a number under a name, whether one is there or not; it locks the name until the branch is over.
	Write func(name string, value int64) participant.Call
	// Add adds to the number under a name, which must exist and must not become negative; by may be negative.
	Add func(name string, by int64) participant.Call
	// Check is declared read-only and demands that the number under a name is value.
	Check func(name string, value int64) participant.Call
	// Read gives the committed number under a name, by a way of its own.
	Read func(t *testing.T, name string) (value int64, exists bool)
	// Refusals are works that must fail, at least one for each detail that the database can give.
	Refusals []Refusal

	// ByHand commits or rolls back a prepared branch with the database's own means, as an operator would.
	ByHand func(t *testing.T, xid txn.XID, verdict txn.Verdict)
	// Foreign prepares a branch that is none of medcommit's and gives its name as Prepared should list it, and a function that
	// rolls it back.
	Foreign func(t *testing.T) (name string, end func())
	// Kill ends the database's server with SIGKILL; Restart starts it again, and waits until it answers.
	Kill    func(t *testing.T)
	Restart func(t *testing.T)
	// NewThrough makes a patient resource manager that reaches its database through the proxy, which watches for PrepareText.
	NewThrough  func(t *testing.T, proxy *dbtest.Proxy) participant.ResourceManager
	Address     string // where the database's server listens
	PrepareText string // what the bytes of a request to prepare hold
}

// Refusal is work that must fail.
type Refusal struct {
	Name  string
	Calls []participant.Call
	Want  txn.Ballot
	// Around, where set, arranges for the failure while prepare runs, calls prepare once and returns its ballot.
	Around func(t *testing.T, prepare func() txn.Ballot) txn.Ballot
}
