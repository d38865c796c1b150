package conns

import (
	"container/list"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
)

// Most is how many connections a listener holds at once unless the process may open fewer files. Spare is how many of them no
// counted request can take.
const (
	Most  = 8192
	Spare = 256
)

// Limit bounds the connections of one http.Server: it wraps the listener, and must be told the states of its connections.
type Limit struct {
	most     int
	requests atomic.Int64

	mu    sync.Mutex
	open  map[net.Conn]*list.Element // nil: a request is under way
	idle  *list.List                 // of net.Conn, longest without a request first
	freed chan struct{}              // holds one when there may be room again
	done  chan struct{}              // closed with the listener
	once  sync.Once
}

// New makes a limit of most connections, of which Spare, or a quarter where that is less, are kept from counted requests.
func New(most int) *Limit {
	return &Limit{most: max(most, 1), open: map[net.Conn]*list.Element{}, idle: list.New(), freed: make(chan struct{}, 1), done: make(chan struct{})}
}

// Listener gives inner's connections, no more of them at once than the limit.
func (l *Limit) Listener(inner net.Listener) net.Listener { return &listener{inner, l} }

// State is to be the http.Server's ConnState.
func (l *Limit) State(c net.Conn, s http.ConnState) {
	c = bare(c)
	l.mu.Lock()
	defer l.mu.Unlock()
	at, ours := l.open[c]
	if !ours {
		return
	}
	if at != nil {
		l.idle.Remove(at)
		l.open[c] = nil
	}
	switch s {
	case http.StateNew, http.StateIdle:
		l.open[c] = l.idle.PushBack(c)
		l.signal()
	case http.StateHijacked, http.StateClosed:
		delete(l.open, c)
		l.signal()
	}
}

// bare is the connection that the listener gave, below TLS.
func bare(c net.Conn) net.Conn {
	for {
		wrapped, ok := c.(interface{ NetConn() net.Conn })
		if !ok {
			return c
		}
		c = wrapped.NetConn()
	}
}

// Request counts a request that begins, and tells whether it may be served; where it may, end is to be called when it was.
func (l *Limit) Request() (end func(), ok bool) {
	if l.requests.Add(1) > int64(l.most-min(Spare, l.most/4)) {
		l.requests.Add(-1)
		return nil, false
	}
	return func() { l.requests.Add(-1) }, true
}

// admit notes a new connection, and gives the one that must go for it. It gives false while there is no room.
func (l *Limit) admit(c net.Conn) (goes net.Conn, ok bool) {
	c = bare(c)
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.open) >= l.most {
		oldest := l.idle.Front()
		if oldest == nil {
			return nil, false
		}
		goes = l.idle.Remove(oldest).(net.Conn)
		delete(l.open, goes)
	}
	l.open[c] = l.idle.PushBack(c)
	return goes, true
}

func (l *Limit) signal() {
	select {
	case l.freed <- struct{}{}:
	default:
	}
}

type listener struct {
	net.Listener
	limit *Limit
}

// Accept gives the next connection when there is room for it.
func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	for {
		goes, ok := l.limit.admit(c)
		if ok {
			if goes != nil {
				_ = goes.Close() // it has no request, so nobody is told
			}
			return c, nil
		}
		select {
		case <-l.limit.freed:
		case <-l.limit.done:
			_ = c.Close() // the listener is closed, and nobody will serve it
			return nil, net.ErrClosed
		}
	}
}

// Close closes the listener; Accept ends too.
func (l *listener) Close() error {
	l.limit.once.Do(func() { close(l.limit.done) })
	return l.Listener.Close()
}
