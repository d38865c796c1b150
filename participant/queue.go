package participant

import (
	"context"
	"sync"
)

// queue holds what waits for a goroutine, without a limit: who puts is never held up. Its length is bounded by the machine, which
// asks for a bounded number of things at once.
type queue[T any] struct {
	mu    sync.Mutex
	items []T
	// ready holds a token while there may be items.
	ready chan struct{}
}

func newQueue[T any]() *queue[T] { return &queue[T]{ready: make(chan struct{}, 1)} }

func (q *queue[T]) put(item T) {
	q.mu.Lock()
	q.items = append(q.items, item)
	q.mu.Unlock()
	q.signal()
}

func (q *queue[T]) signal() {
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

// takeAll gives all items at once, using spare, which is not used any more, for those to come.
func (q *queue[T]) takeAll(spare []T) []T {
	clear(spare)
	q.mu.Lock()
	defer q.mu.Unlock()
	items := q.items
	q.items = spare[:0]
	return items
}

// take waits for one item, or for the end of ctx.
func (q *queue[T]) take(ctx context.Context) (item T, ok bool) {
	for {
		select {
		case <-ctx.Done():
			return item, false
		case <-q.ready:
		}
		q.mu.Lock()
		if len(q.items) == 0 {
			q.mu.Unlock()
			continue
		}
		item, q.items = q.items[0], q.items[1:]
		more := len(q.items) > 0
		q.mu.Unlock()
		if more {
			q.signal()
		}
		return item, true
	}
}
