package api

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/medcommit/medcommit/api/problem"
	"github.com/medcommit/medcommit/txn"
)

// listening serves s on a real listener and gives its address.
func listening(t *testing.T, s *Server) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

func dialed(t *testing.T, addr string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	return conn
}

// Many connections that send their headers byte by byte keep nobody out, nor do many that wait for a decision keep out who looks
// after the coordinator, and the other coordinators.
func TestFloodKeepsNobodyOut(t *testing.T) {
	const most = 16
	begun, release := make(chan struct{}), make(chan struct{})
	f := &heldService{begun: begun, release: release}
	f.sites, f.transaction = hospital(), txn.Transaction{State: txn.StateCommitted}
	c := newTestServer(t, &f.fakeService).config
	registry := prometheus.NewRegistry()
	c.Registerer, c.Gatherer, c.MaxConnections, c.Service = registry, registry, most, f
	c.Peers = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) })
	s, err := NewServer(c)
	if err != nil {
		t.Fatal(err)
	}
	addr := listening(t, s)
	for range 3 * most {
		_, _ = io.WriteString(dialed(t, addr), "POST /v1/transactions HTTP/1.1\r\nHost:")
	}
	answers := make(chan int, most)
	for range most - most/4 {
		conn := dialed(t, addr)
		go func() {
			status, _ := exchange(conn, http.MethodPost, "/v1/transactions", goodBody)
			answers <- status
		}()
		<-begun
	}
	for range 3 * most {
		_, _ = io.WriteString(dialed(t, addr), "GET /livez HTTP/1.1\r\nHost:")
	}
	for _, want := range []struct {
		method, path string
		status       int
	}{
		{http.MethodGet, "/livez", 200},
		{http.MethodGet, "/readyz", 200},
		{http.MethodGet, "/metrics", 200},
		{http.MethodPost, "/internal/leader", 202},
		{http.MethodPost, "/v1/transactions", 429},
		{http.MethodGet, "/v1/cluster", 429},
	} {
		if status, body := exchange(dialed(t, addr), want.method, want.path, goodBody); status != want.status {
			t.Errorf("%s: got %d: %s", want.path, status, body)
		}
	}
	close(release)
	for range most - most/4 {
		if status := <-answers; status != 200 {
			t.Errorf("one that waited: got %d", status)
		}
	}
}

// heldService decides when it is released.
type heldService struct {
	fakeService
	begun, release chan struct{}
}

func (f *heldService) Submit(ctx context.Context, r Submission) (txn.Transaction, error) {
	f.begun <- struct{}{}
	<-f.release
	return f.fakeService.Submit(ctx, r)
}

// exchange sends one request and reads its answer; status 0 where there was none.
func exchange(conn net.Conn, method, path, body string) (status int, text string) {
	request := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n", method, path)
	if method == http.MethodPost {
		request += fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body)
	} else {
		request += "\r\n"
	}
	if _, err := io.WriteString(conn, request); err != nil {
		return 0, err.Error()
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0, err.Error()
	}
	defer answer.Body.Close()
	read, _ := io.ReadAll(answer.Body)
	return answer.StatusCode, string(read)
}

func TestHugeHeadersAreRefused(t *testing.T) {
	addr := listening(t, newTestServer(t, &fakeService{}))
	conn := dialed(t, addr)
	go func() { // it is not read to its end
		_, _ = io.WriteString(conn, "GET /livez HTTP/1.1\r\nHost: x\r\n")
		for range 100 {
			_, _ = io.WriteString(conn, "X-Filler: "+strings.Repeat("x", 1000)+"\r\n")
		}
	}()
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	if answer.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("got %d", answer.StatusCode)
	}
}

// All bodies together take what a number of the largest ones takes, and give it back.
func TestBodiesAreHeldWithinABudget(t *testing.T) {
	s := newTestServer(t, &fakeService{transaction: txn.Transaction{State: txn.StateCommitted}})
	if large := newBudget(8 << 20).left.Load(); large != bodiesAtOnce*8<<20 {
		t.Fatalf("the budget is %d", large)
	}
	s.bodies.left.Store(int64(len(goodBody)) - 1)
	answer, body := send(t, s, post("/v1/transactions", goodBody))
	if p := decode[problem.Problem](t, body); answer.StatusCode != 429 || p.Name() != problem.TooMany || answer.Header.Get("Retry-After") == "" {
		t.Errorf("over the budget: got %d: %s", answer.StatusCode, body)
	}
	s.bodies.left.Store(int64(len(goodBody)))
	for range 3 {
		if answer, body := send(t, s, post("/v1/transactions", goodBody)); answer.StatusCode != 200 {
			t.Errorf("within the budget: got %d: %s", answer.StatusCode, body)
		}
	}
	large := post("/v1/transactions", "")
	large.Body, large.ContentLength = io.NopCloser(bytes.NewReader(make([]byte, 5000))), -1
	send(t, s, large)
	if left := s.bodies.left.Load(); left != int64(len(goodBody)) {
		t.Errorf("not all is given back: %d", left)
	}
}
