package zkcoord

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/medcommit/medcommit/txn"
)

// coordinatorMetrics are what a coordinator counts. A transaction is counted by the coordinator that took it in.
type coordinatorMetrics struct {
	transactions  *prometheus.CounterVec
	inFlight      prometheus.GaugeFunc
	duration      *prometheus.HistogramVec
	leader        prometheus.Gauge
	epoch         prometheus.Gauge
	leaderChanges prometheus.Counter
	failover      prometheus.Histogram
	rejected      *prometheus.CounterVec
	heuristics    *prometheus.CounterVec
	seconds       prometheus.Counter // second decisions
	history       prometheus.Gauge
	historyLimit  prometheus.Gauge
	remembered    prometheus.Gauge
	unread        prometheus.Gauge
}

func newCoordinatorMetrics(r prometheus.Registerer, inFlight func() float64) (*coordinatorMetrics, error) {
	m := &coordinatorMetrics{
		transactions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "medcommit_transactions_total",
			Help: "Decided transactions that this coordinator took in, by outcome.",
		}, []string{"outcome"}),
		inFlight: prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "medcommit_transactions_in_flight",
			Help: "Undecided transactions that this coordinator took in.",
		}, inFlight),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "medcommit_transaction_duration_seconds",
			Help:    "Time from taking a transaction in to its decision, and to its completion at every participant.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 16),
		}, []string{"phase"}),
		leader: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "medcommit_leader",
			Help: "1 while this coordinator leads.",
		}),
		epoch: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "medcommit_epoch",
			Help: "Current epoch, as this coordinator sees it.",
		}),
		leaderChanges: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "medcommit_leader_changes_total",
			Help: "New leaders that this coordinator has seen.",
		}),
		failover: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "medcommit_failover_duration_seconds",
			Help:    "Time from noticing that the leader is gone (its process refuses connections, or its candidature is no more) to deciding in its place, at the coordinator that does so.",
			Buckets: prometheus.ExponentialBuckets(0.005, 2, 14),
		}),
		rejected: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "medcommit_admission_rejected_total",
			Help: "Submissions that were not started, by reason.",
		}, []string{"reason"}),
		heuristics: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "medcommit_unfinished_branches_reported_total",
			Help: "Reports of participants of branches that they cannot finish as decided.",
		}, []string{"participant"}),
		seconds: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "medcommit_second_decisions_total",
			Help: "Second, different decisions of one transaction that were read and ignored. Any is a bug.",
		}),
		history: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "medcommit_history_bytes",
			Help: "Bytes that finished transactions take in ZooKeeper.",
		}),
		historyLimit: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "medcommit_history_limit_bytes",
			Help: "Bytes that finished transactions may take in ZooKeeper; above, submissions are refused.",
		}),
		remembered: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "medcommit_history_transactions",
			Help: "Finished transactions that are remembered.",
		}),
		unread: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "medcommit_unreadable_records",
			Help: "Records in ZooKeeper that could not be read in this session.",
		}),
	}
	for _, c := range []prometheus.Collector{
		m.transactions, m.inFlight, m.duration, m.leader, m.epoch, m.leaderChanges, m.failover, m.rejected, m.heuristics, m.seconds,
		m.history, m.historyLimit, m.remembered, m.unread,
	} {
		if err := r.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// refused counts a submission that was not started because of err; other errors are not counted.
func (m *coordinatorMetrics) refused(err error) {
	if reason := refusal(err); reason != "" {
		m.rejected.WithLabelValues(reason).Inc()
	}
}

func refusal(err error) string {
	switch {
	case errors.Is(err, txn.ErrParticipantsBusy):
		return "participants-busy"
	case errors.Is(err, txn.ErrTooMany):
		return "too-many"
	case errors.Is(err, txn.ErrHistoryFull):
		return "history-full"
	case errors.Is(err, txn.ErrUnavailable):
		return "unavailable"
	case errors.Is(err, txn.ErrParticipantUnknown):
		return "participant-unknown"
	case errors.Is(err, txn.ErrParticipantUnavailable):
		return "participant-unavailable"
	case errors.Is(err, txn.ErrParticipantDrained):
		return "participant-drained"
	case errors.Is(err, txn.ErrIDReuse):
		return "id-reuse"
	}
	return ""
}

func (m *coordinatorMetrics) decided(t *txn.Transaction, after time.Duration) {
	outcome := "aborted"
	if t.State.Commit() {
		outcome = "committed"
	}
	m.transactions.WithLabelValues(outcome).Inc()
	m.duration.WithLabelValues("decision").Observe(after.Seconds())
}

func (m *coordinatorMetrics) completed(after time.Duration) {
	m.duration.WithLabelValues("completion").Observe(after.Seconds())
}
