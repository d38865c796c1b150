package api

import (
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"github.com/medcommit/medcommit/api/problem"
	"github.com/medcommit/medcommit/txn"
)

func (d *describer) inDoubt() huma.Operation {
	return huma.Operation{
		OperationID: "in-doubt", Method: http.MethodGet, Path: inDoubtPath, Tags: []string{"operator"},
		Summary: "List every prepared branch in every site's database, oldest first",
		Description: "Each site lists what its database holds, at most once a second, and that is joined with the log of decisions. " +
			"Sites that do not answer within two seconds are named in unanswered, and show what they listed last. " +
			"Foreign branches are not medcommit's, or another cluster's or participant's: they are never touched.",
		Responses: join(
			answers(http.StatusOK, d.answer("All that is prepared.", reflect.TypeFor[txn.InDoubt]())),
			d.problems(problem.Unavailable),
		),
	}
}

func (d *describer) resolve() huma.Operation {
	site := nameParameter()
	site.Name = "participant"
	return huma.Operation{
		OperationID: "resolve", Method: http.MethodPost, Path: resolvePath, Tags: []string{"operator"},
		Summary: "Settle one branch by an operator's wish",
		Description: "Without force only as the log says. With force a roll-back of an undecided branch is a withdrawal; " +
			"everything else is heuristic: recorded, counted, and compared with the decision.",
		Parameters:  []*huma.Param{idParameter(), site},
		RequestBody: &huma.RequestBody{Required: true, Content: content(jsonType, d.shape(reflect.TypeFor[ResolveRequest]()))},
		Responses: join(
			answers(http.StatusOK, d.answer("The branch ended so, now or before.", reflect.TypeFor[txn.Transaction]())),
			answers(http.StatusAccepted, d.answer("Handed to the site, which has not answered yet: ask again by id.", reflect.TypeFor[txn.Transaction]())),
			d.problems(problem.BadRequest, problem.NotFound, problem.BodyTimeout, problem.NotAsDecided, problem.NotSettled, problem.TooLarge,
				problem.UnsupportedMediaType, problem.Invalid, problem.Unavailable),
		),
	}
}

func (d *describer) adopt() huma.Operation {
	return huma.Operation{
		OperationID: "adopt", Method: http.MethodPost, Path: adoptPath, Tags: []string{"operator"},
		Summary: "Let a participant go on after its database or ZooKeeper was restored from a backup",
		Description: "A participant that finds one of both older than the other prepares and presumes nothing until an operator, " +
			"who knows which one counts, says so.",
		Parameters:  []*huma.Param{nameParameter()},
		RequestBody: &huma.RequestBody{Required: true, Content: content(jsonType, d.shape(reflect.TypeFor[AdoptRequest]()))},
		Responses: join(
			answers(http.StatusOK, d.answer("The participant, which goes on.", reflect.TypeFor[txn.ParticipantInfo]())),
			answers(http.StatusAccepted, d.answer("The participant, which has not heeded it yet.", reflect.TypeFor[txn.ParticipantInfo]())),
			d.problems(problem.BadRequest, problem.NotFound, problem.BodyTimeout, problem.NothingToAdopt, problem.TooLarge,
				problem.UnsupportedMediaType, problem.Invalid, problem.Unavailable),
		),
	}
}
