package api

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestTooManyValues(t *testing.T) {
	s := newTestServer(t, &fakeService{})
	s.config.MaxBody = 8 << 20
	answer, body := send(t, s, post("/v1/transactions", `{"branches":[`+strings.Repeat("{},", 1<<20)+`{}]}`))
	if answer.StatusCode != http.StatusRequestEntityTooLarge || !strings.Contains(body, "500000 values") {
		t.Errorf("got %d %s", answer.StatusCode, body)
	}
}

// A client that sends all of its body before it reads must find the answer, not a reset connection.
func TestTooLargeIsHeard(t *testing.T) {
	s := newTestServer(t, &fakeService{})
	server := httptest.NewServer(s.Handler())
	defer server.Close()
	for _, head := range []string{"Content-Length: 16777216\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n1000000\r\n"} {
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_, err = io.WriteString(conn, "POST /v1/transactions HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"+head+strings.Repeat("x", 16<<20))
		if err != nil {
			t.Fatalf("send the body: %v", err)
		}
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || answer.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("got %v, %v", answer, err)
		}
	}
}

// BenchmarkLargeSubmission is the cost of a megabyte in one argument.
func BenchmarkLargeSubmission(b *testing.B) {
	s := newTestServer(b, &fakeService{})
	s.config.MaxBody = 8 << 20
	s.service = &discarding{fakeService{sites: hospital(), transaction: whole()}}
	large := `{"branches":[{"participant":"orders","operations":[{"name":"place-order","arguments":{"order":"` + strings.Repeat("é x", 1<<18) + `"}}]}]}`
	for b.Loop() {
		send(b, s, post("/v1/transactions", large))
	}
}
