package participant

import (
	"context"

	"github.com/medcommit/medcommit/txn"
)

// Ledger is one process's view of ZooKeeper, session after session. The participant's loop gives it the store effects of its
// machine and takes the events. zkcoord has the one that is used.
type Ledger interface {
	// Run connects, and reconnects, until ctx ends; it gives every event to deliver, one after the other. deliver must not block
	// for long. It returns nil when ctx has ended and all that it started is gone. Effects belong to the session that was delivered
	// last, so deliver must not return from SessionLost before the machine has heard of it: an effect of the old session would be
	// carried out in the new one.
	Run(ctx context.Context, deliver func(txn.Event)) error
	// Do carries out store effects (txn.Multi, txn.Follow, ...), in order, without blocking. Effects of an ended session are
	// answered (a Multi: MultiLost) or dropped (a read).
	Do(effects ...txn.Effect)
	// Register waits for a session and gives the cluster's short code, having made the layout of the root and this participant's
	// folder where they were missing. It fails with ErrFormat where ZooKeeper's records are newer than this program.
	Register(ctx context.Context, name string, registration txn.Registration) (cluster string, err error)
	// Payload reads a payload that was stored in parts under a head (txn.Prepare.Head); txn.ErrNoPayload where it is not there.
	Payload(ctx context.Context, head string, parts int) ([]byte, error)
	// Present rewrites what this session's node of participant name shows; at most once a second is sent.
	Present(name string, p txn.Presented)
	// Suspended tells whether there is no connection now; the session may outlive that.
	Suspended() bool
}
