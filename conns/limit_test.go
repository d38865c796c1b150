package conns_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/medcommit/medcommit/conns"
)

const patience = 10 * time.Second

// serve serves handler on a real listener with room for most connections, and gives its address.
func serve(t *testing.T, most int, handler func(*conns.Limit) http.HandlerFunc) string {
	t.Helper()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	limit := conns.New(most)
	server := &http.Server{Handler: handler(limit), ConnState: limit.State, ReadHeaderTimeout: time.Minute}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(limit.Listener(inner)) }()
	t.Cleanup(func() {
		_ = server.Close()
		<-ended
	})
	return inner.Addr().String()
}

func hello(*conns.Limit) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") }
}

func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	return c
}

func ask(t *testing.T, c net.Conn, path string) int {
	t.Helper()
	if _, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: h\r\n\r\n", path); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode
}

// Connections that send nothing, or their headers byte by byte, keep nobody out: the longest silent ones go.
func TestSilentConnectionsGiveWay(t *testing.T) {
	addr := serve(t, 4, hello)
	var silent []net.Conn
	for i := range 20 {
		c := dial(t, addr)
		if i%2 == 0 {
			_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost:")
		}
		silent = append(silent, c)
	}
	for range 10 {
		if got := ask(t, dial(t, addr), "/"); got != http.StatusOK {
			t.Fatalf("got %d", got)
		}
	}
	if _, err := silent[0].Read(make([]byte, 1)); err == nil || isTimeout(err) {
		t.Errorf("the first one still stands: %v", err)
	}
}

func isTimeout(err error) bool {
	e, ok := err.(net.Error)
	return ok && e.Timeout()
}

// A connection that is being answered never gives way; new ones wait until one is free.
func TestRequestsUnderWayStay(t *testing.T) {
	begun, release := make(chan struct{}), make(chan struct{})
	addr := serve(t, 2, func(*conns.Limit) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/long" {
				begun <- struct{}{}
				<-release
			}
			w.WriteHeader(http.StatusNoContent)
		}
	})
	results := make(chan int, 2)
	for range 2 {
		c := dial(t, addr)
		go func() { results <- ask(t, c, "/long") }()
		<-begun
	}
	third := make(chan int, 1)
	c := dial(t, addr)
	go func() { third <- ask(t, c, "/short") }()
	select {
	case got := <-third:
		t.Fatalf("a third was answered: %d", got)
	case <-time.After(100 * time.Millisecond): // that nothing happens can only be seen by waiting
	}
	close(release)
	for range 2 {
		if got := <-results; got != http.StatusNoContent {
			t.Errorf("got %d", got)
		}
	}
	if got := <-third; got != http.StatusNoContent {
		t.Errorf("the third: got %d", got)
	}
}

// Counted requests leave connections for those that are not counted.
func TestCountedRequestsLeaveRoom(t *testing.T) {
	begun, release := make(chan struct{}), make(chan struct{})
	addr := serve(t, 8, func(l *conns.Limit) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/livez" {
				return
			}
			end, ok := l.Request()
			if !ok {
				w.WriteHeader(http.StatusTooManyRequests)
				return
			}
			defer end()
			begun <- struct{}{}
			<-release
		}
	})
	results := make(chan int, 6)
	for range 6 {
		c := dial(t, addr)
		go func() { results <- ask(t, c, "/work") }()
		<-begun
	}
	for range 5 {
		if got := ask(t, dial(t, addr), "/work"); got != http.StatusTooManyRequests {
			t.Errorf("one too many: got %d", got)
		}
		if got := ask(t, dial(t, addr), "/livez"); got != http.StatusOK {
			t.Errorf("health: got %d", got)
		}
	}
	close(release)
	for range 6 {
		if got := <-results; got != http.StatusOK {
			t.Errorf("got %d", got)
		}
	}
}

// A listener that is closed while a connection waits for room ends.
func TestCloseEndsTheWait(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	limit := conns.New(1)
	l := limit.Listener(inner)
	dial(t, inner.Addr().String())
	first, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	limit.State(first, http.StateActive)
	dial(t, inner.Addr().String())
	ended := make(chan error, 1)
	go func() {
		_, err := l.Accept()
		ended <- err
	}()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		if err == nil {
			t.Error("a connection was given")
		}
	case <-time.After(patience):
		t.Error("Accept goes on")
	}
}
