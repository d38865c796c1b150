package zkcoord

import (
	"context"
	"encoding/binary"
	"net"
	"sync"
	"time"
)

// negotiated reads the session time-out that a server gives off the connection, for the library keeps it to itself: the answer to the
// first request is a length, the protocol's version, and the time-out in milliseconds, each four bytes.
type negotiated struct {
	mu   sync.Mutex
	head []byte
}

const negotiatedHead = 12

func (n *negotiated) dialer(ctx context.Context, by func(context.Context, string, string) (net.Conn, error)) func(string, string, time.Duration) (net.Conn, error) {
	return func(network, addr string, timeout time.Duration) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		conn, err := by(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		n.mu.Lock()
		n.head = nil
		n.mu.Unlock()
		return &overheard{conn, n}, nil
	}
}

func (n *negotiated) hear(b []byte) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if missing := negotiatedHead - len(n.head); missing > 0 {
		n.head = append(n.head, b[:min(missing, len(b))]...)
	}
}

// timeout is zero where nothing was heard.
func (n *negotiated) timeout() time.Duration {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.head) < negotiatedHead {
		return 0
	}
	return time.Duration(binary.BigEndian.Uint32(n.head[8:])) * time.Millisecond
}

type overheard struct {
	net.Conn
	by *negotiated
}

func (c *overheard) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.by.hear(b[:n])
	return n, err
}
