package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/medcommit/medcommit/api/problem"
	"github.com/medcommit/medcommit/txn"
)

var update = flag.Bool("update", false, "write the golden files anew")

// whole is a transaction with every member, and bare one with none that may be left out.
func whole() txn.Transaction {
	retryable, at := false, moment()
	return txn.Transaction{
		ID: "rx-1", State: txn.StateAborted, Reason: &txn.Reason{Code: txn.ReasonVote, Participant: "pharmacy", Detail: txn.DetailBounds},
		Retryable: &retryable, Created: at, Decided: &at, Completed: &at, Epoch: 7, Coordinator: "c1", Key: "hidden",
		Branches: []txn.Branch{
			{Participant: "orders", XID: "medcommit.c.k.orders", Vote: txn.VoteCommit, Outcome: txn.OutcomeRolledBack, Voted: &at, Finished: &at},
			{Participant: "pharmacy", XID: "medcommit.c.k.pharmacy"},
		},
	}
}

func bare() txn.Transaction {
	return txn.Transaction{ID: "rx-2", State: txn.StatePreparing, Created: moment(), Branches: []txn.Branch{{Participant: "orders", XID: "x"}}}
}

// The shapes of all answers. Clients in other languages are written against these: a change here is a change of the contract.
func TestGoldenShapes(t *testing.T) {
	f := &fakeService{
		transaction: whole(),
		page:        txn.Page{Transactions: []txn.Transaction{whole(), bare()}, Next: "cursor"},
		inDoubt: txn.InDoubt{
			Branches:   []txn.InDoubtBranch{{Participant: "lab", XID: "medcommit.c.k.lab", Transaction: "rx-1", Decision: txn.ProspectCommit, AgeSeconds: 1.5}},
			Unanswered: []string{"pharmacy"}, More: 2,
		},
		info: txn.ClusterInfo{
			Cluster: "c", Leader: "c1", Epoch: 7, InFlight: 3, InDoubt: 1, Participants: hospital()[:1],
			Coordinators: []txn.CoordinatorInfo{{ID: "c1", URL: "http://127.0.0.1:7070", Version: "1.2.3", Since: moment(), Leader: true}},
		},
	}
	s := newTestServer(t, f)
	var b bytes.Buffer
	for _, r := range []*http.Request{
		post("/v1/transactions", goodBody), get("/v1/transactions"), get("/v1/transactions/rx-1"), post("/v1/transactions/rx-1/abort", ""),
		get("/v1/in-doubt"), post("/v1/transactions/rx-1/branches/lab/resolve", `{"outcome":"committed","reason":"why"}`),
		post("/v1/participants/lab/adopt", `{"reason":"why"}`),
		get("/v1/participants"), post("/v1/participants/lab/drain", ""), post("/v1/participants/lab/resume", ""), get("/v1/cluster"),
		get("/livez"), get("/readyz"), get("/v1/nothing"), post("/v1/transactions", `{}`),
	} {
		answer, body := send(t, s, r)
		var indented bytes.Buffer
		if err := json.Indent(&indented, []byte(body), "", "  "); err != nil {
			t.Fatal(err)
		}
		b.WriteString(r.Method + " " + r.URL.Path + "\n" + answer.Status + "\n" + indented.String() + "\n")
	}
	golden(t, "shapes.txt", b.Bytes())
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; after a wanted change run go test ./api -update\n%s", path, got)
	}
}

func TestEmptyListsAreLists(t *testing.T) {
	f := &fakeService{sites: []txn.ParticipantInfo{}}
	s := newTestServer(t, f)
	for path, want := range map[string]string{
		"/v1/transactions": `{"transactions":[]}`,
		"/v1/participants": `{"participants":[]}`,
		"/v1/cluster":      `{"cluster":"","epoch":0,"coordinators":[],"participants":[],"in_flight":0,"in_doubt":0}`,
	} {
		if _, body := send(t, s, get(path)); strings.TrimSpace(body) != want {
			t.Errorf("%s: %s", path, body)
		}
	}
}

func TestListPassesTheFilterOn(t *testing.T) {
	f := &fakeService{}
	s := newTestServer(t, f)
	send(t, s, get("/v1/transactions"))
	send(t, s, get("/v1/transactions?state=committed&participant=lab&limit=7&cursor=abc"))
	want := []txn.Filter{{Limit: 100}, {State: txn.StateCommitted, Participant: "lab", Limit: 7, Cursor: "abc"}}
	for i, got := range f.filters {
		if got != want[i] {
			t.Errorf("got %+v", got)
		}
	}
	f.err = txn.ErrBadCursor
	answer, body := send(t, s, get("/v1/transactions?cursor=s3cret"))
	if answer.StatusCode != 400 || !strings.Contains(body, "query.cursor") || strings.Contains(body, "s3cret") {
		t.Errorf("got %d %s", answer.StatusCode, body)
	}
}

func TestErrorsOfCalls(t *testing.T) {
	for _, c := range []struct {
		request *http.Request
		err     error
		want    problem.Name
	}{
		{get("/v1/transactions/rx-9"), txn.ErrNotFound, problem.NotFound},
		{get("/v1/transactions/rx-9"), txn.ErrUnavailable, problem.Unavailable},
		{get("/v1/transactions"), txn.ErrUnavailable, problem.Unavailable},
		{post("/v1/transactions/rx-9/abort", ""), txn.ErrNotFound, problem.NotFound},
		{post("/v1/transactions/rx-9/abort", ""), txn.ErrNoLeader, problem.Unavailable},
		{post("/v1/transactions/rx-9/abort", ""), txn.ErrPerhaps, problem.Unavailable},
		{post("/v1/participants/lab/drain", ""), txn.ErrParticipantUnknown, problem.NotFound},
		{post("/v1/participants/lab/resume", ""), txn.ErrUnavailable, problem.Unavailable},
		{get("/v1/cluster"), errors.New("secret detail"), problem.Internal},
	} {
		answer, body := send(t, newTestServer(t, &fakeService{err: c.err}), c.request)
		if p := decode[problem.Problem](t, body); p.Name() != c.want || answer.StatusCode != c.want.Status() {
			t.Errorf("%s: %s", c.request.URL.Path, body)
		}
		if (answer.StatusCode == 503) != (answer.Header.Get("Retry-After") != "") {
			t.Errorf("%s: Retry-After %q", c.request.URL.Path, answer.Header.Get("Retry-After"))
		}
		if strings.Contains(body, "secret") {
			t.Errorf("%s: %s", c.request.URL.Path, body)
		}
	}
}

func TestAbort(t *testing.T) {
	f := &fakeService{err: txn.ErrAlreadyDecided, transaction: txn.Transaction{State: txn.StateCommitted}}
	answer, body := send(t, newTestServer(t, f), post("/v1/transactions/rx-1/abort", ""))
	p := decode[problem.Problem](t, body)
	if answer.StatusCode != 409 || p.Name() != problem.AlreadyDecided || p.Transaction == nil || p.Transaction.State != txn.StateCommitted {
		t.Errorf("got %d %s", answer.StatusCode, body)
	}
	f.err, f.transaction.State = nil, txn.StatePreparing
	if answer, body := send(t, newTestServer(t, f), post("/v1/transactions/rx-1/abort", "")); answer.StatusCode != 202 {
		t.Errorf("got %d %s", answer.StatusCode, body)
	}
}

func TestReadiness(t *testing.T) {
	s := newTestServer(t, &fakeService{ready: errors.New("waiting for a ZooKeeper session"), err: txn.ErrUnavailable})
	answer, body := send(t, s, get("/readyz"))
	if answer.StatusCode != 503 || !strings.Contains(body, "waiting for a ZooKeeper session") {
		t.Errorf("got %d %s", answer.StatusCode, body)
	}
	if answer, _ := send(t, s, get("/livez")); answer.StatusCode != 200 {
		t.Errorf("alive: got %d", answer.StatusCode)
	}
}

func TestMetricsCountByRoute(t *testing.T) {
	s := newTestServer(t, &fakeService{transaction: whole()})
	send(t, s, get("/v1/transactions/patient-4711"))
	send(t, s, get("/patient-4711"))
	_, text := send(t, s, get("/metrics"))
	for _, want := range []string{
		`medcommit_http_requests_total{code="200",route="/v1/transactions/{id}"} 1`, `medcommit_http_requests_total{code="404",route="other"} 1`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s", want)
		}
	}
	if strings.Contains(text, "4711") {
		t.Error("an id is in the metrics")
	}
	faults, err := promlint.New(io.NopCloser(strings.NewReader(text))).Lint()
	if err != nil || len(faults) > 0 {
		t.Errorf("promlint: %v %v", faults, err)
	}
}

func TestConfigIsChecked(t *testing.T) {
	good := newTestServer(t, &fakeService{}).config
	for name, spoil := range map[string]func(*Config){
		"service":      func(c *Config) { c.Service = nil },
		"vote-timeout": func(c *Config) { c.VoteTimeout = time.Hour },
		"max-body":     func(c *Config) { c.MaxBody = -1 },
	} {
		c := good
		spoil(&c)
		if _, err := NewServer(c); !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
