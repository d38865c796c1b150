package api

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/medcommit/medcommit/api/problem"
)

const jsonType = "application/json"

// writeJSON answers with v. Where the client is gone there is nobody to tell.
func writeJSON(w http.ResponseWriter, status int, contentType string, v any) error {
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes())
	return nil
}

func writeProblem(w http.ResponseWriter, p *problem.Problem) error {
	if p.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(p.RetryAfter.Seconds())))
	}
	return writeJSON(w, p.Status, problem.ContentType, p)
}
