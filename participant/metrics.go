package participant

import (
	"fmt"
	"time"

	"github.com/medcommit/medcommit/txn"
	"github.com/prometheus/client_golang/prometheus"
)

// The phases of a branch that are timed.
type phase uint8

const (
	phasePrepare phase = iota
	phaseCommit
	phaseRollback
)

var phaseNames = [...]string{"prepare", "commit", "rollback"}

func (p phase) String() string { return phaseNames[p] }

// metrics are a participant's, by its name.
type metrics struct {
	votes      [4]prometheus.Counter // by txn.Vote
	durations  [len(phaseNames)]prometheus.Observer
	inDoubt    prometheus.Gauge
	oldest     prometheus.Gauge
	heuristics [4]prometheus.Counter // by what became of the branch: txn.VerdictCommit and on
}

func newMetrics(name string, r prometheus.Registerer) (*metrics, error) {
	votes := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "medcommit_votes_total", Help: "Votes that the participant has written.",
	}, []string{"participant", "vote"})
	durations := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "medcommit_branch_duration_seconds", Help: "How long the site's database took over a branch.",
		Buckets: prometheus.ExponentialBuckets(0.0005, 2, 16),
	}, []string{"participant", "phase"})
	inDoubt := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "medcommit_in_doubt_branches", Help: "Branches that are prepared and whose decision is not known.",
	}, []string{"participant"})
	oldest := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "medcommit_in_doubt_oldest_age_seconds", Help: "For how long the oldest branch in doubt has been prepared.",
	}, []string{"participant"})
	heuristics := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "medcommit_heuristic_outcomes_total", Help: "Branches that ended otherwise than was decided, by how they ended.",
	}, []string{"participant", "outcome"})
	for _, c := range []prometheus.Collector{votes, durations, inDoubt, oldest, heuristics} {
		if err := r.Register(c); err != nil {
			return nil, fmt.Errorf("register metrics: %w", err)
		}
	}
	m := &metrics{inDoubt: inDoubt.WithLabelValues(name), oldest: oldest.WithLabelValues(name)}
	for _, v := range []txn.Vote{txn.VoteCommit, txn.VoteAbort, txn.VoteReadOnly} {
		m.votes[v] = votes.WithLabelValues(name, v.String())
	}
	for i, phase := range phaseNames {
		m.durations[i] = durations.WithLabelValues(name, phase)
	}
	// A branch that was to commit and is not there counts as rolled back, and the other way round.
	m.heuristics[txn.VerdictCommit] = heuristics.WithLabelValues(name, txn.OutcomeHeuristicRollback.String())
	m.heuristics[txn.VerdictAbort] = heuristics.WithLabelValues(name, txn.OutcomeHeuristicCommit.String())
	return m, nil
}

func (m *metrics) voted(v txn.Vote) {
	if c := m.votes[v]; c != nil {
		c.Inc()
	}
}

func (m *metrics) took(p phase, since time.Time) { m.durations[p].Observe(time.Since(since).Seconds()) }

func (m *metrics) stands(inDoubt int, oldest time.Duration) {
	m.inDoubt.Set(float64(inDoubt))
	m.oldest.Set(oldest.Seconds())
}

// heuristic counts a branch that ended otherwise than was decided.
func (m *metrics) heuristic(decided txn.Verdict) {
	if c := m.heuristics[decided]; c != nil {
		c.Inc()
	}
}

// settled counts a branch that an operator ended by force.
func (m *metrics) settled(end txn.Verdict) {
	if end == txn.VerdictCommit {
		m.heuristic(txn.VerdictAbort)
		return
	}
	m.heuristic(txn.VerdictCommit)
}
