package zkcoord

import (
	"context"
	"sync"

	"github.com/medcommit/medcommit/txn"
)

// item is one event on its way to the consumer, or a session's beginning or end.
type item struct {
	session  *session // of a read, whose events end with the session
	event    txn.Event
	up, lost bool
}

// queue holds events until the consumer takes them. Answers are always let in, so that nothing that ZooKeeper's client calls can
// block; whoever follows a log waits for room first.
type queue struct {
	mu    sync.Mutex
	items []item
	wake  bell          // while there may be something to take, or to let take return with nothing
	taken chan struct{} // closed, and made anew, when everything was taken
}

// roomy is how many events may wait before followers pause. Each can hold a batch.
const roomy = 64

func (q *queue) init() {
	q.wake = newBell()
	q.taken = make(chan struct{})
}

func (q *queue) push(it item) {
	q.mu.Lock()
	q.items = append(q.items, it)
	q.mu.Unlock()
	q.wake.ring()
}

// take waits for events and takes them all; it gives false when ctx has ended.
func (q *queue) take(ctx context.Context) ([]item, bool) {
	select {
	case <-ctx.Done():
		return nil, false
	case <-q.wake:
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	items := q.items
	q.items = nil
	close(q.taken)
	q.taken = make(chan struct{})
	return items, true
}

// awaitRoom waits until few events are waiting, or ctx has ended.
func (q *queue) awaitRoom(ctx context.Context) {
	for {
		q.mu.Lock()
		full, taken := len(q.items) >= roomy, q.taken
		q.mu.Unlock()
		if !full {
			return
		}
		select {
		case <-taken:
		case <-ctx.Done():
			return
		}
	}
}
