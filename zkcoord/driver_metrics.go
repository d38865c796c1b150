package zkcoord

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// driverMetrics are a driver's.
type driverMetrics struct {
	duration    map[request]prometheus.Observer
	expirations prometheus.Counter
	undecodable *prometheus.CounterVec
}

func newDriverMetrics(r prometheus.Registerer) *driverMetrics {
	f := promauto.With(r)
	durations := f.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "medcommit_zookeeper_request_duration_seconds",
		Help:    "How long ZooKeeper took to answer a request, time without a connection included.",
		Buckets: prometheus.ExponentialBuckets(0.00025, 2, 16),
	}, []string{"op"})
	duration := map[request]prometheus.Observer{}
	for _, r := range []request{reqMulti, reqCreate, reqSet, reqGet, reqMultiRead, reqExists, reqChildren, reqWatch} {
		duration[r] = durations.WithLabelValues(string(r))
	}
	return &driverMetrics{
		duration: duration,
		expirations: f.NewCounter(prometheus.CounterOpts{
			Name: "medcommit_zookeeper_session_expirations_total",
			Help: "ZooKeeper sessions of this process that were lost.",
		}),
		undecodable: f.NewCounterVec(prometheus.CounterOpts{
			Name: "medcommit_zookeeper_undecodable_entries_total",
			Help: "Log entries that were read and could not be decoded, by log.",
		}, []string{"log"}),
	}
}

// request is a kind of request to ZooKeeper, as the metrics name it.
type request string

// The requests.
const (
	reqMulti     request = "multi"
	reqWatch     request = "watch"
	reqCreate    request = "create"
	reqSet       request = "set"
	reqGet       request = "get"
	reqMultiRead request = "multi_read"
	reqExists    request = "exists"
	reqChildren  request = "children"
)

func (m *driverMetrics) observe(r request, since time.Time) {
	m.duration[r].Observe(time.Since(since).Seconds())
}
