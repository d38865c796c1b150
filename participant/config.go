package participant

import (
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/medcommit/medcommit/txn"
	"github.com/prometheus/client_golang/prometheus"
)

// Config is what a Participant is made with.
type Config struct {
	// Name is the participant's, unique in the cluster.
	Name string
	// Catalogue lists what may be done at the site. Default: that of OpenCatalogue on an embedded store; elsewhere it must be given.
	Catalogue *Catalogue
	// URL is where the participant's listener is reached, to be shown; empty: not shown.
	URL string
	// Version of the program, to be shown.
	Version string
	// WithdrawAfter is how long a prepared branch waits without any leader before it is withdrawn (R9). Default 30 s; negative: never.
	WithdrawAfter time.Duration
	// MaxInFlight is how many branches are worked on at once. Default 64.
	MaxInFlight int
	// Finishers is how many branches are committed or rolled back at once. Default 8, as a database has that many connections for it;
	// 64 on an embedded store, which writes together what comes together.
	Finishers int
	// GenerationSize is after how many creates a log goes on in its next generation. Default 1,000,000,000.
	GenerationSize int32
	// MaxOps is how many operations one request to ZooKeeper holds. Default 1,000.
	MaxOps int
	// Logger gets what an operator wants to know. Default: none.
	Logger hclog.Logger
	// Registerer gets the metrics. Default: none.
	Registerer prometheus.Registerer
}

const embeddedFinishers = 64

// Validate says what is wrong with the settings.
func (c Config) Validate() error {
	switch {
	case !txn.ValidName(c.Name):
		return fmt.Errorf("the participant's name: %w", txn.ErrBadName)
	case c.MaxInFlight < 0:
		return errors.New("the number of branches in flight is negative")
	case c.Finishers < 0:
		return errors.New("the number of finishers is negative")
	case c.GenerationSize < 0 || c.MaxOps < 0:
		return errors.New("the size of a generation or of a request is negative")
	}
	return nil
}

func (c *Config) defaults() {
	if c.Catalogue == nil {
		c.Catalogue = OpenCatalogue()
	}
	if c.WithdrawAfter == 0 {
		c.WithdrawAfter = 30 * time.Second
	}
	c.WithdrawAfter = max(c.WithdrawAfter, 0)
	if c.MaxInFlight == 0 {
		c.MaxInFlight = 64
	}
	if c.Finishers == 0 {
		c.Finishers = 8
	}
	if c.Logger == nil {
		c.Logger = hclog.NewNullLogger()
	}
	if c.Registerer == nil {
		c.Registerer = prometheus.NewRegistry()
	}
}
