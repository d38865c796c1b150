package client

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/medcommit/medcommit/api"
	"github.com/medcommit/medcommit/api/problem"
	"github.com/medcommit/medcommit/txn"
)

// service answers calls as one coordinator of a test.
type service struct {
	api.Service
	submitted atomic.Int32
	ids       chan string
	err       error
	state     txn.State
	leader    string
	notices   func(ctx context.Context) <-chan txn.Notice
}

func (s *service) Submit(_ context.Context, r api.Submission) (txn.Transaction, error) {
	s.submitted.Add(1)
	if s.ids != nil {
		s.ids <- r.ID
	}
	return txn.Transaction{ID: r.ID, State: s.state}, s.err
}

func (s *service) Participants(context.Context) ([]txn.ParticipantInfo, error) {
	return []txn.ParticipantInfo{{Name: "lab", Operations: []txn.OperationInfo{{Name: "tick"}}}}, nil
}

func (s *service) Transaction(_ context.Context, id string) (txn.Transaction, error) {
	return txn.Transaction{ID: id, State: s.state}, s.err
}

func (s *service) Transactions(_ context.Context, f txn.Filter) (txn.Page, error) {
	seen, err := json.Marshal(f)
	return txn.Page{Next: string(seen)}, err
}

func (s *service) Abort(ctx context.Context, id string) (txn.Transaction, error) {
	return s.Transaction(ctx, id)
}

func (s *service) Drain(_ context.Context, name string) (txn.ParticipantInfo, error) {
	return txn.ParticipantInfo{Name: name, Drained: true}, s.err
}

func (s *service) Resume(_ context.Context, name string) (txn.ParticipantInfo, error) {
	return txn.ParticipantInfo{Name: name}, s.err
}

func (s *service) Cluster(context.Context) (txn.ClusterInfo, error) {
	return txn.ClusterInfo{Cluster: "c", Epoch: 3}, s.err
}

func (s *service) Ready() error { return errors.New("waiting for a session") }

func (s *service) Leader() string { return s.leader }

func (s *service) Notices(ctx context.Context) <-chan txn.Notice { return s.notices(ctx) }

// cluster starts a coordinator for each service, and gives a client that tries each once.
func cluster(t *testing.T, services ...*service) *Client {
	t.Helper()
	config := Config{Patience: -1}
	for _, s := range services {
		registry := prometheus.NewRegistry()
		server, err := api.NewServer(api.Config{Service: s, Registerer: registry, Gatherer: registry, Logger: hclog.NewNullLogger()})
		if err != nil {
			t.Fatal(err)
		}
		listener := httptest.NewServer(server.Handler())
		t.Cleanup(listener.Close)
		config.Coordinators = append(config.Coordinators, listener.URL)
	}
	return newClient(t, config)
}

func newClient(t *testing.T, config Config) *Client {
	t.Helper()
	c, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func work() txn.Request {
	return txn.Request{Branches: []txn.BranchRequest{{Participant: "lab", Operations: []txn.Operation{{Name: "tick"}}}}}
}

func TestOutcomesAreNoErrors(t *testing.T) {
	for _, state := range []txn.State{txn.StateCommitted, txn.StateCommitting, txn.StateAborting, txn.StateAborted, txn.StatePreparing} {
		s := &service{state: state, ids: make(chan string, 1)}
		got, err := cluster(t, s).Submit(t.Context(), work(), txn.WaitCompleted)
		if err != nil || got.State != state || got.ID != <-s.ids || got.ID == "" {
			t.Errorf("%s: %+v, %v", state, got, err)
		}
	}
}

func TestTheNextCoordinatorIsAsked(t *testing.T) {
	unavailable := &service{err: txn.ErrUnavailable}
	good := &service{state: txn.StateCommitted, ids: make(chan string, 9)}
	c := cluster(t, unavailable, good)
	dead := httptest.NewServer(http.NotFoundHandler())
	dead.Close()
	c.bases = append([]string{dead.URL}, c.bases...)
	for range 2 {
		if got, err := c.Submit(t.Context(), work(), txn.WaitDecision); err != nil || got.State != txn.StateCommitted {
			t.Fatalf("%+v, %v", got, err)
		}
	}
	if n := unavailable.submitted.Load(); n != 1 {
		t.Errorf("the coordinator that answered was not asked first: %d", n)
	}
}

func TestARepeatedSubmissionKeepsItsID(t *testing.T) {
	seen := make(chan string, 9) // net/http too may send a request again whose answer is lost
	first := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		seen <- string(body)
		panic(http.ErrAbortHandler) // the answer is lost
	}))
	defer first.Close()
	s := &service{state: txn.StateCommitted, ids: make(chan string, 1)}
	c := cluster(t, s)
	c.bases = append([]string{first.URL}, c.bases...)
	if _, err := c.Submit(t.Context(), work(), txn.WaitDecision); err != nil {
		t.Fatal(err)
	}
	if sent, id := <-seen, <-s.ids; !strings.Contains(sent, id) {
		t.Errorf("sent %s, then the id %s", sent, id)
	}
}

func TestALostAnswerIsNotForgotten(t *testing.T) {
	loses := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer loses.Close()
	dead := httptest.NewServer(http.NotFoundHandler())
	dead.Close()
	c := cluster(t, &service{err: txn.ErrUnavailable})
	for _, bases := range [][]string{{loses.URL, c.bases[0]}, {c.bases[0], loses.URL}, {loses.URL, dead.URL}} {
		c.bases = bases
		c.first.Store(0)
		if _, err := c.Submit(t.Context(), work(), txn.WaitDecision); !errors.Is(err, ErrLost) {
			t.Errorf("got %v", err)
		}
	}
	c.bases = []string{dead.URL}
	if _, err := c.Submit(t.Context(), work(), txn.WaitDecision); !errors.Is(err, ErrUnreachable) || errors.Is(err, ErrLost) {
		t.Errorf("nothing was sent: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	waits := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body)
		cancel()
		<-r.Context().Done()
	}))
	defer waits.Close()
	c.bases = []string{waits.URL}
	if _, err := c.Submit(ctx, work(), txn.WaitDecision); !errors.Is(err, ErrLost) || !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestJSONIsSentAsItIs(t *testing.T) {
	s := &service{state: txn.StateCommitted, ids: make(chan string, 2)}
	c := cluster(t, s)
	for body, want := range map[string]string{
		`{"id":"rx-1","branches":[{"participant":"lab","operations":[{"name":"tick"}]}]}`: "rx-1",
		`{"branches":[{"participant":"lab","operations":[{"name":"tick"}]}]}`:             "",
	} {
		if _, err := c.SubmitJSON(t.Context(), []byte(body), txn.WaitDecision); err != nil {
			t.Fatal(err)
		}
		if id := <-s.ids; id == "" || (want != "" && id != want) {
			t.Errorf("id %q", id)
		}
	}
	_, err := c.SubmitJSON(t.Context(), []byte(`{"branches":[],"colour":1}`), txn.WaitDecision)
	var p *problem.Problem
	if !errors.As(err, &p) || p.Name() != problem.Invalid || len(p.Errors) != 2 || !strings.Contains(err.Error(), "body.colour is not known") {
		t.Errorf("got %v", err)
	}
}

func TestProblemsAreErrorsOfTxn(t *testing.T) {
	for _, want := range []error{
		txn.ErrIDReuse, txn.ErrTooMany, txn.ErrUnavailable, txn.ErrParticipantUnavailable, txn.ErrParticipantDrained,
	} {
		if _, err := cluster(t, &service{err: want}).Submit(t.Context(), work(), txn.WaitDecision); !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
	}
	if _, err := cluster(t, &service{err: txn.ErrNotFound}).Get(t.Context(), "rx-1"); !errors.Is(err, txn.ErrNotFound) {
		t.Errorf("got %v", err)
	}
	got, err := cluster(t, &service{err: txn.ErrAlreadyDecided, state: txn.StateCommitted}).Abort(t.Context(), "rx-1")
	if !errors.Is(err, txn.ErrAlreadyDecided) || got.State != txn.StateCommitted {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestCalls(t *testing.T) {
	c := cluster(t, &service{state: txn.StateAborted})
	ctx := t.Context()
	if got, err := c.Get(ctx, ".."); err != nil || got.ID != ".." {
		t.Errorf("get: %+v, %v", got, err)
	}
	if got, err := c.Abort(ctx, "rx-1"); err != nil || got.State != txn.StateAborted {
		t.Errorf("abort: %+v, %v", got, err)
	}
	f := txn.Filter{State: txn.StateCommitted, Participant: "lab", Limit: 7, Cursor: "a b&c"}
	page, err := c.List(ctx, f)
	var seen txn.Filter
	if err != nil || json.Unmarshal([]byte(page.Next), &seen) != nil || !reflect.DeepEqual(seen, f) {
		t.Errorf("list: %+v, %v", page, err)
	}
	if got, err := c.Participants(ctx); err != nil || len(got) != 1 || got[0].Name != "lab" {
		t.Errorf("participants: %+v, %v", got, err)
	}
	if got, err := c.Drain(ctx, "lab"); err != nil || !got.Drained {
		t.Errorf("drain: %+v, %v", got, err)
	}
	if got, err := c.Resume(ctx, "lab"); err != nil || got.Name != "lab" {
		t.Errorf("resume: %+v, %v", got, err)
	}
	if got, err := c.Cluster(ctx); err != nil || got.Epoch != 3 {
		t.Errorf("cluster: %+v, %v", got, err)
	}
	if err := c.Ready(ctx, c.bases[0]); err == nil || !strings.Contains(err.Error(), "waiting for a session") {
		t.Errorf("ready: %v", err)
	}
	for _, id := range []string{"", "a/b"} {
		if _, err := c.Get(ctx, id); !errors.Is(err, txn.ErrBadName) {
			t.Errorf("get %q: %v", id, err)
		}
	}
}

func TestSomeOtherServerIsTold(t *testing.T) {
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	if _, err := newClient(t, Config{Coordinators: []string{other.URL}}).Cluster(t.Context()); !errors.Is(err, ErrAnswer) {
		t.Errorf("got %v", err)
	}
}

func TestConfigIsChecked(t *testing.T) {
	for _, base := range []string{"127.0.0.1:7070", "ftp://x", "http://", "http://x?y"} {
		if _, err := New(Config{Coordinators: []string{base}}); !errors.Is(err, ErrConfig) {
			t.Errorf("%s: %v", base, err)
		}
	}
}

// refusing answers as a cluster that has no quorum for a while.
type refusing struct{ until time.Time }

func (r refusing) RoundTrip(*http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	if time.Now().Before(r.until) {
		w.Header().Set("Content-Type", problem.ContentType)
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, `{"type":"/problems/unavailable","title":"x","status":503}`)
	} else {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"epoch":9}`)
	}
	return w.Result(), nil
}

func TestASiteThatIsNotReadyIsAskedForAgain(t *testing.T) {
	restarted := &service{state: txn.StateCommitted, err: txn.ErrParticipantUnavailable, ids: make(chan string, 9)}
	c := cluster(t, restarted)
	c.patience = 10 * time.Second
	submitted := make(chan error, 1)
	go func() {
		_, err := c.Submit(t.Context(), work(), txn.WaitDecision)
		submitted <- err
	}()
	first := <-restarted.ids
	if second := <-restarted.ids; second != first {
		t.Errorf("it was submitted as %s, and again as %s", first, second)
	}
	select {
	case err := <-submitted:
		t.Errorf("it was given up: %v", err)
	default:
	}
}

func TestPatience(t *testing.T) {
	for _, c := range []struct{ away, patience, took time.Duration }{
		{3500 * time.Millisecond, 10 * time.Second, 4 * time.Second},
		{time.Hour, 10 * time.Second, 10 * time.Second},
		{time.Hour, -1, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			client := newClient(t, Config{Patience: c.patience, HTTP: &http.Client{Transport: refusing{start.Add(c.away)}}})
			_, err := client.Cluster(t.Context())
			if took := time.Since(start); took != c.took || (err == nil) != (c.away < c.took) {
				t.Errorf("%+v: %s, %v", c, took, err)
			}
			if err != nil && !errors.Is(err, txn.ErrUnavailable) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestTheLeaderIsAskedNext(t *testing.T) {
	services := []*service{{state: txn.StateCommitted}, {state: txn.StateCommitted}, {state: txn.StateCommitted}}
	c := cluster(t, services...)
	submit := func() (asked string) {
		t.Helper()
		if _, err := c.Submit(t.Context(), work(), txn.WaitDecision); err != nil {
			t.Fatal(err)
		}
		for i, s := range services {
			asked += strings.Repeat("abc"[i:i+1], int(s.submitted.Swap(0)))
		}
		return asked
	}
	services[0].leader = c.bases[2] + "/"
	services[1].leader = "http://elsewhere.example:7070"
	if got := submit() + submit() + submit(); got != "acc" {
		t.Errorf("asked %s", got)
	}
	c.first.Store(1)
	if got := submit() + submit(); got != "bb" {
		t.Errorf("where the leader is none of those that were named: asked %s", got)
	}
	c.first.Store(0)
	c.stay = true
	if got := submit() + submit(); got != "aa" {
		t.Errorf("where it is to stay: asked %s", got)
	}
	c.stay = false
	c.failed.Store(c.bases[2], time.Now())
	if got := submit() + submit(); got != "aa" {
		t.Errorf("where the leader gave no answer just now: asked %s", got)
	}
}
