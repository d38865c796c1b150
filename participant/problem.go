package participant

import (
	"encoding/json"
	"net/http"
)

// problem is an error of the listener (RFC 9457). It holds nothing that a client sent.
type problem struct {
	Type   string         `json:"type"`
	Title  string         `json:"title"`
	Status int            `json:"status"`
	Detail string         `json:"detail,omitempty"`
	Errors []problemField `json:"errors,omitempty"`
}

type problemField struct {
	Location string `json:"location"`
	Message  string `json:"message"`
}

func writeProblem(w http.ResponseWriter, p problem) {
	switch p.Status {
	case http.StatusBadRequest:
		p.Type, p.Title = "/problems/bad-request", "The request cannot be read"
	case http.StatusNotFound:
		p.Type, p.Title = "/problems/not-found", "There is no such thing"
	case http.StatusMethodNotAllowed:
		p.Type, p.Title = "/problems/method-not-allowed", "The method is not one of this path"
	case http.StatusServiceUnavailable:
		p.Type, p.Title = "/problems/unavailable", "The participant is not ready"
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // the client is gone: nobody to tell
}
