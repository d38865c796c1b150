package client

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/medcommit/medcommit/txn"
)

// slow is a transaction for which a client would wait for ten minutes.
func slow() txn.Request {
	r := work()
	r.ID, r.Timeout = "slow", "10m"
	return r
}

func TestASilentCoordinatorIsLeft(t *testing.T) {
	ended := make(chan struct{})
	silent := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-ended }))
	defer silent.Close()
	defer close(ended)
	s := &service{state: txn.StateCommitted, ids: make(chan string, 1)}
	c := cluster(t, s)
	c.bases = append([]string{silent.URL}, c.bases...)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if got, err := c.Submit(ctx, slow(), txn.WaitDecision); err != nil || got.ID != "slow" {
		t.Errorf("%+v, %v", got, err)
	}
	if id := <-s.ids; id != "slow" {
		t.Errorf("the next coordinator is asked for %s", id)
	}
}

func TestASlowCoordinatorThatLivesIsWaitedFor(t *testing.T) {
	var probes atomic.Int32
	twice := make(chan struct{})
	first := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/livez" {
			if probes.Add(1) == 2 {
				close(twice)
			}
			return
		}
		<-twice
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"id":"slow","state":"committed"}`))
	}))
	defer first.Close()
	s := &service{state: txn.StateCommitted}
	c := cluster(t, s)
	c.bases = append([]string{first.URL}, c.bases...)
	if got, err := c.Submit(t.Context(), slow(), txn.WaitDecision); err != nil || got.State != txn.StateCommitted {
		t.Errorf("%+v, %v", got, err)
	}
	if n := s.submitted.Load(); n != 0 {
		t.Errorf("the next coordinator was asked %d times", n)
	}
}

// A coordinator that is about to stop takes no connections, and answers what it has taken.
func TestAStoppingCoordinatorIsWaitedFor(t *testing.T) {
	taken, probed := make(chan struct{}), make(chan struct{})
	first := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(taken)
		<-probed
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"id":"slow","state":"aborted"}`))
	}))
	defer first.Close()
	s := &service{state: txn.StateCommitted}
	c := cluster(t, s)
	c.bases = append([]string{first.URL}, c.bases...)
	var dead atomic.Bool
	c.http = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		if strings.HasSuffix(r.URL.Path, "/livez") {
			<-taken
			if dead.CompareAndSwap(false, true) {
				first.Listener.Close()
				defer close(probed)
			}
			one := &http.Transport{DisableKeepAlives: true}
			return one.RoundTrip(r)
		}
		return http.DefaultTransport.RoundTrip(r)
	})}
	if got, err := c.Submit(t.Context(), slow(), txn.WaitDecision); err != nil || got.State != txn.StateAborted {
		t.Errorf("%+v, %v", got, err)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
