package mysql

import (
	"context"
	"slices"
	"sync"
	"time"
)

// idleLimit is how long a connection that nobody needs is kept.
const idleLimit = time.Minute

// pool keeps connections open between uses, the last used first, and bounds how many are in use, those that a prepared branch
// holds included. A new one is opened only where none is idle, so that no more are ever open than may be in use.
type pool struct {
	open  func(context.Context) (*session, error)
	close func(*session) // closes one on which nothing is under way
	room  chan struct{}  // holds one token for each connection in use

	mu     sync.Mutex
	idle   []*session // by the time they were put back
	closed bool
}

func newPool(size int, open func(context.Context) (*session, error), closing func(*session)) *pool {
	return &pool{open: open, close: closing, room: make(chan struct{}, size)}
}

// get takes a connection; while as many are in use as may be it waits, until ctx ends: errNoRoom.
func (p *pool) get(ctx context.Context) (*session, error) {
	select {
	case p.room <- struct{}{}:
	case <-ctx.Done():
		return nil, errNoRoom
	}
	for s := p.pop(); s != nil; s = p.pop() {
		if s.alive(ctx) {
			return s, nil
		}
		p.close(s)
	}
	s, err := p.open(ctx)
	if err != nil {
		<-p.room
		return nil, err
	}
	return s, nil
}

// put gives back a connection on which nothing is under way; drop closes one that broke.
func (p *pool) put(s *session) {
	if s.stained || !p.push(s) {
		p.close(s)
	}
	<-p.room
}

func (p *pool) drop(s *session) {
	s.close()
	<-p.room
}

// shut closes what is idle now, and what is put back later at once.
func (p *pool) shut() {
	p.mu.Lock()
	p.closed = true
	idle := p.idle
	p.idle = nil
	p.mu.Unlock()
	for _, s := range idle {
		p.close(s)
	}
}

func (p *pool) pop() *session {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.idle) == 0 {
		return nil
	}
	last := len(p.idle) - 1
	s := p.idle[last]
	p.idle[last] = nil
	p.idle = p.idle[:last]
	return s
}

// push keeps a connection, and closes those that were not needed for long.
func (p *pool) push(s *session) bool {
	now := time.Now()
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return false
	}
	s.idle = now
	old := 0
	for old < len(p.idle) && now.Sub(p.idle[old].idle) > idleLimit {
		old++
	}
	tired := slices.Clone(p.idle[:old])
	p.idle = append(slices.Delete(p.idle, 0, old), s)
	p.mu.Unlock()
	for _, t := range tired {
		p.close(t)
	}
	return true
}
