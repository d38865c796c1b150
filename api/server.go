package api

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/sync/errgroup"

	"github.com/medcommit/medcommit/conns"
)

// What a slow client may take (CONTRACT.md).
const (
	headerTimeout = 5 * time.Second
	bodyTimeout   = 30 * time.Second
	hearOutBytes  = 64 << 20 // of a body over the limit
	answerTimeout = 30 * time.Second
	windDownTime  = 300 * time.Millisecond
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
	// winding says that answers end their connections, see windDown.
	winding atomic.Bool
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
	g, running := errgroup.WithContext(ctx)
	served := make(chan struct{})
	limited := s.limit.Listener(l)
	g.Go(func() error {
		defer close(served)
		if err := s.http.Serve(limited); !s.winding.Load() || !errors.Is(err, net.ErrClosed) {
			return fmt.Errorf("serve HTTP: %w", err)
		}
		return nil
	})
	g.Go(func() error {
		<-running.Done()
		return s.shutdown(context.WithoutCancel(ctx), limited, served)
	})
	return g.Wait()
}

// windDown answers for a short while more, and lets each answer end its connection: a client that sends one request after the other
// on a connection that is closed between two of them cannot tell whether the second was taken.
func (s *Server) windDown() {
	s.winding.Store(true)
	<-time.After(windDownTime)
}

// shutdown ends the server. net/http closes without an answer what it reads of a connection after its Shutdown began, so the listener
// is closed before that, and who connected last has time to send a request.
func (s *Server) shutdown(ctx context.Context, l net.Listener, served <-chan struct{}) error {
	s.windDown()
	_ = l.Close() // it is closed then, whatever it says
	<-served
	<-time.After(windDownTime)
	ctx, cancel := context.WithTimeout(ctx, s.config.StopWithin)
	defer cancel()
	err := s.http.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		s.log.Warn("requests cut off at the stop", "after", s.config.StopWithin)
		err = s.http.Close()
	}
	if err != nil {
		return fmt.Errorf("stop HTTP server: %w", err)
	}
	return nil
}
