package participant

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/medcommit/medcommit/conns"
)

// What a slow client may take, and how long a stopping listener waits for those that are being answered.
const (
	headerTimeout = 5 * time.Second
	bodyTimeout   = 30 * time.Second
	answerTimeout = 30 * time.Second
	idleTimeout   = 2 * time.Minute
	maxHeader     = 64 << 10
	stopTimeout   = 5 * time.Second
)

const recordsPath = "/v1/records"

// Handler answers the participant's own calls: /livez, /readyz, /metrics with what g gathers, and, of an embedded store,
// /v1/records and /v1/records/KEY.
func (p *Participant) Handler(g prometheus.Gatherer) http.Handler {
	routes := map[string]http.Handler{
		"/livez":   http.HandlerFunc(livez),
		"/readyz":  http.HandlerFunc(p.readyz),
		"/metrics": promhttp.HandlerFor(g, promhttp.HandlerOpts{}),
	}
	reader, stores := p.rm.(RecordReader)
	if stores {
		routes[recordsPath] = listRecords(reader)
	}
	// Not a ServeMux: it would clean paths, and a key is any text.
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handler := routes[r.URL.Path]
		if key, ok := strings.CutPrefix(r.URL.Path, recordsPath+"/"); ok && stores {
			handler = oneRecord(reader, key)
		}
		switch {
		case handler == nil:
			writeProblem(w, problem{Status: http.StatusNotFound})
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			w.Header().Set("Allow", "GET, HEAD")
			writeProblem(w, problem{Status: http.StatusMethodNotAllowed})
		default:
			handler.ServeHTTP(w, r)
		}
	})
}

// Serve answers on l until ctx ends, and returns when all connections are closed.
func (p *Participant) Serve(ctx context.Context, l net.Listener, g prometheus.Gatherer) error {
	limit := conns.New(conns.Allowed(0))
	server := &http.Server{
		Handler: countRecords(limit, p.Handler(g)), ConnState: limit.State, MaxHeaderBytes: maxHeader,
		ReadHeaderTimeout: headerTimeout, ReadTimeout: bodyTimeout, WriteTimeout: answerTimeout, IdleTimeout: idleTimeout,
	}
	return conns.Serve(ctx, server, limit.Listener(l), stopTimeout)
}

// countRecords answers so many requests for records at once, and all others always: who looks after the site needs those most when
// there are many.
func countRecords(limit *conns.Limit, inner http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, recordsPath) {
			end, ok := limit.Request()
			if !ok {
				w.Header().Set("Retry-After", "1")
				writeProblem(w, problem{Status: http.StatusTooManyRequests, Detail: "too many requests are under way"})
				return
			}
			defer end()
		}
		inner.ServeHTTP(w, r)
	})
}

type health struct {
	Status string `json:"status"`
}

func livez(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, health{"alive"}) }

func (p *Participant) readyz(w http.ResponseWriter, _ *http.Request) {
	if err := p.Ready(); err != nil {
		w.Header().Set("Retry-After", "1")
		writeProblem(w, problem{Status: http.StatusServiceUnavailable, Detail: err.Error()})
		return
	}
	writeJSON(w, http.StatusOK, health{"ready"})
}

type recordPage struct {
	Records []StoredRecord `json:"records"`
	Next    string         `json:"next,omitempty"`
}

func listRecords(reader RecordReader) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		query, err := url.ParseQuery(r.URL.RawQuery)
		if err != nil {
			badQuery(w, "query", "it cannot be read")
			return
		}
		limit, ok := pageLimit(query.Get("limit"))
		if !ok {
			badQuery(w, "query.limit", fmt.Sprintf("it must be a number from 1 to %d", maxPage))
			return
		}
		records, next, err := reader.Records(query.Get("prefix"), limit, query.Get("cursor"))
		switch {
		case errors.Is(err, ErrCursor):
			badQuery(w, "query.cursor", "it must be the next of a page with the same prefix")
		case err != nil:
			unavailable(w)
		default:
			writeJSON(w, http.StatusOK, recordPage{Records: append([]StoredRecord{}, records...), Next: next})
		}
	}
}

// How many records a page has unless told, and at most.
const (
	defaultPage = 100
	maxPage     = 1000
)

func pageLimit(text string) (int, bool) {
	if text == "" {
		return defaultPage, true
	}
	n, err := strconv.Atoi(text)
	return n, err == nil && 1 <= n && n <= maxPage
}

func oneRecord(reader RecordReader, key string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		record, found, err := reader.Record(key)
		switch {
		case err != nil:
			unavailable(w)
		case !found:
			writeProblem(w, problem{Status: http.StatusNotFound})
		default:
			writeJSON(w, http.StatusOK, record)
		}
	}
}

func unavailable(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "1")
	writeProblem(w, problem{Status: http.StatusServiceUnavailable, Detail: "the store is not open"})
}

func badQuery(w http.ResponseWriter, location, message string) {
	writeProblem(w, problem{Status: http.StatusBadRequest, Errors: []problemField{{location, message}}})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // the client is gone: nobody to tell
}
