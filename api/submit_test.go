package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/medcommit/medcommit/api/problem"
	"github.com/medcommit/medcommit/txn"
)

const goodBody = `{"id":"rx-1","timeout":"3s","branches":[
	{"participant":"orders","operations":[{"name":"place-order","arguments":{"order":"o-1"}}]},
	{"participant":"pharmacy","operations":[{"name":"dispense","arguments":{"order":"o-1","patient":"p-1","drug":"amoxicillin-500","quantity":20}}]}]}`

func TestSubmissionAnswers(t *testing.T) {
	aborted := txn.Transaction{State: txn.StateAborting, Reason: &txn.Reason{Code: txn.ReasonVote, Participant: "pharmacy", Detail: txn.DetailBounds}}
	for name, c := range map[string]struct {
		service *fakeService
		status  int
		problem problem.Name
		retry   string
	}{
		"committed":          {&fakeService{transaction: txn.Transaction{State: txn.StateCommitted}}, 200, 0, ""},
		"committing":         {&fakeService{transaction: txn.Transaction{State: txn.StateCommitting}}, 200, 0, ""},
		"undecided":          {&fakeService{transaction: txn.Transaction{State: txn.StatePreparing}}, 202, 0, ""},
		"perhaps":            {&fakeService{err: fmt.Errorf("x: %w", txn.ErrPerhaps)}, 202, 0, ""},
		"aborting":           {&fakeService{transaction: aborted}, 409, problem.Aborted, ""},
		"aborted":            {&fakeService{transaction: txn.Transaction{State: txn.StateAborted}}, 409, problem.Aborted, ""},
		"id reuse":           {&fakeService{err: txn.ErrIDReuse}, 409, problem.IDReuse, ""},
		"too many":           {&fakeService{err: txn.ErrTooMany}, 429, problem.TooMany, "1"},
		"history full":       {&fakeService{err: txn.ErrHistoryFull}, 429, problem.TooMany, "10"},
		"no quorum":          {&fakeService{err: txn.ErrUnavailable}, 503, problem.Unavailable, "1"},
		"no quorum to check": {&fakeService{sitesErr: txn.ErrUnavailable}, 503, problem.Unavailable, "1"},
		"site away":          {&fakeService{err: txn.ErrParticipantUnavailable}, 503, problem.ParticipantUnavailable, "1"},
		"site drained":       {&fakeService{err: txn.ErrParticipantDrained}, 503, problem.ParticipantDrained, "10"},
		"site unknown":       {&fakeService{err: txn.ErrParticipantUnknown}, 422, problem.Invalid, ""},
		"broken":             {&fakeService{err: http.ErrBodyNotAllowed}, 500, problem.Internal, ""},
	} {
		t.Run(name, func(t *testing.T) {
			answer, body := send(t, newTestServer(t, c.service), post("/v1/transactions", goodBody))
			if answer.StatusCode != c.status || answer.Header.Get("Retry-After") != c.retry {
				t.Fatalf("got %d, Retry-After %q: %s", answer.StatusCode, answer.Header.Get("Retry-After"), body)
			}
			if location := answer.Header.Get("Location"); (c.status == 202) != (location == "/v1/transactions/rx-1") {
				t.Errorf("Location %q", location)
			}
			if c.problem == 0 {
				if got := decode[txn.Transaction](t, body); got.ID != "rx-1" || answer.Header.Get("Content-Type") != "application/json" {
					t.Errorf("got %s", body)
				}
				return
			}
			p := decode[problem.Problem](t, body)
			if p.Name() != c.problem || p.Status != c.status || p.Title == "" || answer.Header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("got %s", body)
			}
			if (p.Transaction != nil) != (c.problem == problem.Aborted) {
				t.Errorf("transaction: %s", body)
			}
		})
	}
}

func TestRefusalNamesTheSite(t *testing.T) {
	f := &fakeService{err: txn.ErrParticipantDrained}
	s := newTestServer(t, f)
	f.sites[1].Drained = true
	_, body := send(t, s, post("/v1/transactions", goodBody))
	if p := decode[problem.Problem](t, body); len(p.Errors) != 1 || p.Errors[0].Location != "body.branches[1].participant" {
		t.Errorf("got %s", body)
	}
}

func TestBusyParticipantsAreNamed(t *testing.T) {
	answer, body := send(t, newTestServer(t, &fakeService{err: txn.ErrParticipantsBusy}), post("/v1/transactions", goodBody))
	p := decode[problem.Problem](t, body)
	if answer.StatusCode != 429 || answer.Header.Get("Retry-After") != "1" || p.Name() != problem.TooMany || len(p.Errors) != 2 {
		t.Errorf("got %d, %s", answer.StatusCode, body)
	}
}

func TestSubmissionIsHandedOver(t *testing.T) {
	f := &fakeService{transaction: txn.Transaction{State: txn.StateCommitted}}
	s := newTestServer(t, f)
	body := `{"branches":[
		{"participant":"orders","operations":[{"name":"order-exists","arguments":{"order":9007199254740993}},{"name":"tick"}]},
		{"operations":[{"name":"order-exists"}],"participant":"orders2"},
		{"participant":"lab","operations":[{"sql":"SELECT 1 FROM t WHERE a = ?","arguments":[1.50,"x"],"rows":1}]}]}`
	f.sites = append(f.sites, f.sites[0])
	f.sites[len(f.sites)-1].Name = "orders2"
	answer, text := send(t, s, post("/v1/transactions?wait=completed", body))
	if answer.StatusCode != 200 {
		t.Fatal(text)
	}
	sub := f.handed()[0]
	if sub.Wait != txn.WaitCompleted || sub.Timeout != 10*time.Second || len(sub.ID) != 36 || sub.ID[14] != '7' || len(sub.Digest) != 64 {
		t.Errorf("got %+v", sub)
	}
	want := []string{
		`orders false {"operations":[{"arguments":{"order":9007199254740993},"name":"order-exists"},{"name":"tick"}]}`,
		`orders2 true {"operations":[{"name":"order-exists"}]}`,
		`lab false {"operations":[{"arguments":[1.5,"x"],"rows":1,"sql":"SELECT 1 FROM t WHERE a = ?"}]}`,
	}
	for i, b := range sub.Branches {
		if got := fmt.Sprint(b.Participant, " ", b.ReadOnly, " ", string(b.Payload)); got != want[i] {
			t.Errorf("\n got %s\nwant %s", got, want[i])
		}
		var work txn.WorkRequest
		if err := json.Unmarshal(b.Payload, &work); err != nil {
			t.Error(err)
		}
	}
}

func TestDigestIsOfTheBranchesOnly(t *testing.T) {
	same := []string{
		`{"id":"a","timeout":"1s","branches":[{"participant":"orders","operations":[{"name":"order-exists","arguments":{"order":20}}]}]}`,
		` { "branches" : [{"operations":[{"arguments":{"order":2e1},"name":"order-exists"}],"participant":"\u006frders"}],"id":"a"}`,
	}
	other := []string{
		strings.Replace(same[0], "20", "21", 1),
		strings.Replace(same[0], "20", "9007199254740992", 1),
		strings.Replace(same[0], "20", "9007199254740993", 1),
		strings.Replace(same[0], "20", `"20"`, 1),
	}
	f := &fakeService{transaction: txn.Transaction{State: txn.StateCommitted}}
	s := newTestServer(t, f)
	for _, body := range append(same, other...) {
		if answer, text := send(t, s, post("/v1/transactions", body)); answer.StatusCode != 200 {
			t.Fatal(text)
		}
	}
	seen := map[string]int{}
	for _, sub := range f.handed() {
		seen[sub.Digest]++
	}
	if len(seen) != 5 || seen[f.handed()[0].Digest] != 2 {
		t.Errorf("got %v", seen)
	}
}

func TestIdempotencyKey(t *testing.T) {
	without := strings.Replace(goodBody, `"id":"rx-1",`, "", 1)
	for _, c := range []struct {
		body   string
		keys   []string
		status int
		id     string
	}{
		{without, []string{"key-1"}, 200, "key-1"},
		{without, []string{`"key-1"`}, 200, "key-1"},
		{goodBody, []string{"rx-1"}, 200, "rx-1"},
		{goodBody, []string{"rx-2"}, 422, ""},
		{without, []string{"a/b"}, 422, ""},
		{without, []string{""}, 422, ""},
		{without, []string{"a", "b"}, 422, ""},
	} {
		f := &fakeService{transaction: txn.Transaction{State: txn.StateCommitted}}
		r := post("/v1/transactions", c.body)
		r.Header["Idempotency-Key"] = c.keys
		answer, body := send(t, newTestServer(t, f), r)
		if answer.StatusCode != c.status || (c.status == 200 && f.handed()[0].ID != c.id) {
			t.Errorf("%q: got %d %s", c.keys, answer.StatusCode, body)
		}
	}
}
