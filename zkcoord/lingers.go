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
	queue.Coming, queue.Blind = l.clients.more(queue.Records, undecided, now)
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

// more tells how many are known to come to a batch that holds so many of the undecided, and whether others may. The greater part does not
// wait for those whom the smaller one's decision brings, or both would wait for each other in turn; the smaller one does, and so joins it.
func (c *crowd) more(waiting, undecided int, now time.Time) (coming int, others bool) {
	if now.Sub(c.since) >= crowdFor {
		c.most, c.before, c.since = 0, c.most, now
	}
	c.most = max(c.most, undecided)
	switch {
	case undecided < max(c.most, c.before):
		return 0, true
	case 2*waiting < undecided:
		return undecided - waiting, true
	}
	return 0, false
}
