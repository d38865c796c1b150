package txn

import (
	"container/heap"
	"slices"
	"time"
)

// deadlines is a queue of transactions by their deadline.
type deadlines struct {
	heap    deadlineHeap
	crowded int // at this length the heap is cleared of what is decided
}

// uncrowded is how many deadlines are kept without a look at which are still of use.
const uncrowded = 256

func (d *deadlines) add(at time.Duration, t *transaction) {
	heap.Push(&d.heap, deadline{at, t})
	if len(d.heap) > max(d.crowded, uncrowded) {
		d.clear()
	}
}

// clear drops what is decided: with long time-outs most deadlines never come.
func (d *deadlines) clear() {
	d.heap = slices.DeleteFunc(d.heap, func(x deadline) bool { return x.t.decision != nil })
	heap.Init(&d.heap)
	d.crowded = 2 * len(d.heap)
}

// next takes the next transaction whose deadline has come and that is not decided.
func (d *deadlines) next(now time.Duration) (*transaction, bool) {
	for len(d.heap) > 0 && (d.heap[0].at <= now || d.heap[0].t.decision != nil) {
		t := heap.Pop(&d.heap).(deadline).t
		if t.decision == nil {
			return t, true
		}
	}
	return nil, false
}

type deadline struct {
	at time.Duration
	t  *transaction
}

type deadlineHeap []deadline

func (h deadlineHeap) Len() int           { return len(h) }
func (h deadlineHeap) Less(i, j int) bool { return h[i].at < h[j].at }
func (h deadlineHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *deadlineHeap) Push(x any)        { *h = append(*h, x.(deadline)) }
func (h *deadlineHeap) Pop() any {
	old := *h
	x := old[len(old)-1]
	old[len(old)-1] = deadline{}
	*h = old[:len(old)-1]
	return x
}
