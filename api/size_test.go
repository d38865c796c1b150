package api

import (
	"net/http"
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
