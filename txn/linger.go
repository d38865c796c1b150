package txn

import "time"

// Linger is for how long a batch waits for more before it is sent. A proposal costs ZooKeeper as much as dozens of records in it, and
// all that follows from one follows for the whole batch. So a batch waits until it holds as many records as batches did lately, but the
// less the fewer those were, and where they were one or two not at all: a lone client does not wait for others. A small batch among
// large ones shortens the waiting only little: else the next would be small for its sake.
type Linger struct {
	usual int       // how many records batches held lately
	held  int       // how many the batch held at the last look
	since time.Time // when it began; zero: there is none
}

// A batch waits lingerEach for each record that batches usually hold, within the two bounds, and where they hold more than fewInBatch.
const (
	fewInBatch     = 2
	lingerEach     = 60 * time.Microsecond
	shortestLinger = time.Millisecond
	longestLinger  = 4 * time.Millisecond
)

// Sent notes how many records a batch held.
func (l *Linger) Sent(records int) { l.usual = max(records, l.usual-(l.usual+3)/4) }

// Rest is for how long a batch that holds so many records by now had better wait still; zero: it is to be sent, and the next one begins.
func (l *Linger) Rest(records int, now time.Time) time.Duration {
	if l.since.IsZero() || l.held == 0 && records > 0 {
		l.since = now
	}
	l.held = records
	if rest := l.wait(records) - now.Sub(l.since); rest > 0 {
		return rest
	}
	l.held, l.since = 0, time.Time{}
	return 0
}

// wait is for how long a batch waits, from its first record on, while it holds so many.
func (l *Linger) wait(records int) time.Duration {
	if l.usual <= fewInBatch || records >= l.usual {
		return 0
	}
	return min(max(time.Duration(l.usual)*lingerEach, shortestLinger), longestLinger)
}
