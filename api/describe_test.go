package api

import (
	"bytes"
	"encoding/json"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/medcommit/medcommit/txn"
)

type document struct {
	OpenAPI    string                                `json:"openapi"`
	Info       struct{ Title, Version string }       `json:"info"`
	Paths      map[string]map[string]json.RawMessage `json:"paths"`
	Components struct {
		Schemas map[string]json.RawMessage `json:"schemas"`
	} `json:"components"`
}

type described struct {
	OperationID string `json:"operationId"`
	Summary     string
	Parameters  []struct{ In, Name string }
	Responses   map[string]struct{ Description string }
}

func TestDocumentMatchesTheRoutes(t *testing.T) {
	s := newTestServer(t, &fakeService{transaction: whole(), notices: make(chan txn.Notice)})
	close(s.service.(*fakeService).notices)
	answer, text := send(t, s, get("/openapi.json"))
	doc := decode[document](t, text)
	if answer.Header.Get("Content-Type") != "application/json" || !strings.HasPrefix(doc.OpenAPI, "3.1.") || doc.Info.Version != "1.2.3" || doc.Info.Title == "" {
		t.Fatal(text)
	}
	var operations []string
	for path, methods := range doc.Paths {
		for method, raw := range methods {
			op := decode[described](t, string(raw))
			operations = append(operations, strings.ToUpper(method)+" "+path)
			checkOperation(t, path, op)
			called := regexp.MustCompile(`\{\w+\}`).ReplaceAllString(path, "x")
			r := httptest.NewRequest(strings.ToUpper(method), called, nil)
			if answer, body := send(t, s, r); answer.StatusCode == 404 || answer.StatusCode == 405 {
				t.Errorf("%s %s is described, and answers %d %s", method, path, answer.StatusCode, body)
			}
		}
	}
	slices.Sort(operations)
	want := []string{
		"GET /livez", "GET /readyz", "GET /v1/cluster", "GET /v1/events", "GET /v1/in-doubt", "GET /v1/participants",
		"GET /v1/transactions", "GET /v1/transactions/{id}",
		"POST /v1/participants/{name}/adopt", "POST /v1/participants/{name}/drain", "POST /v1/participants/{name}/resume",
		"POST /v1/transactions", "POST /v1/transactions/{id}/abort", "POST /v1/transactions/{id}/branches/{participant}/resolve",
	}
	if !slices.Equal(operations, want) {
		t.Errorf("\n got %q\nwant %q", operations, want)
	}
}

func checkOperation(t *testing.T, path string, op described) {
	t.Helper()
	if op.OperationID == "" || op.Summary == "" || len(op.Responses) == 0 {
		t.Errorf("%s: %+v", path, op)
	}
	for status, r := range op.Responses {
		if r.Description == "" {
			t.Errorf("%s: %s has no description", path, status)
		}
	}
	for _, part := range regexp.MustCompile(`\{(\w+)\}`).FindAllStringSubmatch(path, -1) {
		if !slices.ContainsFunc(op.Parameters, func(p struct{ In, Name string }) bool { return p.In == "path" && p.Name == part[1] }) {
			t.Errorf("%s: parameter %s is not described", path, part[1])
		}
	}
}

// Every reference leads somewhere, every schema compiles, and what the server writes fits its own schema.
func TestAnswersFitTheDocument(t *testing.T) {
	f := &fakeService{transaction: whole(), page: txn.Page{Transactions: []txn.Transaction{whole(), bare()}, Next: "x"}}
	s := newTestServer(t, f)
	_, text := send(t, s, get("/openapi.json"))
	c := jsonschema.NewCompiler()
	parsed, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.AddResource("openapi.json", parsed); err != nil {
		t.Fatal(err)
	}
	for _, ref := range regexp.MustCompile(`"\$ref":"(#[^"]+)"`).FindAllStringSubmatch(text, -1) {
		if _, err := c.Compile("openapi.json" + ref[1]); err != nil {
			t.Errorf("%s: %v", ref[1], err)
		}
	}
	for path, schema := range map[string]string{
		"/v1/transactions/rx-1": "Transaction", "/v1/transactions": "Page", "/v1/participants": "ParticipantsAnswer", "/v1/cluster": "ClusterInfo",
		"/nothing": "Problem", "/livez": "HealthAnswer",
	} {
		_, body := send(t, s, get(path))
		fits(t, c, schema, body)
	}
	fits(t, c, "Request", goodBody)
	if !strings.Contains(string(decode[document](t, text).Components.Schemas["Request"]), `"additionalProperties":false`) {
		t.Error("a request with unknown members fits")
	}
	_, refused := send(t, s, post("/v1/transactions", `{"branches":[]}`))
	fits(t, c, "Problem", refused)
	_, aborted := send(t, s, post("/v1/transactions", goodBody))
	fits(t, c, "Problem", aborted)
}

func fits(t *testing.T, c *jsonschema.Compiler, schema, text string) {
	t.Helper()
	compiled, err := c.Compile("openapi.json#/components/schemas/" + schema)
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader([]byte(text)))
	if err != nil {
		t.Fatal(err)
	}
	if err := compiled.Validate(v); err != nil {
		t.Errorf("%s: %v\n%s", schema, err, text)
	}
}
