package api

import (
	"context"
	"errors"
	"time"

	"github.com/medcommit/medcommit/api/problem"
	"github.com/medcommit/medcommit/txn"
)

// How long a client is told to wait before it tries again.
const (
	retrySoon  = time.Second
	retryLater = 10 * time.Second // for what passes by itself or by an operator only
)

// asProblem gives what a client is told of an error of the Service. Only the texts here go out, never the error's own.
func asProblem(err error) *problem.Problem {
	var p *problem.Problem
	switch {
	case errors.As(err, &p):
		return p
	case errors.Is(err, txn.ErrNotFound):
		return problem.New(problem.NotFound, "no transaction of this id is known")
	case errors.Is(err, txn.ErrBranchUnknown):
		return problem.New(problem.NotFound, "the transaction has no branch at this participant")
	case errors.Is(err, txn.ErrNothingToAdopt):
		return problem.New(problem.NothingToAdopt, "neither its database nor ZooKeeper was found to be restored")
	case errors.Is(err, txn.ErrParticipantUnknown):
		return problem.New(problem.NotFound, "no participant of this name was ever registered")
	case errors.Is(err, txn.ErrIDReuse):
		return problem.New(problem.IDReuse, "use a new id for other work")
	case errors.Is(err, txn.ErrBadCursor):
		return problem.New(problem.BadRequest, "", problem.Field{Location: "query.cursor", Message: "is not one that a listing gave"})
	case errors.Is(err, txn.ErrTooLarge):
		return problem.New(problem.TooLarge, "the transaction is larger than one request to ZooKeeper may be")
	case errors.Is(err, txn.ErrTooMany):
		return later(retrySoon, problem.New(problem.TooMany, "too many transactions are in flight"))
	case errors.Is(err, txn.ErrHistoryFull):
		return later(retryLater, problem.New(problem.TooMany, "the history of finished transactions is full before its time"))
	case errors.Is(err, txn.ErrParticipantUnavailable):
		return later(retrySoon, problem.New(problem.ParticipantUnavailable, "a participant is not alive and ready"))
	case errors.Is(err, txn.ErrParticipantDrained):
		return later(retryLater, problem.New(problem.ParticipantDrained, "an operator has drained a participant"))
	case errors.Is(err, txn.ErrUnavailable):
		return later(retrySoon, problem.New(problem.Unavailable, "the coordinator has no ZooKeeper session, or has not read the logs yet"))
	case errors.Is(err, txn.ErrNoLeader):
		return later(retrySoon, problem.New(problem.Unavailable, "no leader can be reached"))
	case errors.Is(err, txn.ErrPerhaps), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return later(retrySoon, problem.New(problem.Unavailable, "the answer did not come in time; ask again"))
	}
	return problem.New(problem.Internal, "the log of the coordinator says more")
}

func later(d time.Duration, p *problem.Problem) *problem.Problem {
	p.RetryAfter = d
	return p
}

// siteFields names the branches whose participants are why a submission was refused.
func siteFields(sub *Submission, sites []txn.ParticipantInfo, message string, why func(*txn.ParticipantInfo) bool) []problem.Field {
	var fields []problem.Field
	for i, b := range sub.Branches {
		for j := range sites {
			if sites[j].Name == b.Participant && why(&sites[j]) {
				fields = append(fields, problem.Field{Location: item("body.branches", i) + ".participant", Message: message})
			}
		}
	}
	return fields
}
