package api

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/medcommit/medcommit/conns"
)

// What a slow client may take (CONTRACT.md).
const (
	headerTimeout = 5 * time.Second
	bodyTimeout   = 30 * time.Second
	hearOutBytes  = 64 << 20 // of a body over the limit
	answerTimeout = 30 * time.Second
	idleTimeout   = 2 * time.Minute
	maxHeader     = 64 << 10
)

// Server serves the HTTP API of one coordinator.
type Server struct {
	config  Config
	service Service
	log     hclog.Logger
	metrics *metrics
	checker checker
	limit   *conns.Limit
	bodies  *budget
	handler http.Handler
	http    *http.Server
	// stopping ends the streams of events, which would keep a stopping server waiting.
	stopping context.Context
	stop     context.CancelFunc
}

// NewServer makes a server that listens to nothing yet.
func NewServer(config Config) (*Server, error) {
	config = config.withDefaults()
	if err := config.Validate(); err != nil {
		return nil, err
	}
	m, err := newMetrics(config.Registerer)
	if err != nil {
		return nil, err
	}
	s := &Server{
		config:  config,
		service: config.Service,
		log:     config.Logger.Named("http"),
		metrics: m,
		limit:   conns.New(config.MaxConnections),
		bodies:  newBudget(config.MaxBody),
		checker: checker{schemas: newSchemas(), voteTimeout: config.VoteTimeout},
	}
	s.stopping, s.stop = context.WithCancel(context.Background())
	if s.handler, err = s.router(); err != nil {
		return nil, err
	}
	s.http = &http.Server{
		Handler:           s.handler,
		ConnState:         s.limit.State,
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          s.log.StandardLogger(&hclog.StandardLoggerOptions{ForceLevel: hclog.Warn}),
	}
	s.http.RegisterOnShutdown(s.stop)
	return s, nil
}

// Handler answers every call of the API.
func (s *Server) Handler() http.Handler { return s.handler }

// Serve answers on l until ctx ends, lets running requests end for a while, and returns when all connections are closed.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	err := conns.Serve(ctx, s.http, s.limit.Listener(l), s.config.StopWithin)
	if errors.Is(err, conns.ErrCutOff) {
		s.log.Warn("requests cut off at the stop", "after", s.config.StopWithin)
		return nil
	}
	return err
}
