package client

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// What a Client finds.
var (
	// ErrConfig says that a Client cannot be made of a Config.
	ErrConfig = errors.New("bad configuration of the client")
	// ErrUnreachable says that no coordinator could be connected to: nothing was sent.
	ErrUnreachable = errors.New("no coordinator answers")
	// ErrLost says that the answer to what was sent was lost, or did not come in time: it may have been done.
	ErrLost = errors.New("the answer was lost")
	// ErrAnswer says that what answered is no coordinator of this version.
	ErrAnswer = errors.New("the answer is not one of a coordinator")
)

// Config is what a Client is made with.
type Config struct {
	// Coordinators are base URLs, tried in turn. Default http://127.0.0.1:7070.
	Coordinators []string
	// Patience is how long a call is tried again where no coordinator answers, the cluster is unavailable or has too many
	// transactions in flight, or a participant is not ready. Default 10 s; negative: every coordinator once.
	Patience time.Duration
	// Stay keeps to the coordinator that answered last, where it names another that leads as well: for who means that one. Default:
	// the next call asks the leader, where it is among Coordinators.
	Stay bool
	// HTTP sends the requests. Default: a client that keeps 256 idle connections to each coordinator.
	HTTP *http.Client
}

// Client calls a cluster. It may be used by any number of goroutines.
type Client struct {
	bases    []string
	patience time.Duration
	stay     bool
	http     *http.Client
	first    atomic.Uint32 // is asked first: the coordinator that answered last, or the leader
	failed   sync.Map      // base URL to time.Time: when a coordinator last gave no answer
}

// New makes a client; it connects to nothing yet.
func New(config Config) (*Client, error) {
	if len(config.Coordinators) == 0 {
		config.Coordinators = []string{"http://127.0.0.1:7070"}
	}
	if config.Patience == 0 {
		config.Patience = 10 * time.Second
	}
	if config.HTTP == nil {
		config.HTTP = &http.Client{Transport: newTransport()}
	}
	c := &Client{patience: config.Patience, stay: config.Stay, http: config.HTTP}
	for _, base := range config.Coordinators {
		u, err := url.Parse(base)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
			return nil, fmt.Errorf("%w: a coordinator is http://HOST:PORT, not %q", ErrConfig, base)
		}
		c.bases = append(c.bases, strings.TrimSuffix(base, "/"))
	}
	return c, nil
}

func newTransport() *http.Transport {
	return &http.Transport{
		DialContext:         (&net.Dialer{Timeout: 2 * time.Second, KeepAlive: 15 * time.Second}).DialContext,
		MaxIdleConnsPerHost: 256,
		IdleConnTimeout:     time.Minute,
	}
}
