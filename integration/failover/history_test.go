package failover

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/medcommit/medcommit/api/problem"
	"github.com/medcommit/medcommit/cmd/medcommit/local"
)

// TestFullHistoryRefuses fills the history of finished transactions before their time: submissions hear when to come back.
func TestFullHistoryRefuses(t *testing.T) {
	r := start(t, local.Config{Coordinators: 1, Sites: embedded("a"), CoordinatorFlags: []string{"--history", "1KiB"}})
	r.leader()
	n := 0
	r.eventually("the history is full", func() bool {
		n++
		body, err := json.Marshal(request(fmt.Sprintf("tx-%d", n), "a"))
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.Post(r.url("c1")+"/v1/transactions?wait=completed", "application/json", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if res.StatusCode == http.StatusOK {
			return false
		}
		var p problem.Problem
		if err := json.NewDecoder(res.Body).Decode(&p); err != nil {
			t.Fatal(err)
		}
		if res.StatusCode != http.StatusTooManyRequests || p.Name() != problem.TooMany || res.Header.Get("Retry-After") == "" {
			t.Fatalf("a submission hears %d, %+v, to be tried again after %q", res.StatusCode, p, res.Header.Get("Retry-After"))
		}
		return true
	})
	if n == 1 {
		t.Error("nothing was committed before")
	}
}
