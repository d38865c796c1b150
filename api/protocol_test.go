package api

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/medcommit/medcommit/api/problem"
	"github.com/medcommit/medcommit/txn"
)

func TestRequestsThatAreNoCalls(t *testing.T) {
	typed := func(contentType string) *http.Request {
		r := post("/v1/transactions", goodBody)
		r.Header.Set("Content-Type", contentType)
		return r
	}
	coded := post("/v1/transactions", goodBody)
	coded.Header.Set("Content-Encoding", "gzip")
	chunked := httptest.NewRequest(http.MethodPost, "/v1/transactions", io.MultiReader(strings.NewReader(`{"id":"`), strings.NewReader(strings.Repeat("x", 5000))))
	chunked.Header.Set("Content-Type", "application/json")
	chunked.ContentLength = -1
	for _, c := range []struct {
		name    string
		request *http.Request
		problem problem.Name
		header  string // "Name: value"
	}{
		{"unknown path", get("/v1/nothing"), problem.NotFound, ""},
		{"root", get("/"), problem.NotFound, ""},
		{"later: fhir", post("/fhir", "{}"), problem.NotFound, ""},
		{"later: prepared", post("/v1/transactions/a/branches/b/prepared", "{}"), problem.NotFound, ""},
		{"slash at the end", get("/v1/transactions/"), problem.NotFound, ""},
		{"two slashes", get("/v1//transactions"), problem.NotFound, ""},
		{"step up", get("/v1/cluster/../transactions"), problem.NotFound, ""},
		{"id with a slash", get("/v1/transactions/a%2Fb"), problem.NotFound, ""},
		{"id out of its alphabet", get("/v1/transactions/a%20b"), problem.NotFound, ""},
		{"abort of a bad id", post("/v1/transactions/a%2Fb/abort", ""), problem.NotFound, ""},
		{"drain of a bad name", post("/v1/participants/A%2Fb/drain", ""), problem.NotFound, ""},
		{"method", httptest.NewRequest(http.MethodDelete, "/v1/transactions", nil), problem.MethodNotAllowed, "Allow: GET, HEAD, POST"},
		{"method of one", post("/v1/transactions/a", "{}"), problem.MethodNotAllowed, "Allow: GET, HEAD"},
		{"method of a change", get("/v1/participants/a/drain"), problem.MethodNotAllowed, "Allow: POST"},
		{"text", typed("text/plain"), problem.UnsupportedMediaType, ""},
		{"form", typed("application/x-www-form-urlencoded"), problem.UnsupportedMediaType, ""},
		{"no type", typed(""), problem.UnsupportedMediaType, ""},
		{"fhir's type", typed("application/fhir+json"), problem.UnsupportedMediaType, ""},
		{"charset", typed("application/json; charset=latin-1"), problem.UnsupportedMediaType, ""},
		{"coding", coded, problem.UnsupportedMediaType, ""},
		{"large", post("/v1/transactions", strings.Repeat("x", 5000)), problem.TooLarge, "Connection: close"},
		{"large in chunks", chunked, problem.TooLarge, "Connection: close"},
		{"bad wait", post("/v1/transactions?wait=s3cret", goodBody), problem.BadRequest, ""},
		{"two waits", post("/v1/transactions?wait=none&wait=none", goodBody), problem.BadRequest, ""},
		{"bad state", get("/v1/transactions?state=s3cret"), problem.BadRequest, ""},
		{"bad limit", get("/v1/transactions?limit=1001"), problem.BadRequest, ""},
		{"no limit", get("/v1/transactions?limit=0"), problem.BadRequest, ""},
		{"word as limit", get("/v1/transactions?limit=s3cret"), problem.BadRequest, ""},
		{"bad participant", get("/v1/transactions?participant=S3cret"), problem.BadRequest, ""},
		{"bad query", get("/v1/transactions?limit=%zz"), problem.BadRequest, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := &fakeService{}
			answer, body := send(t, newTestServer(t, f), c.request)
			p := decode[problem.Problem](t, body)
			if p.Name() != c.problem || answer.StatusCode != c.problem.Status() || answer.Header.Get("Content-Type") != problem.ContentType {
				t.Fatalf("got %d %q: %s", answer.StatusCode, answer.Header.Get("Content-Type"), body)
			}
			if name, value, ok := strings.Cut(c.header, ": "); ok && answer.Header.Get(name) != value {
				t.Errorf("%s: %q", name, answer.Header.Get(name))
			}
			if strings.Contains(strings.ToLower(body), "s3cret") {
				t.Errorf("a value is echoed: %s", body)
			}
			if len(f.handed()) != 0 {
				t.Error("it was started")
			}
		})
	}
}

func TestGoodTypes(t *testing.T) {
	for _, contentType := range []string{"application/json", "application/json; charset=UTF-8", "Application/JSON"} {
		r := post("/v1/transactions?wait=none", goodBody)
		r.Header.Set("Content-Type", contentType)
		f := &fakeService{transaction: txn.Transaction{State: txn.StatePreparing}}
		if answer, body := send(t, newTestServer(t, f), r); answer.StatusCode != 202 || f.handed()[0].Wait != txn.WaitNone {
			t.Errorf("%s: %d %s", contentType, answer.StatusCode, body)
		}
	}
}

// pipes listens on connections that live in memory, so that time can be virtual.
type pipes struct {
	offered chan net.Conn
	closed  chan struct{}
	once    sync.Once
}

func newPipes() *pipes { return &pipes{offered: make(chan net.Conn), closed: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.offered:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

func (p *pipes) dial() net.Conn {
	ours, theirs := net.Pipe()
	p.offered <- theirs
	return ours
}

func TestSlowConnectionsAreClosed(t *testing.T) {
	for name, c := range map[string]struct {
		sent  string
		after time.Duration
	}{
		"headers": {"GET /livez HTTP/1.1\r\nHost: x\r\n", 5 * time.Second},
		"body":    {"POST /v1/transactions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{", 30 * time.Second},
		"unread body": {
			"POST /v1/transactions/a/abort HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{", 30 * time.Second,
		},
		"unread body of a peer": {"POST /internal/leader HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{", 30 * time.Second},
		"nothing more":          {"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n", 2 * time.Minute},
		"nothing":               {"", 5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newPipes()
				s := newTestServer(t, &fakeService{transaction: txn.Transaction{State: txn.StateAborted}})
				s.config.Peers = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) })
				ended := make(chan error, 1)
				ctx, cancel := context.WithCancel(t.Context())
				go func() { ended <- s.Serve(ctx, l) }()
				conn := l.dial()
				start := time.Now()
				if _, err := io.WriteString(conn, c.sent); err != nil {
					t.Fatal(err)
				}
				answer, _ := io.ReadAll(conn)
				took := time.Since(start)
				if took < c.after || took > c.after+time.Second {
					t.Errorf("closed after %s: %s", took, answer)
				}
				cancel()
				if err := <-ended; err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// A wait for a decision may be longer than a body may take to arrive, and must not be cut off by that.
func TestLongWaitOutlivesTheBodyTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newPipes()
		f := &slowService{fakeService: fakeService{sites: hospital(), transaction: txn.Transaction{State: txn.StateCommitted}}}
		s := newTestServer(t, &f.fakeService)
		s.service = f
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.Serve(ctx, l) }()
		conn := l.dial()
		for range 2 { // the second on a connection that was used before
			r := post("/v1/transactions", goodBody)
			go func() { _ = r.Write(conn) }()
			answer, err := http.ReadResponse(bufio.NewReader(conn), r)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.ReadAll(answer.Body)
			if answer.StatusCode != 200 {
				t.Errorf("got %d", answer.StatusCode)
			}
		}
		_ = conn.Close()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// A client that does not read its answer does not keep the connection for ever.
func TestUnreadAnswersAreCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newPipes()
		f := &fakeService{page: txn.Page{Transactions: slices.Repeat([]txn.Transaction{whole()}, 1000)}}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- newTestServer(t, f).Serve(ctx, l) }()
		conn := l.dial()
		start := time.Now()
		if err := get("/v1/transactions").Write(conn); err != nil {
			t.Fatal(err)
		}
		_, err := io.WriteString(conn, "more") // nobody reads it before the connection is closed
		if took := time.Since(start); err == nil || took < answerTimeout || took > answerTimeout+time.Second {
			t.Errorf("cut off after %s: %v", took, err)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestPeersAreServedAsTheyWant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newPipes()
		c := newTestServer(t, &fakeService{}).config
		registry := prometheus.NewRegistry()
		c.Registerer, c.Gatherer = registry, registry
		c.Peers = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Error(w, r.URL.Path, http.StatusMisdirectedRequest) })
		s, err := NewServer(c)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.Serve(ctx, l) }()
		conn := l.dial()
		answers := bufio.NewReader(conn)
		for _, c := range []struct {
			path string
			want int
		}{{"/livez", 200}, {"/internal/leader", 421}} {
			go func() { _ = get(c.path).Write(conn) }()
			answer, err := http.ReadResponse(answers, nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadAll(answer.Body); err != nil || answer.StatusCode != c.want {
				t.Errorf("%s: got %d, %v", c.path, answer.StatusCode, err)
			}
			time.Sleep(time.Minute) // of virtual time: what bounded the answer before must not count
		}
		_ = conn.Close()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	if answer, _ := send(t, newTestServer(t, &fakeService{}), get("/internal/leader")); answer.StatusCode != 404 {
		t.Errorf("without peers: %d", answer.StatusCode)
	}
}

func TestServeTellsOfAListenerThatFails(t *testing.T) {
	l := newPipes()
	_ = l.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if err := newTestServer(t, &fakeService{}).Serve(ctx, l); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v", err)
	}
}
