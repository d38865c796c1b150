package mysql

import (
	"context"
	"sync"

	"github.com/medcommit/medcommit/txn"
)

// branch is what this process knows of one branch; calls on it follow each other.
type branch struct {
	turn  chan struct{} // full while a call has its turn
	users int           // calls that have their turn or wait for it

	// The rest belongs to the call that has its turn.

	// session is the connection that the branch is prepared on and attached to.
	session *session
	// lost are the user locks of connections on which something of the branch may still be under way, or be attached.
	lost []string
}

// branches are those on which calls are under way or something is held.
type branches struct {
	mu   sync.Mutex
	byID map[txn.XID]*branch
}

// take waits for a turn with a branch. The caller calls release when it is done.
func (t *branches) take(ctx context.Context, xid txn.XID) (b *branch, release func(), err error) {
	t.mu.Lock()
	b = t.byID[xid]
	if b == nil {
		b = &branch{turn: make(chan struct{}, 1)}
		t.byID[xid] = b
	}
	b.users++
	t.mu.Unlock()
	select {
	case b.turn <- struct{}{}:
		return b, func() { t.leave(xid, b, true) }, nil
	case <-ctx.Done():
		t.leave(xid, b, false)
		return nil, nil, ctx.Err()
	}
}

func (t *branches) leave(xid txn.XID, b *branch, hadTurn bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	b.users--
	if b.users == 0 && b.session == nil && len(b.lost) == 0 {
		delete(t.byID, xid)
	}
	if hadTurn {
		<-b.turn
	}
}

// sessions takes all connections out that branches hold. No call may be under way.
func (t *branches) sessions() []*session {
	t.mu.Lock()
	defer t.mu.Unlock()
	var held []*session
	for _, b := range t.byID {
		if b.session != nil {
			held = append(held, b.session)
		}
	}
	clear(t.byID)
	return held
}
