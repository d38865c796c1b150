package zkcoord

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// gate makes the network connections of one session, and closes them for good: what the library has queued when its session is
// over can then reach no server.
type gate struct {
	by    func(ctx context.Context, network, addr string) (net.Conn, error)
	greet time.Duration // within which a server must answer the request to take the session up

	mu       sync.Mutex
	over     bool
	conns    map[*gatedConn]struct{}
	begun    bool          // there is a session
	patience time.Duration // with the next server
}

// slowest is how many times greet a server may take for a new session.
const slowest = 8

func newGate(by func(ctx context.Context, network, addr string) (net.Conn, error), greet time.Duration) *gate {
	return &gate{by: by, greet: greet, patience: greet, conns: map[*gatedConn]struct{}{}}
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
	c.patience = g.patience
	if g.over {
		conn.Close()
		return nil, fmt.Errorf("dial: %w", net.ErrClosed)
	}
	g.conns[c] = struct{}{}
	return c, nil
}

// silent notes that a server has not answered in time. The next one is given twice the time for a new session, which ZooKeeper writes
// to its disks before it answers, however slow they are; one that is there already is taken up without, and before it ends.
func (g *gate) silent() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.begun {
		g.patience = min(2*g.patience, slowest*g.greet)
	}
}

func (g *gate) answered() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.begun, g.patience = true, g.greet
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
	gate     *gate
	patience time.Duration // until it is greeted
	greeted  atomic.Bool
	carriage carriage

	// For the library's one reader.
	read  *bufio.Reader
	first []byte // what it is given before the rest of a packet
	rest  int    // how many bytes of a packet it has not read yet
}

// readBuffer saves system calls: the library reads the length of a packet, then the packet, and there are often several.
const readBuffer = 32 << 10

// SetReadDeadline shortens the library's patience with a server that takes connections and says nothing: it would wait for more
// than six session time-outs, and the session would be lost although other servers are there.
func (c *gatedConn) SetReadDeadline(t time.Time) error {
	if soon := time.Now().Add(c.patience); !c.greeted.Load() && (t.IsZero() || t.After(soon)) {
		t = soon
	}
	return c.Conn.SetReadDeadline(t)
}

// Read gives the packets of the server, those to requests that were carried as answers to what carried them. None is read over its end.
func (c *gatedConn) Read(b []byte) (int, error) {
	if len(c.first) == 0 && c.rest == 0 {
		if err := c.begin(); err != nil {
			return 0, err
		}
	}
	if len(c.first) > 0 {
		n := copy(b, c.first)
		c.first = c.first[n:]
		return n, nil
	}
	n, err := c.read.Read(b[:min(len(b), c.rest)])
	c.rest -= n
	return n, err
}

// begin looks at the next packet's header.
func (c *gatedConn) begin() error {
	length, err := c.read.Peek(xidAt)
	if err != nil {
		if !c.greeted.Load() && errors.Is(err, os.ErrDeadlineExceeded) {
			c.gate.silent()
		}
		return err
	}
	if !c.greeted.Load() {
		c.greeted.Store(true)
		c.gate.answered()
	}
	c.rest = xidAt + int(binary.BigEndian.Uint32(length))
	if c.rest < answerHeader {
		return nil
	}
	header, err := c.read.Peek(answerHeader)
	if err != nil {
		return err
	}
	if !c.carriage.answer(header) {
		return nil
	}
	c.rest -= answerHeader
	c.first = binary.BigEndian.AppendUint32(bytes.Clone(header), uint32(c.rest)) // the length of a text
	binary.BigEndian.PutUint32(c.first, uint32(answerHeader+c.rest))
	_, err = c.read.Discard(answerHeader)
	return err
}

// Write never fails: it closes the connection instead, and the library learns that from its reader. For the library answers a request
// whose write has failed twice, and one that was queued while it was being closed once more; there is room for two answers, so that
// the third would hang it for good, and with it the end of the session.
func (c *gatedConn) Write(b []byte) (int, error) {
	if _, err := c.Conn.Write(c.carriage.request(b)); err != nil {
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
