package api

import (
	"encoding/json"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/medcommit/medcommit/api/problem"
	"github.com/medcommit/medcommit/txn"
)

// document writes the OpenAPI 3.1 document of the calls.
func (d *describer) document(version string, calls []call) ([]byte, error) {
	document := &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info: &huma.Info{
			Title:       "medcommit",
			Version:     version,
			Description: "Atomic transactions across the systems of hospitals: a change happens at every site or at none.",
		},
		Paths:      map[string]*huma.PathItem{},
		Components: &huma.Components{Schemas: d.registry},
	}
	for i := range calls {
		document.AddOperation(&calls[i].operation)
	}
	for name, shape := range d.registry.Map() {
		if !slices.Contains([]string{"Request", "BranchRequest", "Operation", "ResolveRequest", "AdoptRequest"}, name) {
			shape.AdditionalProperties = nil // answers may have more members one day; requests have none that are unknown
		}
	}
	return json.Marshal(document)
}

// describer makes the descriptions of calls. The shapes come from the Go types that are written and read.
type describer struct {
	registry huma.Registry
}

func newDescriber() *describer {
	d := &describer{registry: huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)}
	for enum, text := range map[reflect.Type]reflect.Type{
		reflect.TypeFor[txn.Moment]():     reflect.TypeFor[time.Time](),
		reflect.TypeFor[txn.State]():      reflect.TypeFor[stateText](),
		reflect.TypeFor[txn.Vote]():       reflect.TypeFor[voteText](),
		reflect.TypeFor[txn.Outcome]():    reflect.TypeFor[outcomeText](),
		reflect.TypeFor[txn.ReasonCode](): reflect.TypeFor[reasonText](),
		reflect.TypeFor[txn.Prospect]():   reflect.TypeFor[prospectText](),
		reflect.TypeFor[txn.Detail]():     reflect.TypeFor[detailText](),
	} {
		d.registry.RegisterTypeAlias(enum, text)
	}
	return d
}

// Texts of the enumerations as JSON has them.
type (
	stateText   struct{}
	voteText    struct{}
	outcomeText struct{}
	reasonText  struct{}
	detailText  struct{}

	prospectText struct{}
)

func (stateText) Schema(huma.Registry) *huma.Schema {
	return enum(txn.StatePreparing, txn.StateAborted)
}
func (voteText) Schema(huma.Registry) *huma.Schema { return enum(txn.VoteCommit, txn.VoteReadOnly) }
func (reasonText) Schema(huma.Registry) *huma.Schema {
	return enum(txn.ReasonVote, txn.ReasonDuplicate)
}
func (detailText) Schema(huma.Registry) *huma.Schema { return enum(txn.DetailRows, txn.DetailInternal) }
func (prospectText) Schema(huma.Registry) *huma.Schema {
	return enum(txn.ProspectUndecided, txn.ProspectForeign)
}

func (outcomeText) Schema(huma.Registry) *huma.Schema {
	return enum(txn.OutcomeCommitted, txn.OutcomeHeuristicRollback)
}

// enum describes the texts of the values from first to last.
func enum[T interface {
	~uint8
	String() string
}](first, last T) *huma.Schema {
	s := &huma.Schema{Type: huma.TypeString}
	for v := first; v <= last; v++ {
		s.Enum = append(s.Enum, v.String())
	}
	return s
}

// shape gives the schema of a type, by reference where it is a struct.
func (d *describer) shape(t reflect.Type) *huma.Schema {
	s := d.registry.Schema(t, true, t.Name())
	for _, made := range d.registry.Map() {
		for _, member := range made.Properties {
			if member.Type == huma.TypeArray {
				member.Nullable = false // lists are never null here
			}
		}
	}
	return s
}

func content(mediaType string, s *huma.Schema) map[string]*huma.MediaType {
	return map[string]*huma.MediaType{mediaType: {Schema: s}}
}

func (d *describer) answer(description string, t reflect.Type) *huma.Response {
	return &huma.Response{Description: description, Content: content(jsonType, d.shape(t))}
}

// problems describes the error answers of a call, by status.
func (d *describer) problems(names ...problem.Name) map[string]*huma.Response {
	responses := map[string]*huma.Response{}
	for _, n := range names {
		status := strconv.Itoa(n.Status())
		r := responses[status]
		if r == nil {
			r = &huma.Response{Content: content(problem.ContentType, d.shape(reflect.TypeFor[problem.Problem]()))}
			responses[status] = r
		} else {
			r.Description += "; "
		}
		r.Description += "/problems/" + n.String() + ": " + n.Title()
		if n.Status() == http.StatusTooManyRequests || n.Status() == http.StatusServiceUnavailable {
			r.Headers = map[string]*huma.Header{"Retry-After": {Schema: &huma.Schema{Type: huma.TypeInteger}, Description: "seconds"}}
		}
	}
	return responses
}

func join(responses ...map[string]*huma.Response) map[string]*huma.Response {
	all := map[string]*huma.Response{}
	for _, r := range responses {
		maps.Copy(all, r)
	}
	return all
}

func answers(status int, r *huma.Response) map[string]*huma.Response {
	return map[string]*huma.Response{strconv.Itoa(status): r}
}

func parameter(in, name, description string, s *huma.Schema) *huma.Param {
	return &huma.Param{In: in, Name: name, Description: description, Required: in == "path", Schema: s}
}
