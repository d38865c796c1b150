package client

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/medcommit/medcommit/txn"
)

// given makes a stream of notices that then ends, as for a reader that is too slow.
func given(list ...txn.Notice) func(context.Context) <-chan txn.Notice {
	return func(context.Context) <-chan txn.Notice {
		c := make(chan txn.Notice, len(list))
		for _, n := range list {
			c <- n
		}
		close(c)
		return c
	}
}

var errEnough = errors.New("enough")

func TestWatchGoesOnAtTheNextCoordinator(t *testing.T) {
	first := &service{notices: given(
		txn.Notice{Kind: txn.EventTransaction, Transaction: &txn.Transaction{ID: "rx-1", State: txn.StateCommitted}},
		txn.Notice{Kind: txn.EventLeader, Cluster: &txn.ClusterInfo{Leader: "a"}},
	)}
	second := &service{notices: given(txn.Notice{Kind: txn.EventParticipant, Participant: &txn.ParticipantInfo{Name: "lab"}})}
	c := cluster(t, first, second)
	var connected int
	var seen []string
	err := c.Watch(t.Context(), Watcher{
		Connected: func(context.Context) error {
			connected++
			return nil
		},
		Notice: func(n txn.Notice) error {
			switch n.Kind {
			case txn.EventTransaction:
				seen = append(seen, n.Transaction.ID)
			case txn.EventLeader:
				seen = append(seen, n.Cluster.Leader)
			case txn.EventParticipant:
				seen = append(seen, n.Participant.Name)
				return errEnough
			}
			return nil
		},
	})
	if err != errEnough || connected != 2 || len(seen) != 3 || seen[0]+seen[1]+seen[2] != "rx-1alab" {
		t.Errorf("got %v, %d streams, %q", err, connected, seen)
	}
}

func TestWatchEnds(t *testing.T) {
	idle := &service{notices: func(context.Context) <-chan txn.Notice { return nil }}
	ctx, cancel := context.WithCancel(t.Context())
	err := cluster(t, idle).Watch(ctx, Watcher{Connected: func(context.Context) error {
		cancel()
		return nil
	}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	err = cluster(t, idle).Watch(t.Context(), Watcher{Connected: func(context.Context) error { return errEnough }})
	if err != errEnough {
		t.Errorf("stopped: %v", err)
	}
	dead := httptest.NewServer(http.NotFoundHandler())
	dead.Close()
	if err := newClient(t, Config{Coordinators: []string{dead.URL}, Patience: -1}).Watch(t.Context(), Watcher{}); !errors.Is(err, ErrUnreachable) {
		t.Errorf("dead: %v", err)
	}
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	if err := newClient(t, Config{Coordinators: []string{other.URL}, Patience: -1}).Watch(t.Context(), Watcher{}); !errors.Is(err, ErrAnswer) {
		t.Errorf("other: %v", err)
	}
}

func TestUnknownEventsAreSkipped(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = w.Write([]byte(": hello\n\nevent: weather\ndata: {}\n\nevent: transaction\ndata: {\"id\":\"rx-1\",\"state\":\"aborted\"}\n\n"))
	}))
	defer server.Close()
	err := newClient(t, Config{Coordinators: []string{server.URL}}).Watch(t.Context(), Watcher{Notice: func(n txn.Notice) error {
		if n.Transaction.ID != "rx-1" {
			t.Errorf("got %+v", n)
		}
		return errEnough
	}})
	if err != errEnough {
		t.Errorf("got %v", err)
	}
}
