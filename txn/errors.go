package txn

import (
	"errors"
	"fmt"
)

// What a caller of the transaction manager is told. Wrapped errors keep these; their texts hold no data of a client.
var (
	// ErrNotFound says that no transaction of that id is known: unknown, never "aborted" (R15).
	ErrNotFound = errors.New("no such transaction is known")
	// ErrIDReuse says that the id is in use with other branches.
	ErrIDReuse = errors.New("the id was used with other branches")
	// ErrTooMany says that too many transactions are in flight; nothing was started.
	ErrTooMany = errors.New("too many transactions are in flight")
	// ErrParticipantsBusy is an ErrTooMany: there are too many of transactions over just these participants, one of which is slow.
	ErrParticipantsBusy = fmt.Errorf("%w over these participants", ErrTooMany)
	// ErrHistoryFull says that finished transactions fill the room they have before their time; nothing was started.
	ErrHistoryFull = errors.New("the history of finished transactions is full")
	// ErrTooLarge says that a transaction is larger than one request to ZooKeeper may be; nothing was started.
	ErrTooLarge = errors.New("the transaction is too large")
	// ErrUnavailable says that there is no ZooKeeper session or quorum; nothing was started.
	ErrUnavailable = errors.New("ZooKeeper does not answer")
	// ErrPerhaps says that the submission may have been started: ask again by id.
	ErrPerhaps = errors.New("the submission may have been started")
	// ErrParticipantUnknown says that a participant was never registered.
	ErrParticipantUnknown = errors.New("the participant was never registered")
	// ErrParticipantUnavailable says that a participant is not alive or not ready; nothing was started.
	ErrParticipantUnavailable = errors.New("the participant is not ready")
	// ErrParticipantDrained says that an operator has drained a participant; nothing was started.
	ErrParticipantDrained = errors.New("the participant is drained")
	// ErrBadCursor says that a cursor is not one that a listing gave.
	ErrBadCursor = errors.New("the cursor is not one of a listing")
	// ErrAlreadyDecided says that a transaction is decided to commit and cannot be aborted.
	ErrAlreadyDecided = errors.New("the transaction is decided to commit")
	// ErrNoPayload says that a payload stored in parts is not there, or not whole.
	ErrNoPayload = errors.New("the payload is not there")
	// ErrFormat says that the records in ZooKeeper were written by a newer program.
	ErrFormat = errors.New("the records in ZooKeeper are newer than this program")
	// ErrNoLeader says that no leader could be reached.
	ErrNoLeader = errors.New("no leader can be reached")
)
