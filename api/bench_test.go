package api

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/medcommit/medcommit/txn"
)

// BenchmarkSubmission is the cost of a submission in this package: reading, checking, digest, payloads, answer; no socket.
func BenchmarkSubmission(b *testing.B) {
	f := &discarding{fakeService{sites: hospital(), transaction: whole()}}
	f.transaction.State = txn.StateCommitted
	s := newTestServer(b, &f.fakeService)
	s.service = f
	b.ReportAllocs()
	for b.Loop() {
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, post("/v1/transactions", goodBody))
		if w.Code != http.StatusOK {
			b.Fatal(w.Body)
		}
	}
}

// BenchmarkSubmissionOverHTTP adds the socket, the server's connection handling and the client.
func BenchmarkSubmissionOverHTTP(b *testing.B) {
	f := &discarding{fakeService{sites: hospital(), transaction: whole()}}
	f.transaction.State = txn.StateCommitted
	s := newTestServer(b, &f.fakeService)
	s.service = f
	server := httptest.NewServer(s.Handler())
	defer server.Close()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	b.ReportAllocs()
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			answer, err := client.Post(server.URL+"/v1/transactions", "application/json", strings.NewReader(goodBody))
			if err != nil {
				b.Error(err)
				return
			}
			_, _ = io.Copy(io.Discard, answer.Body)
			_ = answer.Body.Close()
		}
	})
}
