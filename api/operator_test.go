package api

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/medcommit/medcommit/txn"
)

// heard is one answer.
type heard struct {
	status int
	body   string
}

func calling(t *testing.T, f *fakeService, method, path, body string) heard {
	t.Helper()
	r := get(path)
	if method == http.MethodPost {
		r = post(path, body)
	}
	answer, text := send(t, newTestServer(t, f), r)
	return heard{answer.StatusCode, text}
}

const resolveLab = "/v1/transactions/rx-1/branches/lab/resolve"

func TestResolve(t *testing.T) {
	unsettled := func(r txn.WishResult) error { return fmt.Errorf("resolve: %w", &txn.Unsettled{Result: r}) }
	for _, c := range []struct {
		name, body string
		err        error
		status     int
		says       string
	}{
		{"as decided", `{"outcome":"committed","reason":"its disk is back"}`, nil, 200, `"id":"rx-1"`},
		{"by force", `{"outcome":"rolled-back","reason":"locks","force":true}`, nil, 200, `"id":"rx-1"`},
		{"not yet", `{"outcome":"rolled-back","reason":"x"}`, txn.ErrPerhaps, 202, `"id":"rx-1"`},
		{"contrary", `{"outcome":"rolled-back","reason":"x"}`, unsettled(txn.WishContrary), 409, `/problems/not-as-decided`},
		{"undecided", `{"outcome":"rolled-back","reason":"x"}`, unsettled(txn.WishUndecided), 409, `nothing is decided yet`},
		{"not prepared", `{"outcome":"committed","reason":"x","force":true}`, unsettled(txn.WishNotPrepared), 409, `/problems/not-settled`},
		{"unknown id", `{"outcome":"committed","reason":"x"}`, txn.ErrNotFound, 404, `no transaction of this id`},
		{"no branch", `{"outcome":"committed","reason":"x"}`, txn.ErrBranchUnknown, 404, `no branch at this participant`},
		{"nothing", `{}`, nil, 422, `body.outcome`},
		{"bad outcome", `{"outcome":"done","reason":"x"}`, nil, 422, `must be committed or rolled-back`},
		{"no reason", `{"outcome":"committed","reason":" "}`, nil, 422, `body.reason`},
		{"two lines", `{"outcome":"committed","reason":"a\nb"}`, nil, 422, `body.reason`},
		{"long reason", `{"outcome":"committed","reason":"` + strings.Repeat("x", maxReason+1) + `"}`, nil, 422, `body.reason`},
		{"bad force", `{"outcome":"committed","reason":"x","force":1}`, nil, 422, `body.force`},
		{"unknown member", `{"outcome":"committed","reason":"x","colour":"red"}`, nil, 422, `body.colour`},
		{"no object", `[]`, nil, 422, `must be an object`},
		{"no JSON", `{`, nil, 400, `/problems/bad-request`},
	} {
		f := &fakeService{err: c.err, transaction: txn.Transaction{State: txn.StatePreparing}}
		got := calling(t, f, http.MethodPost, resolveLab, c.body)
		if got.status != c.status || !strings.Contains(got.body, c.says) {
			t.Errorf("%s: %d %s", c.name, got.status, got.body)
		}
		if taken := len(f.resolutions) == 1; taken != (c.status != 422 && c.status != 400) {
			t.Errorf("%s: handed over: %v", c.name, taken)
		}
		if c.status == 409 && !strings.Contains(got.body, `"transaction":{"id":"rx-1"`) {
			t.Errorf("%s: without the transaction: %s", c.name, got.body)
		}
	}
	f := &fakeService{}
	calling(t, f, http.MethodPost, resolveLab, `{"outcome":"rolled-back","reason":"locks","force":true}`)
	if want := (txn.Resolution{Participant: "lab", Verdict: txn.VerdictAbort, Reason: "locks", Force: true}); f.resolutions[0] != want {
		t.Errorf("handed over %+v", f.resolutions[0])
	}
}

func TestAdopt(t *testing.T) {
	for _, c := range []struct {
		name, body string
		err        error
		status     int
		says       string
	}{
		{"adopted", `{"reason":"restored at 02:00"}`, nil, 200, `"name":"lab"`},
		{"not heeded yet", `{"reason":"x"}`, txn.ErrPerhaps, 202, `"name":"lab"`},
		{"nothing to adopt", `{"reason":"x"}`, txn.ErrNothingToAdopt, 409, `/problems/nothing-to-adopt`},
		{"unknown", `{"reason":"x"}`, txn.ErrParticipantUnknown, 404, `no participant`},
		{"no reason", `{}`, nil, 422, `body.reason`},
	} {
		got := calling(t, &fakeService{err: c.err}, http.MethodPost, "/v1/participants/lab/adopt", c.body)
		if got.status != c.status || !strings.Contains(got.body, c.says) {
			t.Errorf("%s: %d %s", c.name, got.status, got.body)
		}
	}
}

func TestInDoubt(t *testing.T) {
	f := &fakeService{}
	if got := calling(t, f, http.MethodGet, "/v1/in-doubt", ""); got.status != 200 || strings.TrimSpace(got.body) != `{"branches":[]}` {
		t.Errorf("nothing: %d %s", got.status, got.body)
	}
	f.inDoubt = txn.InDoubt{Branches: []txn.InDoubtBranch{
		{Participant: "lab", XID: "medcommit.c.k.lab", Transaction: "rx-1", AgeSeconds: 1.5}, {Participant: "lab", XID: "theirs", Decision: txn.ProspectForeign},
	}}
	const want = `{"branches":[{"participant":"lab","xid":"medcommit.c.k.lab","transaction":"rx-1","decision":"undecided","age_seconds":1.5},` +
		`{"participant":"lab","xid":"theirs","decision":"foreign","age_seconds":0}]}`
	if got := calling(t, f, http.MethodGet, "/v1/in-doubt", ""); strings.TrimSpace(got.body) != want {
		t.Errorf("got %s", got.body)
	}
}

func TestUnknownQueryParameters(t *testing.T) {
	for _, path := range []string{"/v1/transactions?participants=lab", "/v1/cluster?x=1", "/v1/transactions/rx-1?wait=none", "/v1/in-doubt?limit=1"} {
		got := calling(t, &fakeService{}, http.MethodGet, path, "")
		if got.status != 400 || !strings.Contains(got.body, `"is not known"`) || !strings.Contains(got.body, `"query.`) {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
	if got := calling(t, &fakeService{}, http.MethodGet, "/v1/transactions?limit=1&state=aborted", ""); got.status != 200 {
		t.Errorf("known ones: %d %s", got.status, got.body)
	}
}
