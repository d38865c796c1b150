package api

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/medcommit/medcommit/conns"
)

// ErrConfig says that a Server cannot be made of a Config.
var ErrConfig = errors.New("bad configuration of the HTTP API")

// PeersPath is below which Config.Peers answers.
const PeersPath = "/internal/"

// Config is what a Server is made with.
type Config struct {
	Service Service
	// Version of the program, for the OpenAPI document.
	Version string
	// VoteTimeout is the timeout of a transaction that names none. Default 10 s.
	VoteTimeout time.Duration
	// MaxBody is the size of a request's body in bytes. Default 8 MiB.
	MaxBody int64
	// MaxConnections is how many connections the server holds at once. Default conns.Most, or what the limit on open files
	// allows.
	MaxConnections int
	// Heartbeat is how often an idle stream of events shows that it lives. Default 15 s.
	Heartbeat time.Duration
	// StopWithin is how long running requests have when the server stops. Default 10 s.
	StopWithin time.Duration
	// Peers answers what coordinators ask of one another, under PeersPath. It is no part of the API. Default: nothing is there.
	Peers http.Handler
	// Registerer takes the metrics of the server, Gatherer gives what /metrics shows.
	Registerer prometheus.Registerer
	Gatherer   prometheus.Gatherer
	Logger     hclog.Logger
}

func (c Config) withDefaults() Config {
	if c.VoteTimeout == 0 {
		c.VoteTimeout = 10 * time.Second
	}
	if c.MaxBody == 0 {
		c.MaxBody = 8 << 20
	}
	if c.MaxConnections == 0 {
		c.MaxConnections = conns.Allowed(0)
	}
	if c.Heartbeat == 0 {
		c.Heartbeat = 15 * time.Second
	}
	if c.StopWithin == 0 {
		c.StopWithin = 10 * time.Second
	}
	return c
}

// Validate tells what is wrong with a configuration whose defaults are filled in.
func (c Config) Validate() error {
	switch {
	case c.Service == nil || c.Registerer == nil || c.Gatherer == nil || c.Logger == nil:
		return fmt.Errorf("%w: service, registerer, gatherer and logger are required", ErrConfig)
	case c.VoteTimeout < minTimeout || c.VoteTimeout > maxTimeout:
		return fmt.Errorf("%w: vote-timeout must be 100ms to 10m", ErrConfig)
	case c.MaxBody < 1:
		return fmt.Errorf("%w: max-body must be positive", ErrConfig)
	case c.MaxConnections < 1:
		return fmt.Errorf("%w: the number of connections must be positive", ErrConfig)
	}
	return nil
}
