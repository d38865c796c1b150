package api

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/medcommit/medcommit/txn"
)

// fakeService answers as a test wants it, and keeps what it was asked.
type fakeService struct {
	mu        sync.Mutex
	submitted []Submission
	filters   []txn.Filter

	sites        []txn.ParticipantInfo
	sitesErr     error
	unknown      bool // no transaction is known yet
	transaction  txn.Transaction
	err          error
	page         txn.Page
	info         txn.ClusterInfo
	inDoubt      txn.InDoubt
	resolutions  []txn.Resolution
	ready        error
	leader       string
	notices      chan txn.Notice
	noticesEnded chan struct{}
}

var _ Service = (*fakeService)(nil)

func (f *fakeService) Submit(_ context.Context, r Submission) (txn.Transaction, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.submitted = append(f.submitted, r)
	t := f.transaction
	if f.err == nil {
		t.ID = r.ID
	}
	return t, f.err
}

func (f *fakeService) handed() []Submission {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.submitted
}

func (f *fakeService) Transaction(_ context.Context, id string) (txn.Transaction, error) {
	if f.unknown {
		return txn.Transaction{}, txn.ErrNotFound
	}
	t := f.transaction
	t.ID = id
	return t, f.err
}

func (f *fakeService) Transactions(_ context.Context, filter txn.Filter) (txn.Page, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.filters = append(f.filters, filter)
	return f.page, f.err
}

func (f *fakeService) Abort(_ context.Context, id string) (txn.Transaction, error) {
	t := f.transaction
	t.ID = id
	return t, f.err
}

func (f *fakeService) Participants(context.Context) ([]txn.ParticipantInfo, error) {
	return f.sites, f.sitesErr
}

func (f *fakeService) Drain(_ context.Context, name string) (txn.ParticipantInfo, error) {
	return txn.ParticipantInfo{Name: name, Drained: true}, f.err
}

func (f *fakeService) Resume(_ context.Context, name string) (txn.ParticipantInfo, error) {
	return txn.ParticipantInfo{Name: name}, f.err
}

func (f *fakeService) Adopt(_ context.Context, name, _ string) (txn.ParticipantInfo, error) {
	return txn.ParticipantInfo{Name: name}, f.err
}

func (f *fakeService) InDoubt(context.Context) (txn.InDoubt, error) { return f.inDoubt, f.err }

func (f *fakeService) Resolve(_ context.Context, id string, r txn.Resolution) (txn.Transaction, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.resolutions = append(f.resolutions, r)
	t := f.transaction
	t.ID = id
	return t, f.err
}

func (f *fakeService) Cluster(context.Context) (txn.ClusterInfo, error) { return f.info, f.err }

func (f *fakeService) Notices(ctx context.Context) <-chan txn.Notice {
	if f.noticesEnded != nil {
		context.AfterFunc(ctx, func() { close(f.noticesEnded) })
	}
	return f.notices
}

func (f *fakeService) Ready() error { return f.ready }

func (f *fakeService) Leader() string { return f.leader }

// hospital is the catalogue of the tests.
func hospital() []txn.ParticipantInfo {
	dispense := json.RawMessage(`{"type":"object","required":["order","patient","drug","quantity"],"additionalProperties":false,"properties":{
		"order":{"type":"string"},"patient":{"type":"string","maxLength":20},"drug":{"type":"string","enum":["amoxicillin-500","ibuprofen-400"]},
		"quantity":{"type":"integer","minimum":1},"note":{"type":"object","properties":{"lines":{"type":"array","items":{"type":"string"}}}}}}`)
	return []txn.ParticipantInfo{
		{
			Name: "orders", Kind: "mysql", Alive: true, Ready: true,
			Operations: []txn.OperationInfo{
				{Name: "place-order", Parameters: json.RawMessage(`{"properties":{"order":{"type":"string"}}}`)},
				{Name: "order-exists", ReadOnly: true, Parameters: json.RawMessage(`{"type":"object","properties":{"order":{}},"additionalProperties":false}`)},
				{Name: "tick"},
			},
		},
		{Name: "pharmacy", Kind: "postgres", Alive: true, Ready: true, Operations: []txn.OperationInfo{{Name: "dispense", Parameters: dispense}}},
		{Name: "lab", Kind: "postgres", Alive: true, Ready: true, Raw: true},
		{Name: "closed", Kind: "postgres", Alive: true, Operations: []txn.OperationInfo{{Name: "broken", Parameters: json.RawMessage(`{"type":7}`)}}, Drained: true},
	}
}

func newTestServer(t testing.TB, f *fakeService) *Server {
	t.Helper()
	if f.sites == nil {
		f.sites = hospital()
	}
	registry := prometheus.NewPedanticRegistry()
	s, err := NewServer(Config{Service: f, Version: "1.2.3", MaxBody: 4096, Registerer: registry, Gatherer: registry, Logger: hclog.NewNullLogger()})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// send asks the handler and gives the answer with its body read.
func send(t testing.TB, s *Server, r *http.Request) (*http.Response, string) {
	t.Helper()
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	answer := w.Result()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(body)
}

func post(path, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	return r
}

func get(path string) *http.Request { return httptest.NewRequest(http.MethodGet, path, nil) }

func decode[T any](t testing.TB, text string) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return v
}

func moment() txn.Moment {
	return txn.Moment{Time: time.Date(2026, 7, 31, 12, 0, 0, 500000000, time.UTC)}
}

// slowService takes a minute and a half to decide.
type slowService struct{ fakeService }

func (f *slowService) Submit(ctx context.Context, r Submission) (txn.Transaction, error) {
	select {
	case <-time.After(90 * time.Second):
		return f.fakeService.Submit(ctx, r)
	case <-ctx.Done():
		return txn.Transaction{}, ctx.Err()
	}
}

// discarding keeps nothing of what is submitted.
type discarding struct{ fakeService }

func (f *discarding) Submit(context.Context, Submission) (txn.Transaction, error) {
	return f.transaction, nil
}
