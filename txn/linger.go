package txn

import "time"

// Linger is for how long a batch waits for more before it is sent. A proposal costs ZooKeeper as much as dozens of records in it, and
// all that follows from one follows for the whole batch. So a batch waits until it holds as many records as batches did lately, but the
// less the fewer those were, and where they were one or two not at all: a lone client does not wait for others. A small batch among
// large ones shortens the waiting only little: else the next would be small for its sake.
type Linger struct{ usual int }

// A batch waits lingerEach for each record that batches usually hold, within the two bounds, and where they hold more than fewInBatch.
const (
	fewInBatch     = 2
	lingerEach     = 60 * time.Microsecond
	shortestLinger = time.Millisecond
	longestLinger  = 4 * time.Millisecond
)

// Sent notes how many records a batch held.
func (l *Linger) Sent(records int) { l.usual = max(records, l.usual-(l.usual+3)/4) }

// For is how long a batch waits, from its first record on, while it holds so many.
func (l *Linger) For(records int) time.Duration {
	if l.usual <= fewInBatch || records >= l.usual {
		return 0
	}
	return min(max(time.Duration(l.usual)*lingerEach, shortestLinger), longestLinger)
}
