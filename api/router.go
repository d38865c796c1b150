package api

import (
	"fmt"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/medcommit/medcommit/api/exactjson"
	"github.com/medcommit/medcommit/api/problem"
)

// unrouted is the label of requests that no route takes.
const unrouted = "other"

// call is one call of the API: how it is described, and what answers it. An error it returns becomes a problem document.
type call struct {
	operation huma.Operation
	serve     func(w http.ResponseWriter, r *http.Request) error
}

func (c call) pattern() string { return c.operation.Method + " " + c.operation.Path }

// wanted serves a request that has no other query parameters than the call knows: one that is mistyped must not be taken for absent.
// Those who ask for health may send what they like.
func (c call) wanted(w http.ResponseWriter, r *http.Request) error {
	if r.URL.RawQuery == "" || !strings.HasPrefix(c.operation.Path, "/v1/") {
		return c.serve(w, r)
	}
	q := readQuery(r)
	for _, name := range slices.Sorted(maps.Keys(q.values)) {
		if !slices.ContainsFunc(c.operation.Parameters, func(p *huma.Param) bool { return p.In == "query" && p.Name == name }) {
			q.bad(exactjson.Clip(name), "is not known")
		}
	}
	if err := q.problem(); err != nil {
		return err
	}
	return c.serve(w, r)
}

// router answers every call, and every other request with a problem.
func (s *Server) router() (http.Handler, error) {
	d := newDescriber()
	calls := s.calls(d)
	document, err := d.document(s.config.Version, calls)
	if err != nil {
		return nil, fmt.Errorf("describe API: %w", err)
	}
	mux := http.NewServeMux()
	for _, c := range calls {
		mux.Handle(c.pattern(), s.answering(c.operation.Path, c.wanted))
	}
	shown := promhttp.HandlerFor(s.config.Gatherer, promhttp.HandlerOpts{})
	mux.Handle("GET "+metricsPath, s.answering(metricsPath, func(w http.ResponseWriter, r *http.Request) error {
		shown.ServeHTTP(w, r)
		return nil
	}))
	mux.Handle("GET /openapi.json", s.answering("/openapi.json", func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("Content-Type", jsonType)
		_, _ = w.Write(document)
		return nil
	}))
	return s.routed(mux), nil
}

// routed gives what mux does not know its problem: mux would answer in plain text, and mend paths by redirects.
func (s *Server) routed(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.config.Peers != nil && strings.HasPrefix(r.URL.Path, PeersPath) {
			boundBody(w, r)
			s.config.Peers.ServeHTTP(w, r)
			return
		}
		fallback, pattern := mux.Handler(r)
		if p := r.URL.EscapedPath(); pattern != "" && path.Clean(p) == p {
			mux.ServeHTTP(w, r)
			return
		}
		s.answering(unrouted, func(w http.ResponseWriter, r *http.Request) error {
			probe := &probe{header: http.Header{}}
			if pattern == "" {
				fallback.ServeHTTP(probe, r)
			}
			if allow := probe.header.Get("Allow"); probe.status == http.StatusMethodNotAllowed && allow != "" {
				w.Header().Set("Allow", allow)
				return problem.New(problem.MethodNotAllowed, "this path takes "+allow)
			}
			return problem.New(problem.NotFound, "no such path")
		}).ServeHTTP(w, r)
	})
}

// uncounted are the routes that are answered however many requests are under way: who looks after the coordinator needs them most
// then. What coordinators ask of one another is not counted either.
var uncounted = []string{livePath, readyPath, metricsPath}

// boundBody bounds the time that a request's body may take to arrive.
func boundBody(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength != 0 {
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTimeout))
	}
}

// counted serves a request where not too many are under way.
func (s *Server) counted(route string, serve func(http.ResponseWriter, *http.Request) error) func(http.ResponseWriter, *http.Request) error {
	if slices.Contains(uncounted, route) {
		return serve
	}
	return func(w http.ResponseWriter, r *http.Request) error {
		end, ok := s.limit.Request()
		if !ok {
			return later(retrySoon, problem.New(problem.TooMany, "too many requests are under way"))
		}
		defer end()
		return serve(w, r)
	}
}

// answering turns a call into a handler: bounds the time of its body, writes its error, counts it.
func (s *Server) answering(route string, serve func(http.ResponseWriter, *http.Request) error) http.Handler {
	serve = s.counted(route, serve)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		boundBody(w, r)
		body := s.bodies.charge(r)
		defer body.release()
		rec := &recorder{ResponseWriter: w, status: http.StatusOK}
		if err := serve(rec, r); err != nil {
			s.fail(rec, route, err)
			if rec.status == http.StatusRequestEntityTooLarge {
				body.release()
				r.Body = body.ReadCloser // what is only heard is not kept
				hearOut(rec, r)
			}
		}
		s.metrics.answered(route, rec.status, time.Since(start))
	})
}

func (s *Server) fail(w http.ResponseWriter, route string, err error) {
	p := asProblem(err)
	if p.Name() == problem.Internal {
		s.log.Error("request failed", "route", route, "error", err)
	}
	if err := writeProblem(w, p); err != nil {
		s.log.Error("problem not written", "route", route, "error", err)
	}
}

// recorder remembers the status of an answer, and bounds the time that a client may take to read it.
type recorder struct {
	http.ResponseWriter
	status int
	begun  bool
}

func (r *recorder) WriteHeader(status int) {
	r.bound()
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	r.bound()
	return r.ResponseWriter.Write(b)
}

// bound lets the time that the client has run from the beginning of the answer.
func (r *recorder) bound() {
	if !r.begun {
		r.begun = true
		_ = http.NewResponseController(r.ResponseWriter).SetWriteDeadline(time.Now().Add(answerTimeout))
	}
}

// Unwrap lets http.ResponseController reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// probe takes an answer that nobody gets to see.
type probe struct {
	header http.Header
	status int
}

func (p *probe) Header() http.Header         { return p.header }
func (p *probe) WriteHeader(status int)      { p.status = status }
func (p *probe) Write(b []byte) (int, error) { return len(b), nil }
