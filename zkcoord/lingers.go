package zkcoord

import (
	"time"

	"github.com/medcommit/medcommit/txn"
)

// lingers are for how long the batches of each lane wait.
type lingers struct {
	submissions, decisions txn.Linger
	clients                crowd
}

// rest tells which lanes had better wait still, and until the first of them need not; undecided are that many submissions of this
// coordinator, those included that wait in the lane.
func (l *lingers) rest(m *txn.Coordinator, undecided int, now time.Time) (hold txn.Hold, rest time.Duration) {
	queue := m.Submissions()
	l.clients.look(&queue, undecided, now)
	submissions, decisions := l.submissions.Rest(queue, now), l.decisions.Rest(m.Decisions(), now)
	rest = max(submissions, decisions)
	if submissions > 0 && decisions > 0 {
		rest = min(submissions, decisions)
	}
	return txn.Hold{Submissions: submissions > 0, Decisions: decisions > 0}, rest
}

// sent notes which lane's batch a multi holds.
func (l *lingers) sent(m *txn.Multi, now time.Time) {
	if m.Appends(txn.Transactions) {
		l.submissions.Sent(m.Token, now)
	}
	if m.Appends(txn.Decisions) {
		l.decisions.Sent(m.Token, now)
	}
}

// heard notes the answer to a multi.
func (l *lingers) heard(e txn.Event, now time.Time) {
	l.submissions.Heard(e, now)
	l.decisions.Heard(e, now)
}

// crowd tells whether clients are likely to hand in more before anything is decided. One that has heard of its decision does so soon, one
// that waits does so afterwards. So when as many submissions are undecided as there ever were lately, more come only with a decision.
type crowd struct {
	most, before int // undecided at once since then, and in the span before
	since        time.Time
}

// crowdFor is the span over which the greatest number is taken; that of the one before it counts as well.
const crowdFor = 500 * time.Millisecond

// look tells what may come to a batch of submissions beside so many undecided ones, its own included.
func (c *crowd) look(q *txn.Queue, undecided int, now time.Time) {
	if now.Sub(c.since) >= crowdFor {
		c.most, c.before, c.since = 0, c.most, now
	}
	c.most = max(c.most, undecided)
	if q.Blind = undecided < max(c.most, c.before); !q.Blind {
		q.Join(undecided - q.Records)
	}
}
