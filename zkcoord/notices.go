package zkcoord

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/medcommit/medcommit/txn"
)

// noticeBuffer is how many notices a reader may be behind before it is cut off.
const noticeBuffer = 1024

// notices gives every change to all who listen. Publishing never waits for a reader.
type notices struct {
	mu      sync.Mutex
	readers map[chan txn.Notice]struct{}
	count   atomic.Int32
	closed  bool
}

func newNotices() *notices { return &notices{readers: map[chan txn.Notice]struct{}{}} }

// wanted tells whether anybody listens, so that nothing is built for nobody.
func (n *notices) wanted() bool { return n.count.Load() > 0 }

// subscribe gives notices until ctx ends, the reader falls noticeBuffer behind, or the coordinator ends; then it closes the
// channel.
func (n *notices) subscribe(ctx context.Context) <-chan txn.Notice {
	reader := make(chan txn.Notice, noticeBuffer)
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed || ctx.Err() != nil {
		close(reader)
		return reader
	}
	n.readers[reader] = struct{}{}
	n.count.Add(1)
	context.AfterFunc(ctx, func() { n.cut(reader) })
	return reader
}

func (n *notices) publish(notice txn.Notice) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for reader := range n.readers {
		select {
		case reader <- notice:
		default:
			n.remove(reader)
		}
	}
}

func (n *notices) cut(reader chan txn.Notice) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.remove(reader)
}

func (n *notices) close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.closed = true
	for reader := range n.readers {
		n.remove(reader)
	}
}

func (n *notices) remove(reader chan txn.Notice) {
	if _, there := n.readers[reader]; !there {
		return
	}
	delete(n.readers, reader)
	n.count.Add(-1)
	close(reader)
}
