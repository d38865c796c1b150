package api

import (
	"net/http"
	"net/url"
	"strconv"

	"github.com/medcommit/medcommit/api/problem"
	"github.com/medcommit/medcommit/txn"
)

// Limits of a listing.
const (
	defaultLimit = 100
	maxLimit     = 1000
)

// query reads the parameters of a URL and collects what is wrong with them.
type query struct {
	values url.Values
	fields []problem.Field
}

func readQuery(r *http.Request) *query {
	if r.URL.RawQuery == "" {
		return &query{}
	}
	values, err := url.ParseQuery(r.URL.RawQuery)
	q := &query{values: values}
	if err != nil {
		q.fields = append(q.fields, problem.Field{Location: "query", Message: "cannot be read"})
	}
	return q
}

// get gives a parameter; it wants it once at most.
func (q *query) get(name string) string {
	if len(q.values[name]) > 1 {
		q.bad(name, "is given more than once")
	}
	return q.values.Get(name)
}

func (q *query) bad(name, message string) {
	q.fields = append(q.fields, problem.Field{Location: "query." + name, Message: message})
}

// problem is nil where nothing is wrong.
func (q *query) problem() error {
	if len(q.fields) == 0 {
		return nil
	}
	return problem.New(problem.BadRequest, "a query parameter is wrong", q.fields...)
}

func (q *query) wait() txn.Wait {
	text := q.get("wait")
	if text == "" && !q.values.Has("wait") {
		return txn.WaitDecision
	}
	w, err := txn.ParseWait(text)
	if err != nil {
		q.bad("wait", "must be decision, completed or none")
	}
	return w
}

func (q *query) filter() txn.Filter {
	f := txn.Filter{Limit: defaultLimit, Cursor: q.get("cursor")}
	if text := q.get("state"); text != "" {
		s, err := txn.ParseState(text)
		if err != nil {
			q.bad("state", "must be preparing, committing, committed, aborting or aborted")
		}
		f.State = s
	}
	if f.Participant = q.get("participant"); f.Participant != "" && !txn.ValidName(f.Participant) {
		q.bad("participant", "is not a name")
	}
	if text := q.get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxLimit {
			q.bad("limit", "must be 1 to 1000")
		}
		f.Limit = n
	}
	return f
}
