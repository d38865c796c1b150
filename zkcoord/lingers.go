package zkcoord

import (
	"time"

	"github.com/medcommit/medcommit/txn"
)

// lingers are for how long the batches of each lane wait.
type lingers struct{ submissions, decisions txn.Linger }

// rest tells which lanes had better wait still, and until the first of them need not.
func (l *lingers) rest(m *txn.Coordinator, now time.Time) (hold txn.Hold, rest time.Duration) {
	submissions, decisions := l.submissions.Rest(m.Submissions(), now), l.decisions.Rest(m.Decisions(), now)
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
