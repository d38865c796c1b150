package zkcoord

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// gate makes the network connections of one session, and closes them for good: what the library has queued when its session is
// over can then reach no server.
type gate struct {
	by    func(ctx context.Context, network, addr string) (net.Conn, error)
	greet time.Duration // within which a server must answer the request for a session

	mu    sync.Mutex
	over  bool
	conns map[*gatedConn]struct{}
}

func newGate(by func(ctx context.Context, network, addr string) (net.Conn, error), greet time.Duration) *gate {
	return &gate{by: by, greet: greet, conns: map[*gatedConn]struct{}{}}
}

// dial is the library's Dialer.
func (g *gate) dial(network, addr string, timeout time.Duration) (net.Conn, error) {
	g.mu.Lock()
	over := g.over
	g.mu.Unlock()
	if over {
		return nil, fmt.Errorf("dial: %w", net.ErrClosed)
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	conn, err := g.by(ctx, network, addr)
	if err != nil {
		return nil, fmt.Errorf("dial: %w", err)
	}
	c := &gatedConn{Conn: conn, gate: g, read: bufio.NewReaderSize(conn, readBuffer)}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.over {
		conn.Close()
		return nil, fmt.Errorf("dial: %w", net.ErrClosed)
	}
	g.conns[c] = struct{}{}
	return c, nil
}

// shut closes every connection and lets no new one be made.
func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.over = true
	for c := range g.conns {
		c.Conn.Close()
	}
	clear(g.conns)
}

type gatedConn struct {
	net.Conn
	gate    *gate
	greeted atomic.Bool
	read    *bufio.Reader
}

// readBuffer saves system calls: the library reads the length of a packet, then the packet, and there are often several.
const readBuffer = 32 << 10

// SetReadDeadline shortens the library's patience with a server that takes connections and says nothing: it would wait for more
// than six session time-outs, and the session would be lost although other servers are there.
func (c *gatedConn) SetReadDeadline(t time.Time) error {
	if soon := time.Now().Add(c.gate.greet); !c.greeted.Load() && (t.IsZero() || t.After(soon)) {
		t = soon
	}
	return c.Conn.SetReadDeadline(t)
}

// Read is for the library's one reader.
func (c *gatedConn) Read(b []byte) (int, error) {
	n, err := c.read.Read(b)
	if n > 0 {
		c.greeted.Store(true)
	}
	return n, err
}

// Write never fails: it closes the connection instead, and the library learns that from its reader. For the library answers a request
// whose write has failed twice, and one that was queued while it was being closed once more; there is room for two answers, so that
// the third would hang it for good, and with it the end of the session.
func (c *gatedConn) Write(b []byte) (int, error) {
	carry(b)
	if _, err := c.Conn.Write(b); err != nil {
		c.Conn.Close()
	}
	return len(b), nil
}

func (c *gatedConn) Close() error {
	c.gate.mu.Lock()
	delete(c.gate.conns, c)
	c.gate.mu.Unlock()
	return c.Conn.Close()
}
