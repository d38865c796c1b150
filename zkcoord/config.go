package zkcoord

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/prometheus/client_golang/prometheus"
)

// Config is what a coordinator is made with.
type Config struct {
	// ID names the coordinator among the others: a host name, or [A-Za-z0-9][A-Za-z0-9._-]* of up to 63 bytes.
	ID string
	// Advertise is the URL at which clients and the other coordinators reach this one: "http://host:port".
	Advertise string
	// Version is the program's, for people who look.
	Version string
	// ZooKeeper says where the logs are. Its Logger and Registerer are taken from here where they are not set.
	ZooKeeper DriverConfig
	// Retention is how long a complete transaction is remembered. Default 1 h.
	Retention time.Duration
	// HistoryBytes is what finished transactions may take in ZooKeeper. Default 256 MiB.
	HistoryBytes int64
	// MaxInFlight is how many undecided transactions this coordinator takes in at once. Default 4,096. Above 64, those over one set
	// of participants may be at most as many as there is room left for others.
	MaxInFlight int
	// GenerationSize is after how many creates a log goes on in its next generation. Default 1,000,000,000.
	GenerationSize int32
	// HorizonEvery is the least time between two rounds of forgetting. Default 10 s.
	HorizonEvery time.Duration
	// SweepAfter is the age at which a payload that no submission took is removed. Default 1 h.
	SweepAfter time.Duration
	// Client is used to reach the leader. Default: one of its own, without a proxy.
	Client *http.Client
	// Logger takes what an operator wants to know. Default: none.
	Logger hclog.Logger
	// Registerer takes the metrics. Default: a registry of its own.
	Registerer prometheus.Registerer
}

var coordinatorID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

// Validate finds what cannot work.
func (c Config) Validate() error {
	if !coordinatorID.MatchString(c.ID) {
		return errors.New("configure the coordinator: the id is outside [A-Za-z0-9][A-Za-z0-9._-]* or longer than 63 bytes")
	}
	u, err := url.Parse(c.Advertise)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return errors.New("configure the coordinator: the advertised address is not a URL such as http://host:port")
	}
	for _, bound := range []struct {
		name string
		bad  bool
	}{
		{"retention", c.Retention < 0},
		{"history", c.HistoryBytes < 0},
		{"max-in-flight", c.MaxInFlight < 0},
		{"generation size", c.GenerationSize < 0},
		{"horizon interval", c.HorizonEvery < 0},
		{"sweep age", c.SweepAfter < 0},
	} {
		if bound.bad {
			return fmt.Errorf("configure the coordinator: %s is negative", bound.name)
		}
	}
	return nil
}

func (c Config) withDefaults() Config {
	if c.Retention == 0 {
		c.Retention = time.Hour
	}
	if c.HistoryBytes == 0 {
		c.HistoryBytes = 256 << 20
	}
	if c.MaxInFlight == 0 {
		c.MaxInFlight = 4096
	}
	if c.Logger == nil {
		c.Logger = hclog.NewNullLogger()
	}
	if c.Registerer == nil {
		c.Registerer = prometheus.NewRegistry()
	}
	if c.Client == nil {
		c.Client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8, IdleConnTimeout: time.Minute}}
	}
	return c
}
