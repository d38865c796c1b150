package api

import (
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"github.com/medcommit/medcommit/api/problem"
	"github.com/medcommit/medcommit/txn"
)

func text() *huma.Schema { return &huma.Schema{Type: huma.TypeString} }

func oneOf(values ...any) *huma.Schema { return &huma.Schema{Type: huma.TypeString, Enum: values} }

func idParameter() *huma.Param {
	return parameter("path", "id", "the transaction's id", &huma.Schema{Type: huma.TypeString, Pattern: `^[A-Za-z0-9._-]{1,64}$`})
}

func nameParameter() *huma.Param {
	return parameter("path", "name", "the participant's name", &huma.Schema{Type: huma.TypeString, Pattern: `^[a-z0-9][a-z0-9._-]{0,62}$`})
}

func (d *describer) submit() huma.Operation {
	undecided := d.answer("Not decided within the wait: ask again by id.", reflect.TypeFor[txn.Transaction]())
	leader := &huma.Header{Schema: text(), Description: "the URL of the coordinator that leads, where it is another: a submission takes less time there"}
	undecided.Headers = map[string]*huma.Header{"Location": {Schema: text(), Description: "the transaction's path"}, txn.LeaderHeader: leader}
	return huma.Operation{
		OperationID: "submit", Method: http.MethodPost, Path: transactionsPath, Tags: []string{"transactions"},
		Summary:     "Submit a transaction",
		Description: "Runs the branches at all participants or at none. The same id with the same branches is the same transaction: it runs once.",
		Parameters: []*huma.Param{
			parameter("query", "wait", "what to wait for; decision unless told", oneOf("decision", "completed", "none")),
			parameter("header", "Idempotency-Key", "in place of id", text()),
		},
		RequestBody: &huma.RequestBody{Required: true, Content: content(jsonType, d.shape(reflect.TypeFor[txn.Request]()))},
		Responses: join(
			answers(http.StatusOK, d.answer("Decided: commit. It is durable and will be done everywhere.", reflect.TypeFor[txn.Transaction]())),
			answers(http.StatusAccepted, undecided),
			d.problems(problem.BadRequest, problem.BodyTimeout, problem.Aborted, problem.IDReuse, problem.TooLarge, problem.UnsupportedMediaType,
				problem.Invalid, problem.TooMany, problem.Unavailable, problem.ParticipantUnavailable, problem.ParticipantDrained),
		),
	}
}

func (d *describer) list() huma.Operation {
	limit := &huma.Schema{Type: huma.TypeInteger, Minimum: number(1), Maximum: number(maxLimit), Default: defaultLimit}
	state := stateText{}.Schema(d.registry)
	return huma.Operation{
		OperationID: "list", Method: http.MethodGet, Path: transactionsPath, Tags: []string{"transactions"},
		Summary: "List transactions, newest first",
		Parameters: []*huma.Param{
			parameter("query", "state", "only those in this state", state),
			parameter("query", "participant", "only those with a branch of this participant", text()),
			parameter("query", "limit", "how many at most", limit),
			parameter("query", "cursor", "next of the page before", text()),
		},
		Responses: join(
			answers(http.StatusOK, d.answer("One page.", reflect.TypeFor[txn.Page]())),
			d.problems(problem.BadRequest, problem.Unavailable),
		),
	}
}

func (d *describer) get() huma.Operation {
	return huma.Operation{
		OperationID: "get", Method: http.MethodGet, Path: transactionPath, Tags: []string{"transactions"},
		Summary:    "Get a transaction",
		Parameters: []*huma.Param{idParameter()},
		Responses: join(
			answers(http.StatusOK, d.answer("The transaction.", reflect.TypeFor[txn.Transaction]())),
			d.problems(problem.NotFound, problem.Unavailable),
		),
	}
}

func (d *describer) abort() huma.Operation {
	return huma.Operation{
		OperationID: "abort", Method: http.MethodPost, Path: abortPath, Tags: []string{"transactions"},
		Summary:    "Abort a transaction that is not decided",
		Parameters: []*huma.Param{idParameter()},
		Responses: join(
			answers(http.StatusOK, d.answer("Aborted, now or before.", reflect.TypeFor[txn.Transaction]())),
			answers(http.StatusAccepted, d.answer("Not decided yet: ask again by id.", reflect.TypeFor[txn.Transaction]())),
			d.problems(problem.NotFound, problem.AlreadyDecided, problem.Unavailable),
		),
	}
}

func (d *describer) participants() huma.Operation {
	return huma.Operation{
		OperationID: "participants", Method: http.MethodGet, Path: participantsPath, Tags: []string{"participants"},
		Summary: "List the participants and what they can do",
		Responses: join(
			answers(http.StatusOK, d.answer("All that were ever registered.", reflect.TypeFor[participantsAnswer]())),
			d.problems(problem.Unavailable),
		),
	}
}

func (d *describer) change(path, id, summary string) huma.Operation {
	return huma.Operation{
		OperationID: id, Method: http.MethodPost, Path: path, Tags: []string{"participants"},
		Summary:    summary,
		Parameters: []*huma.Param{nameParameter()},
		Responses: join(
			answers(http.StatusOK, d.answer("The participant.", reflect.TypeFor[txn.ParticipantInfo]())),
			d.problems(problem.NotFound, problem.Unavailable),
		),
	}
}

func (d *describer) cluster() huma.Operation {
	return huma.Operation{
		OperationID: "cluster", Method: http.MethodGet, Path: clusterPath, Tags: []string{"cluster"},
		Summary: "Show the leader, the coordinators and the participants",
		Responses: join(
			answers(http.StatusOK, d.answer("The cluster.", reflect.TypeFor[txn.ClusterInfo]())),
			d.problems(problem.Unavailable),
		),
	}
}

func (d *describer) events() huma.Operation {
	return huma.Operation{
		OperationID: "events", Method: http.MethodGet, Path: eventsPath, Tags: []string{"cluster"},
		Summary: "Follow changes as server-sent events",
		Description: "event: is transaction, leader or participant; data: is the transaction, the cluster or the participant, as the GET calls give it. " +
			"A reader that is too slow is cut off.",
		Responses: answers(http.StatusOK, &huma.Response{
			Description: "One event for each change.",
			Content:     content("text/event-stream", text()),
		}),
	}
}

func (d *describer) health(path, id, summary string) huma.Operation {
	return huma.Operation{
		OperationID: id, Method: http.MethodGet, Path: path, Tags: []string{"health"},
		Summary: summary,
		Responses: join(
			answers(http.StatusOK, d.answer("Yes.", reflect.TypeFor[healthAnswer]())),
			d.problems(problem.Unavailable),
		),
	}
}

func number(f float64) *float64 { return &f }
