package participant_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/medcommit/medcommit/participant"
	"github.com/medcommit/medcommit/participant/embedded"
	"github.com/medcommit/medcommit/txn"
	"github.com/medcommit/medcommit/zkcoord"
	"github.com/prometheus/client_golang/prometheus"
)

// listener is a participant that does not run, on an open store with some records, and its HTTP.
func listener(t *testing.T) string {
	t.Helper()
	store, err := embedded.New(embedded.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Open(t.Context(), "c", "alpha", 1); err != nil {
		t.Fatal(err)
	}
	driver, err := zkcoord.NewDriver(zkcoord.DriverConfig{Servers: []string{"127.0.0.1:1"}})
	if err != nil {
		t.Fatal(err)
	}
	registry := prometheus.NewRegistry()
	p, err := participant.New(participant.Config{Name: "alpha", Registerer: registry}, driver, store)
	if err != nil {
		t.Fatal(err)
	}
	c, err := participant.OpenCatalogue().ForKind(participant.KindEmbedded)
	if err != nil {
		t.Fatal(err)
	}
	var work txn.WorkRequest
	for i, key := range []string{"a/1", "a/2", "a/3", "b//../c", "ä b?&<x>"} {
		work.Operations = append(work.Operations, put(key, i))
	}
	calls, err := c.Calls(work, "id", "alpha")
	if err != nil {
		t.Fatal(err)
	}
	x := txn.XID{Cluster: "c", Key: "00000000000000000000000001", Participant: "alpha"}
	if _, err := store.Prepare(t.Context(), x, calls); err != nil {
		t.Fatal(err)
	}
	if err := store.Commit(t.Context(), x); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(p.Handler(registry))
	t.Cleanup(func() {
		server.Close()
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return server.URL
}

func call(t *testing.T, method, url string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, strings.TrimSpace(string(body))
}

func TestListener(t *testing.T) {
	base := listener(t)
	for _, c := range []struct {
		method, path string
		status       int
		want         string
	}{
		{"GET", "/livez", 200, `{"status":"alive"}`},
		{"GET", "/readyz", 503, `"type":"/problems/unavailable"`},
		{"GET", "/readyz", 503, `waits for a ZooKeeper session`},
		{"GET", "/metrics", 200, `medcommit_in_doubt_branches{participant="alpha"} 0`},
		{"GET", "/v1/records/a/1", 200, `{"key":"a/1","value":{"n":0},"version":1}`},
		{"GET", "/v1/records/b//../c", 200, `{"key":"b//../c","value":{"n":3},"version":1}`},
		{"GET", "/v1/records/" + url.PathEscape("ä b?&<x>"), 200, `{"key":"ä b?&<x>","value":{"n":4},"version":1}`},
		{"GET", "/v1/records/a", 404, `"type":"/problems/not-found"`},
		{"GET", "/v1/records/", 404, `"type":"/problems/not-found"`},
		{"GET", "/v1/records?prefix=a/", 200, `{"records":[{"key":"a/1","value":{"n":0},"version":1},{"key":"a/2","value":{"n":1},"version":1},{"key":"a/3","value":{"n":2},"version":1}]}`},
		{"GET", "/v1/records?prefix=z", 200, `{"records":[]}`},
		{"GET", "/v1/records?limit=0", 400, `"errors":[{"location":"query.limit","message":`},
		{"GET", "/v1/records?limit=1001", 400, `query.limit`},
		{"GET", "/v1/records?limit=x", 400, `query.limit`},
		{"GET", "/v1/records?cursor=!", 400, `query.cursor`},
		{"GET", "/v1/records?prefix=%zz", 400, `"location":"query"`},
		{"GET", "/", 404, `"type":"/problems/not-found"`},
		{"POST", "/v1/records", 405, `"type":"/problems/method-not-allowed"`},
		{"DELETE", "/v1/records/a/1", 405, `"type":"/problems/method-not-allowed"`},
	} {
		response, body := call(t, c.method, base+c.path)
		if response.StatusCode != c.status || !strings.Contains(body, c.want) {
			t.Errorf("%s %s: got %d %s, want %d %s", c.method, c.path, response.StatusCode, body, c.status, c.want)
		}
		if kind := response.Header.Get("Content-Type"); c.status >= 400 && kind != "application/problem+json" {
			t.Errorf("%s %s: content type %s", c.method, c.path, kind)
		}
		if c.status == 405 && response.Header.Get("Allow") == "" {
			t.Errorf("%s %s: no Allow", c.method, c.path)
		}
	}
}

func TestListenerPages(t *testing.T) {
	base := listener(t)
	var keys []string
	cursor := ""
	for {
		_, body := call(t, "GET", fmt.Sprintf("%s/v1/records?limit=2&prefix=a/&cursor=%s", base, cursor))
		var page struct {
			Records []participant.StoredRecord
			Next    string
		}
		if err := json.Unmarshal([]byte(body), &page); err != nil {
			t.Fatal(err)
		}
		for _, r := range page.Records {
			keys = append(keys, r.Key)
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	if got := strings.Join(keys, " "); got != "a/1 a/2 a/3" {
		t.Errorf("got %s", got)
	}
}
