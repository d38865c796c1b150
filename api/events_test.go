package api

import (
	"bufio"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/medcommit/medcommit/txn"
)

func TestEventsAreWhatTheGetCallsGive(t *testing.T) {
	f := &fakeService{notices: make(chan txn.Notice, 3), noticesEnded: make(chan struct{})}
	s := newTestServer(t, f)
	server := httptest.NewServer(s.Handler())
	defer server.Close()
	f.notices <- txn.Notice{Kind: txn.EventTransaction, Transaction: &txn.Transaction{ID: "rx-1", State: txn.StateCommitted, Created: moment()}}
	f.notices <- txn.Notice{Kind: txn.EventLeader, Cluster: &txn.ClusterInfo{Cluster: "c", Leader: "a", Epoch: 4}}
	f.notices <- txn.Notice{Kind: txn.EventParticipant, Participant: &txn.ParticipantInfo{Name: "lab", Kind: "postgres"}}

	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/v1/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	if got := answer.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Errorf("Content-Type %q", got)
	}
	want := []string{
		": medcommit", "",
		"event: transaction", `data: {"id":"rx-1","state":"committed","created":"2026-07-31T12:00:00.500Z","branches":null}`, "",
		"event: leader", `data: {"cluster":"c","leader":"a","epoch":4,"coordinators":[],"participants":[],"in_flight":0,"in_doubt":0}`, "",
		"event: participant", `data: {"name":"lab","kind":"postgres","alive":false,"drained":false,"ready":false,"queued":0,"in_doubt":0,"oldest_in_doubt_seconds":0,"operations":[]}`, "",
	}
	lines := bufio.NewScanner(answer.Body)
	for _, w := range want {
		if !lines.Scan() || lines.Text() != w {
			t.Fatalf("\n got %s\nwant %s", lines.Text(), w)
		}
	}
	cancel() // the client goes
	<-f.noticesEnded
}

func TestEventsHeadAnswersAtOnce(t *testing.T) {
	answer, body := send(t, newTestServer(t, &fakeService{}), httptest.NewRequest(http.MethodHead, "/v1/events", nil))
	if answer.StatusCode != 200 || body != "" {
		t.Errorf("got %d %q", answer.StatusCode, body)
	}
}

// The three ways in which a stream ends, and its heartbeat, on virtual time.
func TestEventStreamEnds(t *testing.T) {
	for name, end := range map[string]func(f *fakeService, stop context.CancelFunc){
		"server stops":   func(_ *fakeService, stop context.CancelFunc) { stop() },
		"reader is slow": func(f *fakeService, _ context.CancelFunc) { close(f.notices) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newPipes()
				f := &fakeService{notices: make(chan txn.Notice), noticesEnded: make(chan struct{})}
				ctx, stop := context.WithCancel(t.Context())
				ended := make(chan error, 1)
				go func() { ended <- newTestServer(t, f).Serve(ctx, l) }()
				conn := l.dial()
				go func() { _ = get("/v1/events").Write(conn) }()
				answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
				if err != nil {
					t.Fatal(err)
				}
				go func() {
					time.Sleep(40 * time.Second) // of virtual time: two heartbeats
					end(f, stop)
				}()
				lines := bufio.NewScanner(answer.Body)
				var comments int
				for lines.Scan() {
					if strings.HasPrefix(lines.Text(), ":") {
						comments++
					}
				}
				<-f.noticesEnded
				if comments != 3 {
					t.Errorf("%d comments", comments)
				}
				_ = conn.Close()
				stop()
				if err := <-ended; err != nil {
					t.Error(err)
				}
			})
		})
	}
}
