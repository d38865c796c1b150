package embedded

import (
	"context"
	"sync"

	"github.com/medcommit/medcommit/txn"
)

// turns let one call at a time work on a branch.
type turns struct {
	mu   sync.Mutex
	busy map[txn.XID]*turn
}

type turn struct {
	token chan struct{} // holds one when nobody has the turn
	users int
}

// take waits for the branch's turn, or for the end of ctx.
func (t *turns) take(ctx context.Context, x txn.XID) (release func(), err error) {
	t.mu.Lock()
	u := t.busy[x]
	if u == nil {
		u = &turn{token: make(chan struct{}, 1)}
		u.token <- struct{}{}
		t.busy[x] = u
	}
	u.users++
	t.mu.Unlock()
	leave := func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if u.users--; u.users == 0 {
			delete(t.busy, x)
		}
	}
	select {
	case <-u.token:
		return func() { u.token <- struct{}{}; leave() }, nil
	case <-ctx.Done():
		leave()
		return nil, ctx.Err()
	}
}
