package api

import (
	"context"

	"github.com/medcommit/medcommit/txn"
)

// Service is the transaction manager as the HTTP API needs it; zkcoord has the one that is used. Errors wrap those of txn.
type Service interface {
	// Submit hands in a checked request and waits as wait says; it returns the transaction as it stands when the wait ends.
	// digest identifies the branches. ErrIDReuse, ErrTooMany, ErrHistoryFull, ErrUnavailable, ErrParticipantUnknown,
	// ErrParticipantUnavailable, ErrParticipantDrained: nothing was started; ErrPerhaps: ask again by id.
	Submit(ctx context.Context, r Submission) (txn.Transaction, error)
	// Transaction gives one, or ErrNotFound.
	Transaction(ctx context.Context, id string) (txn.Transaction, error)
	Transactions(ctx context.Context, f txn.Filter) (txn.Page, error)
	// Abort aborts while undecided, and answers with the transaction; with ErrAlreadyDecided it answers both.
	Abort(ctx context.Context, id string) (txn.Transaction, error)
	Participants(ctx context.Context) ([]txn.ParticipantInfo, error)
	// Drain and Resume answer the participant, or ErrParticipantUnknown.
	Drain(ctx context.Context, name string) (txn.ParticipantInfo, error)
	Resume(ctx context.Context, name string) (txn.ParticipantInfo, error)
	// Adopt lets a participant go on after its database or ZooKeeper was restored, and answers it, with ErrPerhaps where it has not
	// heeded that yet; ErrParticipantUnknown, or ErrNothingToAdopt where it waits for no such word.
	Adopt(ctx context.Context, name, reason string) (txn.ParticipantInfo, error)
	// InDoubt asks every site's database what is prepared there, and joins it with the log of decisions.
	InDoubt(ctx context.Context) (txn.InDoubt, error)
	// Resolve settles one branch by an operator's wish and gives the transaction, also with an error: ErrPerhaps where the site has
	// not answered yet, ErrNotAsDecided, ErrNotSettled; alone with ErrNotFound and ErrBranchUnknown.
	Resolve(ctx context.Context, id string, r txn.Resolution) (txn.Transaction, error)
	Cluster(ctx context.Context) (txn.ClusterInfo, error)
	// Notices gives changes until ctx ends; a reader too slow is cut off by closing the channel.
	Notices(ctx context.Context) <-chan txn.Notice
	// Leader is the URL of another coordinator that leads; empty where this one does, or none is known.
	Leader() string
	// Ready returns nil, or an error that says what is waited for.
	Ready() error
}

// Submission is a checked request.
type Submission = txn.Handed
