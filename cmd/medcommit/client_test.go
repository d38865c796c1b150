package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/medcommit/medcommit/api"
	"github.com/medcommit/medcommit/txn"
)

// service is what the coordinator of a test knows.
type service struct {
	api.Service
	state    txn.State
	err      error
	notices  chan txn.Notice
	drained  bool
	unready  int // how often the lab is still shown as not ready
	finished *txn.Moment
}

func (s *service) transaction(id string) (txn.Transaction, error) {
	t := txn.Transaction{
		ID: id, State: s.state, Created: txn.Moment{Time: time.Now()}, Completed: s.finished,
		Branches: []txn.Branch{{Participant: "lab", XID: "medcommit.c.k.lab", Vote: txn.VoteCommit}},
	}
	if s.state.Decided() && !s.state.Commit() {
		retryable := true
		t.Retryable, t.Reason = &retryable, &txn.Reason{Code: txn.ReasonVote, Participant: "lab", Detail: txn.DetailLockTimeout}
	}
	return t, s.err
}

func (s *service) Submit(_ context.Context, r api.Submission) (txn.Transaction, error) {
	return s.transaction(r.ID)
}

func (s *service) Transaction(_ context.Context, id string) (txn.Transaction, error) {
	return s.transaction(id)
}

func (s *service) Abort(_ context.Context, id string) (txn.Transaction, error) {
	return s.transaction(id)
}

func (s *service) Transactions(_ context.Context, f txn.Filter) (txn.Page, error) {
	t, err := s.transaction("rx-1")
	return txn.Page{Transactions: []txn.Transaction{t}, Next: f.State.String() + f.Participant}, err
}

func (s *service) lab() txn.ParticipantInfo {
	waits := ""
	if s.unready > 0 {
		waits = "the recovery to end"
	}
	return txn.ParticipantInfo{
		Name: "lab", Kind: "embedded", Alive: true, Ready: s.unready == 0, Waits: waits, Drained: s.drained, InDoubt: 2, OldestInDoubtSeconds: 1.25,
		Operations: []txn.OperationInfo{{Name: "tick"}},
	}
}

func (s *service) Participants(context.Context) ([]txn.ParticipantInfo, error) {
	if s.unready > 0 {
		s.unready--
		return []txn.ParticipantInfo{s.lab()}, nil
	}
	return []txn.ParticipantInfo{s.lab()}, s.err
}

func (s *service) Drain(context.Context, string) (txn.ParticipantInfo, error) {
	s.drained = true
	return s.lab(), s.err
}

func (s *service) Resume(context.Context, string) (txn.ParticipantInfo, error) {
	s.drained = false
	return s.lab(), s.err
}

func (s *service) Adopt(context.Context, string, string) (txn.ParticipantInfo, error) {
	return s.lab(), s.err
}

func (s *service) Resolve(_ context.Context, id string, r txn.Resolution) (txn.Transaction, error) {
	return s.transaction(id)
}

func (s *service) InDoubt(context.Context) (txn.InDoubt, error) {
	return txn.InDoubt{Branches: []txn.InDoubtBranch{
		{Participant: "lab", XID: "medcommit.c.k.lab", Transaction: "rx-1", Decision: txn.ProspectCommit, AgeSeconds: 90},
		{Participant: "lab", XID: "medcommit.c.l.lab", Transaction: "rx-2", AgeSeconds: 1},
		{Participant: "lab", XID: "theirs", Decision: txn.ProspectForeign},
	}, Unanswered: []string{"ward"}}, s.err
}

func (s *service) Cluster(context.Context) (txn.ClusterInfo, error) {
	return txn.ClusterInfo{
		Cluster: "abc", Leader: "c1", Epoch: 7, Participants: []txn.ParticipantInfo{s.lab()},
		Coordinators: []txn.CoordinatorInfo{{ID: "c1", URL: "http://127.0.0.1:1", Leader: true}},
	}, s.err
}

func (s *service) Notices(context.Context) <-chan txn.Notice { return s.notices }

func (s *service) Ready() error { return nil }

func (s *service) Leader() string { return "" }

// coordinator serves s, and gives its URL.
func coordinator(t *testing.T, s *service) string {
	t.Helper()
	registry := prometheus.NewRegistry()
	server, err := api.NewServer(api.Config{Service: s, Registerer: registry, Gatherer: registry, Logger: hclog.NewNullLogger()})
	if err != nil {
		t.Fatal(err)
	}
	l := httptest.NewServer(server.Handler())
	t.Cleanup(l.Close)
	return l.URL
}

// ran is what a run of the program left.
type ran struct {
	code     int
	out, err string
}

func run(t *testing.T, in string, args ...string) ran {
	t.Helper()
	var out, errs bytes.Buffer
	code := execute(t.Context(), args, strings.NewReader(in), &out, &errs)
	return ran{code, out.String(), errs.String()}
}

const request = `{"id":"rx-1","branches":[{"participant":"lab","operations":[{"name":"tick"}]}]}`

func TestExitCodes(t *testing.T) {
	for _, c := range []struct {
		name    string
		service service
		args    string
		in      string
		code    int
		says    string // on either stream
	}{
		{"committed", service{state: txn.StateCommitted}, "tx submit", request, exitDone, "committed"},
		{"committing", service{state: txn.StateCommitting}, "tx submit -f -", request, exitDone, "committing"},
		{"aborted", service{state: txn.StateAborted}, "tx submit", request, exitAborted, "vote of lab: lock-timeout (the same work may succeed under a new id)"},
		{"undecided", service{state: txn.StatePreparing}, "tx submit --wait none", request, exitUndecided, "not decided yet"},
		{"refused", service{}, "tx submit", `{"branches":[],"colour":1}`, exitError, "body.colour is not known; body.branches must name at least one branch"},
		{"no JSON", service{}, "tx submit", `{`, exitError, "is not JSON after 1 bytes"},
		{"drained", service{err: txn.ErrParticipantDrained}, "tx submit", request, exitError, "drained"},
		{"no file", service{}, "tx submit -f /nowhere/x.json", "", exitError, "/nowhere/x.json"},
		{"bad wait", service{}, "tx submit --wait long", request, exitUsage, "must be one of decision, completed, none"},
		{"get", service{state: txn.StateCommitted}, "tx get rx-1", "", exitDone, "medcommit.c.k.lab"},
		{"get aborted", service{state: txn.StateAborted}, "tx get rx-1", "", exitDone, "aborted"},
		{"get unknown", service{err: txn.ErrNotFound}, "tx get rx-1", "", exitError, "no transaction of this id is known"},
		{"get bad id", service{}, "tx get a/b", "", exitUsage, "ID must be"},
		{"get nothing", service{}, "tx get", "", exitUsage, "accepts 1 arg"},
		{"list", service{state: txn.StateCommitted}, "tx list --state committed --participant lab", "", exitDone, "--cursor committedlab"},
		{"list badly", service{}, "tx list --state done", "", exitUsage, "--state"},
		{"list too much", service{}, "tx list --limit 1001", "", exitUsage, "--limit"},
		{"abort", service{state: txn.StateAborted}, "tx abort rx-1", "", exitDone, "aborted"},
		{"abort late", service{state: txn.StateCommitted, err: txn.ErrAlreadyDecided}, "tx abort rx-1", "", exitError, "already decided to commit"},
		{"in doubt, decided", service{}, "in-doubt", "", exitDone, "medcommit tx resolve rx-1 --participant lab --outcome committed --reason"},
		{"in doubt, undecided", service{}, "in-doubt", "", exitDone, "medcommit tx abort rx-2"},
		{"in doubt, unanswered", service{}, "in-doubt", "", exitDone, "ward did not answer"},
		{"in doubt as JSON", service{}, "in-doubt -o json", "", exitDone, `"decision": "foreign"`},
		{"resolve", service{state: txn.StateCommitted}, "tx resolve rx-1 --participant lab --outcome committed --reason x", "", exitDone, "committed"},
		{"resolve later", service{state: txn.StateCommitted, err: txn.ErrPerhaps}, "tx resolve rx-1 --participant lab --outcome committed --reason x", "", exitError, "has not done it yet"},
		{"resolve not so", service{state: txn.StateCommitted, err: txn.ErrNotAsDecided}, "tx resolve rx-1 --participant lab --outcome rolled-back --reason x", "", exitError, "The log does not say so"},
		{"resolve without a reason", service{}, "tx resolve rx-1 --participant lab --outcome committed", "", exitUsage, "--reason"},
		{"resolve nowhere", service{}, "tx resolve rx-1 --outcome committed --reason x", "", exitUsage, "--participant"},
		{"resolve somehow", service{}, "tx resolve rx-1 --participant lab --reason x", "", exitUsage, "--outcome"},
		{"adopt", service{}, "participants adopt lab --reason x", "", exitDone, "lab"},
		{"adopt, ready after a while", service{unready: 3}, "participants adopt lab --reason x -o json", "", exitDone, `"ready": true`},
		{"adopt, heeded late", service{err: txn.ErrPerhaps, unready: 1 << 30}, "participants adopt lab --reason x --timeout 300ms", "", exitError, "is not ready yet: it waits for the recovery to end"},
		{"adopt, never ready, as JSON", service{unready: 1 << 30}, "participants adopt lab --reason x --timeout 300ms -o json", "", exitError, `"ready": false`},
		{"adopt nothing", service{err: txn.ErrNothingToAdopt}, "participants adopt lab --reason x", "", exitError, "does not wait for an operator"},
		{"adopt without a reason", service{}, "participants adopt lab", "", exitUsage, "--reason"},
		{"watch committed", service{state: txn.StateCommitting}, "tx watch rx-1", "", exitDone, "committing"},
		{"watch aborted", service{state: txn.StateAborting}, "tx watch rx-1", "", exitAborted, "aborting"},
		{"watch undecided", service{state: txn.StatePreparing}, "tx watch rx-1 --timeout 200ms", "", exitUndecided, "not decided yet"},
		{"watch uncompleted", service{state: txn.StateCommitting}, "tx watch rx-1 --wait completed --timeout 200ms", "", exitDone, "committing"},
		{"watch unknown", service{err: txn.ErrNotFound}, "tx watch rx-1", "", exitError, "no transaction of this id is known"},
		{"status", service{}, "cluster status", "", exitDone, "c1, epoch 7"},
		{"status away", service{err: txn.ErrNotFound}, "cluster status", "", exitError, "Not found"},
		{"participants", service{}, "participants list", "", exitDone, "1.3s"},
		{"drain", service{}, "participants drain lab", "", exitDone, "drained"},
		{"drain unknown", service{err: txn.ErrParticipantUnknown}, "participants drain lab", "", exitError, "no participant of this name"},
		{"resume badly", service{}, "participants resume A", "", exitUsage, "NAME"},
		{"unknown command", service{}, "tx frobnicate", "", exitUsage, `unknown command "frobnicate"`},
		{"unknown flag", service{}, "tx list --colour", "", exitUsage, "unknown flag: --colour"},
		{"bad output", service{}, "tx list -o yaml", "", exitUsage, "must be one of text, json"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("MEDCOMMIT_COORDINATORS", coordinator(t, &c.service))
			got := run(t, c.in, strings.Fields(c.args)...)
			if got.code != c.code || !strings.Contains(got.out+got.err, c.says) {
				t.Fatalf("got %+v", got)
			}
			complains := c.code == exitError || c.code == exitUsage || c.code == exitUndecided
			if strings.Count(got.err, "\n") > 1 || complains != strings.HasPrefix(got.err, "medcommit: ") {
				t.Errorf("standard error: %q", got.err)
			}
			if strings.Contains(got.out, "\x1b") {
				t.Error("colours where there is no terminal")
			}
		})
	}
}

func TestJSONHasTheShapesOfHTTP(t *testing.T) {
	finished := time.Now()
	t.Setenv("MEDCOMMIT_COORDINATORS", coordinator(t, &service{state: txn.StateCommitted, finished: &txn.Moment{Time: finished}}))
	for args, members := range map[string][]string{
		"tx submit -o json":                 {"id", "state", "created", "branches"},
		"tx get rx-1 -o json":               {"id", "state", "created", "branches"},
		"tx abort rx-1 -o json":             {"id", "state"},
		"tx watch rx-1 -o json":             {"id", "state"},
		"tx list -o json":                   {"transactions"},
		"participants list -o json":         {"participants"},
		"participants drain lab -o json":    {"name", "kind", "alive", "drained", "ready", "queued", "in_doubt", "oldest_in_doubt_seconds", "operations"},
		"cluster status --output json":      {"cluster", "leader", "epoch", "coordinators", "participants", "in_flight", "in_doubt"},
		"participants resume lab -o=json":   {"name"},
		"tx submit --wait completed -ojson": {"completed"},
	} {
		got := run(t, request, strings.Fields(args)...)
		var v map[string]any
		if err := json.Unmarshal([]byte(got.out), &v); err != nil || got.code != exitDone {
			t.Errorf("%s: %v, %+v", args, err, got)
		}
		for _, m := range members {
			if _, ok := v[m]; !ok {
				t.Errorf("%s: no member %s", args, m)
			}
		}
	}
}

func TestWatchShowsEveryChange(t *testing.T) {
	for output, want := range map[string]string{
		"text": "transaction  rx-1                                  committed\nleader       c2, epoch 8\nparticipant  lab: away\n",
		"json": `{"data":{"id":"rx-1","state":"committed","created":"0001-01-01T00:00:00.000Z","branches":[]},"event":"transaction"}
{"data":{"cluster":"abc","leader":"c2","epoch":8,"coordinators":[],"participants":[],"in_flight":0,"in_doubt":0},"event":"leader"}
{"data":{"name":"lab","kind":"","alive":false,"drained":false,"ready":false,"queued":0,"in_doubt":0,"oldest_in_doubt_seconds":0,"operations":[]},"event":"participant"}
`,
	} {
		s := &service{notices: make(chan txn.Notice, 3)}
		s.notices <- txn.Notice{Kind: txn.EventTransaction, Transaction: &txn.Transaction{ID: "rx-1", State: txn.StateCommitted, Branches: []txn.Branch{}}}
		s.notices <- txn.Notice{Kind: txn.EventLeader, Cluster: &txn.ClusterInfo{Cluster: "abc", Leader: "c2", Epoch: 8}}
		s.notices <- txn.Notice{Kind: txn.EventParticipant, Participant: &txn.ParticipantInfo{Name: "lab"}}
		got := run(t, "", "tx", "watch", "--coordinators", coordinator(t, s), "--timeout", "300ms", "-o", output)
		if got.code != exitDone || got.out != want {
			t.Errorf("got %+v\nwant %s", got, want)
		}
	}
}

func TestTheFlagBeatsTheEnvironmentBeatsTheFile(t *testing.T) {
	good, dead := coordinator(t, &service{}), "http://127.0.0.1:1"
	file := func(url string) string {
		name := filepath.Join(t.TempDir(), "client.yaml")
		if err := os.WriteFile(name, []byte("coordinators: ["+url+"]\noutput: json\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	for _, c := range []struct{ flag, env, file string }{{good, dead, dead}, {"", good, dead}, {"", "", good}} {
		args := []string{"participants", "list", "--config", file(c.file)}
		if c.flag != "" {
			args = append(args, "--coordinators", c.flag)
		}
		if c.env != "" {
			t.Setenv("MEDCOMMIT_COORDINATORS", c.env)
		} else {
			os.Unsetenv("MEDCOMMIT_COORDINATORS")
		}
		if got := run(t, "", args...); got.code != exitDone || !strings.HasPrefix(got.out, "{") {
			t.Errorf("%+v: %+v", c, got)
		}
	}
}

func TestNobodyAnswers(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	var out, errs bytes.Buffer
	code := execute(ctx, []string{"tx", "submit", "--coordinators", "http://127.0.0.1:1"}, strings.NewReader(request), &out, &errs)
	if code != exitError || !strings.Contains(errs.String(), "submit transaction rx-1") {
		t.Errorf("got %d %s", code, errs.String())
	}
	if got := run(t, "", "tx", "get", "x", "--coordinators", "127.0.0.1:7070"); got.code != exitUsage || !strings.Contains(got.err, "http://HOST:PORT") {
		t.Errorf("got %+v", got)
	}
}
