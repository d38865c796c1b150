package api

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/medcommit/medcommit/api/problem"
	"github.com/medcommit/medcommit/txn"
)

// one gives a body with one branch of pharmacy, whose operation is op.
func one(op string) string {
	return `{"branches":[{"participant":"pharmacy","operations":[` + op + `]}]}`
}

func dispense(arguments string) string {
	return one(`{"name":"dispense","arguments":{` + arguments + `}}`)
}

const inOrder = `"order":"o","patient":"p","drug":"ibuprofen-400"`

// The word "s3cret" stands for what a client sent: no answer may hold it.
func TestBadInput(t *testing.T) {
	tick := `{"participant":"orders","operations":[{"name":"tick"}]}`
	for _, c := range []struct {
		name      string
		body      string
		status    int
		locations string // separated by blanks; in order
	}{
		{"empty", ``, 400, "body"},
		{"malformed", `{"branches":[`, 400, "body"},
		{"trailing", `{"branches":[]} s3cret`, 400, "body"},
		{"not unicode", "{\"id\":\"s3cret\xff\"}", 400, "body"},
		{"twice", `{"id":"s3cret","id":"s3cret"}`, 400, "body.id"},
		{"too deep", `{"id":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`, 400, "body.id" + strings.Repeat("[0]", 63)},
		{"huge number", dispense(inOrder + `,"quantity":1e999999999`), 400, "body.branches[0].operations[0].arguments.quantity"},
		{"no object", `["s3cret"]`, 422, "body"},
		{"null", `null`, 422, "body"},
		{"no branches", `{}`, 422, "body.branches"},
		{"branches of a type", `{"branches":"s3cret"}`, 422, "body.branches"},
		{"zero branches", `{"branches":[]}`, 422, "body.branches"},
		{"unknown member", `{"branches":[` + tick + `],"colour":"s3cret"}`, 422, "body.colour"},
		{"case counts", `{"Branches":[` + tick + `]}`, 422, "body.Branches body.branches"},
		{"long member", `{"branches":[` + tick + `],"` + strings.Repeat("x", 100) + `":1}`, 422, "body." + strings.Repeat("x", 64) + "…"},
		{"id with slash", `{"id":"a/s3cret","branches":[` + tick + `]}`, 422, "body.id"},
		{"id empty", `{"id":"","branches":[` + tick + `]}`, 422, "body.id"},
		{"id long", `{"id":"` + strings.Repeat("x", 65) + `","branches":[` + tick + `]}`, 422, "body.id"},
		{"id null", `{"id":null,"branches":[` + tick + `]}`, 422, "body.id"},
		{"timeout negative", `{"timeout":"-1s","branches":[` + tick + `]}`, 422, "body.timeout"},
		{"timeout of years", `{"timeout":"87600h","branches":[` + tick + `]}`, 422, "body.timeout"},
		{"timeout short", `{"timeout":"99ms","branches":[` + tick + `]}`, 422, "body.timeout"},
		{"timeout word", `{"timeout":"s3cret","branches":[` + tick + `]}`, 422, "body.timeout"},
		{"timeout number", `{"timeout":10,"branches":[` + tick + `]}`, 422, "body.timeout"},
		{"branch of a type", `{"branches":["s3cret"]}`, 422, "body.branches[0]"},
		{"branch empty", `{"branches":[{}]}`, 422, "body.branches[0].participant body.branches[0].operations"},
		{"branch without work", `{"branches":[{"participant":"orders","operations":[]}]}`, 422, "body.branches[0].operations"},
		{"enlist", `{"branches":[{"participant":"orders","enlist":true}]}`, 422, "body.branches[0].enlist body.branches[0].operations"},
		{"unknown participant", `{"branches":[` + tick + `,{"participant":"s3cret","operations":[{"name":"tick"}]}]}`, 422, "body.branches[1].participant"},
		{"same participant", `{"branches":[` + tick + `,` + tick + `]}`, 422, "body.branches[1].participant"},
		{"unknown operation", one(`{"name":"s3cret"}`), 422, "body.branches[0].operations[0].name"},
		{"no name", one(`{"arguments":{"a":"s3cret"}}`), 422, "body.branches[0].operations[0].name"},
		{"operation of a type", one(`"s3cret"`), 422, "body.branches[0].operations[0]"},
		{"operation's member", `{"branches":[{"participant":"orders","operations":[{"name":"tick","rows":1}]}]}`, 422, "body.branches[0].operations[0].rows"},
		{"sql to a closed site", one(`{"sql":"s3cret"}`), 422, "body.branches[0].operations[0].sql body.branches[0].operations[0].name"},
		{"sql and name", `{"branches":[{"participant":"lab","operations":[{"sql":"SELECT 1","name":"s3cret"}]}]}`, 422, "body.branches[0].operations[0].name"},
		{
			"sql badly", `{"branches":[{"participant":"lab","operations":[{"sql":"","arguments":{},"rows":-1}]}]}`, 422,
			"body.branches[0].operations[0].sql body.branches[0].operations[0].arguments body.branches[0].operations[0].rows",
		},
		{"arguments missing", one(`{"name":"dispense"}`), 422, strings.Join([]string{
			"body.branches[0].operations[0].arguments.drug", "body.branches[0].operations[0].arguments.order",
			"body.branches[0].operations[0].arguments.patient", "body.branches[0].operations[0].arguments.quantity",
		}, " ")},
		{"arguments of a type", one(`{"name":"dispense","arguments":["s3cret"]}`), 422, "body.branches[0].operations[0].arguments"},
		{"argument's type", dispense(inOrder + `,"quantity":"s3cret"`), 422, "body.branches[0].operations[0].arguments.quantity"},
		{"argument's bound", dispense(inOrder + `,"quantity":-31337`), 422, "body.branches[0].operations[0].arguments.quantity"},
		{"argument's fraction", dispense(inOrder + `,"quantity":1.31337`), 422, "body.branches[0].operations[0].arguments.quantity"},
		{"argument's choice", dispense(`"order":"o","patient":"p","drug":"s3cret","quantity":1`), 422, "body.branches[0].operations[0].arguments.drug"},
		{"argument's length", dispense(`"order":"o","patient":"s3cret-s3cret-s3cret-s3cret","drug":"ibuprofen-400","quantity":1`), 422, "body.branches[0].operations[0].arguments.patient"},
		{"argument unknown", dispense(inOrder + `,"quantity":1,"dose":"s3cret"`), 422, "body.branches[0].operations[0].arguments.dose"},
		{
			"argument unknown to an open schema", `{"branches":[{"participant":"orders","operations":[{"name":"place-order","arguments":{"x":"s3cret"}}]}]}`, 422,
			"body.branches[0].operations[0].arguments.x",
		},
		{
			"arguments where none are taken", `{"branches":[{"participant":"orders","operations":[{"name":"tick","arguments":{"x":"s3cret"}}]}]}`, 422,
			"body.branches[0].operations[0].arguments.x",
		},
		{"argument's depth", dispense(inOrder + `,"quantity":1,"note":{"lines":["a",31337]}`), 422, "body.branches[0].operations[0].arguments.note.lines[1]"},
		{"schema unusable", `{"branches":[{"participant":"closed","operations":[{"name":"broken"}]}]}`, 422, "body.branches[0].operations[0].arguments"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := &fakeService{unknown: true, transaction: txn.Transaction{State: txn.StateCommitted}}
			answer, body := send(t, newTestServer(t, f), post("/v1/transactions", c.body))
			if answer.StatusCode != c.status {
				t.Fatalf("got %d: %s", answer.StatusCode, body)
			}
			if strings.Contains(body, "s3cret") || strings.Contains(body, "31337") {
				t.Errorf("a value is echoed: %s", body)
			}
			p := decode[problem.Problem](t, body)
			var locations []string
			for _, e := range p.Errors {
				locations = append(locations, e.Location)
				if e.Message == "" {
					t.Errorf("no message: %s", body)
				}
			}
			want := strings.Fields(c.locations)
			slices.Sort(locations)
			slices.Sort(want)
			if !slices.Equal(locations, want) {
				t.Errorf("\n got %q\nwant %q", locations, want)
			}
			if len(f.handed()) != 0 {
				t.Error("it was started")
			}
		})
	}
}

// A site's catalogue may change while a client waits to ask again.
func TestARepeatedSubmissionMayNoLongerFitTheCatalogue(t *testing.T) {
	for _, c := range []struct {
		name, body, key string
		unknown         bool
		err             error
		status          int
		handed          int
	}{
		{"taken before", `{"id":"rx-1","branches":[{"participant":"orders","operations":[{"name":"gone"}]}]}`, "", false, nil, 200, 1},
		{"taken before under a key", `{"branches":[{"participant":"orders","operations":[{"name":"tick","arguments":{"gone":1}}]}]}`, "rx-1", false, nil, 200, 1},
		{"new", `{"id":"rx-1","branches":[{"participant":"orders","operations":[{"name":"gone"}]}]}`, "", true, nil, 422, 0},
		{"not named", `{"branches":[{"participant":"orders","operations":[{"name":"gone"}]}]}`, "", false, nil, 422, 0},
		{"malformed", `{"id":"rx-1","colour":1,"branches":[{"participant":"orders","operations":[{"name":"gone"}]}]}`, "", false, nil, 422, 0},
		{"not to be found out", `{"id":"rx-1","branches":[{"participant":"orders","operations":[{"name":"gone"}]}]}`, "", false, txn.ErrUnavailable, 503, 0},
	} {
		f := &fakeService{unknown: c.unknown, err: c.err, transaction: txn.Transaction{State: txn.StateCommitted}}
		r := post("/v1/transactions", c.body)
		if c.key != "" {
			r.Header.Set("Idempotency-Key", c.key)
		}
		answer, body := send(t, newTestServer(t, f), r)
		if answer.StatusCode != c.status || len(f.handed()) != c.handed {
			t.Errorf("%s: got %d, %d handed over: %s", c.name, answer.StatusCode, len(f.handed()), body)
		}
	}
}

func TestManyFaultsAreNotAllListed(t *testing.T) {
	branches := slices.Repeat([]string{`7`}, 500)
	_, body := send(t, newTestServer(t, &fakeService{}), post("/v1/transactions", `{"branches":[`+strings.Join(branches, ",")+`]}`))
	if p := decode[problem.Problem](t, body); len(p.Errors) != maxFields {
		t.Errorf("got %d", len(p.Errors))
	}
}

// FuzzSubmission sends any body: there is never a panic nor a 5xx, what is started is valid, and no value comes back.
func FuzzSubmission(f *testing.F) {
	for _, seed := range []string{
		goodBody, dispense(inOrder + `,"quantity":1`), one(`{"sql":"x"}`),
		`{"branches":[{"participant":"lab","operations":[{"sql":"SELECT 1","rows":1,"arguments":[null]}]}]}`, `[]`, `{"id":1}`,
	} {
		f.Add([]byte(seed))
	}
	service := &fakeService{unknown: true, transaction: txn.Transaction{State: txn.StateCommitted}}
	s := newTestServer(f, service)
	f.Fuzz(func(t *testing.T, body []byte) {
		service.submitted = nil
		r := httptest.NewRequest(http.MethodPost, "/v1/transactions", bytes.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		answer, text := send(t, s, r)
		switch answer.StatusCode {
		case 200:
			sub := service.handed()[0]
			if !txn.ValidID(sub.ID) || len(sub.Branches) == 0 || sub.Timeout < minTimeout || sub.Timeout > maxTimeout {
				t.Fatalf("started: %+v", sub)
			}
		case 400, 413, 422:
			if len(service.handed()) != 0 {
				t.Fatal("refused, and started")
			}
			unechoed(t, body, text)
		default:
			t.Fatalf("got %d: %s", answer.StatusCode, text)
		}
	})
}

// unechoed fails where the answer holds a string of the body's values; names of members may be shown.
func unechoed(t *testing.T, body []byte, answer string) {
	var v any
	if json.Unmarshal(body, &v) != nil {
		return
	}
	names := map[string]bool{}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for name, member := range v {
				names[name] = true
				walk(member)
			}
		case []any:
			for _, member := range v {
				walk(member)
			}
		}
	}
	walk(v)
	shown := decode[problem.Problem](t, answer)
	for _, e := range shown.Errors {
		for _, secret := range []string{"amoxicillin", "s3cret", "o-1", "p-1", "rx-1"} {
			if strings.Contains(e.Location+e.Message, secret) && !slices.ContainsFunc(keys(names), func(n string) bool { return strings.Contains(n, secret) }) {
				t.Fatalf("echoed: %s", answer)
			}
		}
	}
}

func keys(m map[string]bool) []string {
	list := make([]string, 0, len(m))
	for k := range m {
		list = append(list, k)
	}
	return list
}
