package zkcoord

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/medcommit/medcommit/txn"
)

func TestKeysAreOrderedByTimeAndNew(t *testing.T) {
	at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	seen := map[txn.Key]bool{}
	var last txn.Key
	for i := range 10000 {
		k := newKey(at.Add(time.Duration(i) * time.Microsecond))
		if !k.Valid() || seen[k] || k <= last {
			t.Fatalf("key %d is %q after %q", i, k, last)
		}
		seen[k], last = true, k
	}
	if a, b := newKey(at), newKey(at); a == b {
		t.Error("two keys of one moment are the same")
	}
	if newKey(at.Add(100*365*24*time.Hour)) < last {
		t.Error("a key of the next century comes before")
	}
}

func TestCandidatesAreReadFromTheirNames(t *testing.T) {
	got := parseQueue([]string{
		"c_2_n2_0000000012", "a.b-c_n1_0000000003", "c_2_n3_2147483647", "x", "_n_0000000001", "id__0000000001", "id_n_00001", "id_n_000000000x",
	})
	want := []candidate{
		{"a.b-c_n1_0000000003", "a.b-c", "n1", 3}, {"c_2_n2_0000000012", "c_2", "n2", 12}, {"c_2_n3_2147483647", "c_2", "n3", 2147483647},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %+v", got)
	}
}

func TestConfigNamesWhatIsWrong(t *testing.T) {
	good := Config{ID: "c1.example-2_x", Advertise: "http://127.0.0.1:7070"}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	for name, spoil := range map[string]func(*Config){
		"no id":        func(c *Config) { c.ID = "" },
		"slash in id":  func(c *Config) { c.ID = "a/b" },
		"long id":      func(c *Config) { c.ID = fmt.Sprintf("%064d", 1) },
		"no address":   func(c *Config) { c.Advertise = "" },
		"no scheme":    func(c *Config) { c.Advertise = "127.0.0.1:7070" },
		"ftp":          func(c *Config) { c.Advertise = "ftp://127.0.0.1:7070" },
		"negative":     func(c *Config) { c.Retention = -1 },
		"in flight -1": func(c *Config) { c.MaxInFlight = -1 },
	} {
		c := good
		spoil(&c)
		if c.Validate() == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

// TestListingPages compares the pages of a listing with all at once, over random keys spread over a live log and entries of history
// that overlap, with some offered twice.
func TestListingPages(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 1))
	at := time.Unix(1_700_000_000, 0)
	var all []txn.Transaction
	for i := range 500 {
		state := []txn.State{txn.StateCommitted, txn.StateAborted}[r.IntN(2)]
		key := newKey(at.Add(time.Duration(r.IntN(1000)) * time.Millisecond))
		all = append(all, txn.Transaction{ID: fmt.Sprint(i), Key: key, State: state, Branches: []txn.Branch{{Participant: []string{"a", "b"}[r.IntN(2)]}}})
	}
	for _, filter := range []txn.Filter{{}, {State: txn.StateAborted}, {Participant: "b"}, {State: txn.StateCommitted, Participant: "a"}} {
		whole := listing{filter: filter}
		var want []txn.Key
		for i := range all {
			if whole.matches(&all[i]) {
				want = append(want, all[i].Key)
			}
		}
		slices.Sort(want)
		slices.Reverse(want)
		var got []txn.Key
		cursor := ""
		for {
			before, err := readCursor(cursor)
			if err != nil {
				t.Fatal(err)
			}
			l := listing{filter: filter, before: before, limit: 1 + r.IntN(50)}
			for _, i := range r.Perm(len(all)) {
				l.offer(&all[i])
				if r.IntN(4) == 0 {
					l.offer(&all[i])
				}
			}
			page := l.page()
			if len(page.Transactions) > l.limit {
				t.Fatalf("seed %d: %d on a page of %d", seed, len(page.Transactions), l.limit)
			}
			for _, tx := range page.Transactions {
				got = append(got, tx.Key)
			}
			if cursor = page.Next; cursor == "" {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("seed %d, %+v: %d of %d are listed, or out of order", seed, filter, len(got), len(want))
		}
	}
	for _, bad := range []string{"!", "a b", "%%%", "banana", writeCursor("short"), writeCursor("0123456789abcdefghijklmnopq")} {
		if _, err := readCursor(bad); err == nil {
			t.Errorf("the cursor %q is taken", bad)
		}
	}
}

func TestLeaderHandlerOfOneWhoDoesNotLead(t *testing.T) {
	c, err := New(Config{ID: "c1", Advertise: "http://127.0.0.1:1", ZooKeeper: DriverConfig{Servers: []string{"127.0.0.1:1"}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, call := range []struct {
		method, path string
		status       int
	}{
		{http.MethodGet, LeaderPath, http.StatusMisdirectedRequest},
		{http.MethodPost, LeaderPath + "?abort=" + string(newKey(time.Now())), http.StatusMisdirectedRequest},
		{http.MethodPost, LeaderPath + "?abort=x", http.StatusBadRequest},
		{http.MethodDelete, LeaderPath, http.StatusMethodNotAllowed},
	} {
		w := httptest.NewRecorder()
		c.LeaderHandler().ServeHTTP(w, httptest.NewRequest(call.method, call.path, nil))
		if w.Code != call.status {
			t.Errorf("%s %s: %d", call.method, call.path, w.Code)
		}
	}
	if c.Ready() == nil {
		t.Error("a coordinator that does not run is ready")
	}
}

func TestRunWithoutZooKeeper(t *testing.T) {
	c, err := New(Config{ID: "c1", Advertise: "http://127.0.0.1:1", ZooKeeper: DriverConfig{Servers: []string{"127.0.0.1:1"}}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	if _, err := c.Submit(ctx, handed("tx", "a")); !errors.Is(err, txn.ErrUnavailable) {
		t.Errorf("submit: %v", err)
	}
	if _, err := c.Transaction(ctx, "tx"); !errors.Is(err, txn.ErrUnavailable) {
		t.Errorf("get: %v", err)
	}
	if _, err := c.Cluster(ctx); !errors.Is(err, txn.ErrUnavailable) {
		t.Errorf("cluster: %v", err)
	}
	if _, err := c.Drain(ctx, "a"); !errors.Is(err, txn.ErrUnavailable) {
		t.Errorf("drain: %v", err)
	}
	cancel()
	select {
	case err := <-done:
		if err != nil {
			t.Errorf("run: %v", err)
		}
	case <-time.After(testPatience):
		t.Fatal("it does not end")
	}
}
