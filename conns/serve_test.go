package conns

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

// A client whose connection was made before the stop, and one that connects while the server winds down, are answered: none is closed
// without a word, and each answer says that it is the last one of its connection.
func TestServeAnswersFreshConnectionsAtTheStop(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "answered")
	})}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, server, l, time.Minute) }()
	fresh := func() net.Conn {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	ask := func(c net.Conn) {
		defer c.Close()
		if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Error(err)
		}
		res, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Errorf("closed without an answer: %v", err)
			return
		}
		defer res.Body.Close()
		if text, err := io.ReadAll(res.Body); string(text) != "answered" || !res.Close {
			t.Errorf("answered %q, %v, the last: %v", text, err, res.Close)
		}
	}
	before := fresh()
	stop()
	<-time.After(windDownTime / 3)
	during := fresh()
	ask(before)
	<-time.After(windDownTime) // the listener is closed
	ask(during)
	if err := <-ended; err != nil {
		t.Errorf("the server ends with %v", err)
	}
}
