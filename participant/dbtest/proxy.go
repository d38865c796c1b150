package dbtest

import (
	"bytes"
	"fmt"
	"net"
	"sync"
	"testing"
)

// Proxy stands between a client and its server on 127.0.0.1 and breaks their connections on demand.
type Proxy struct {
	to       string
	listener net.Listener
	group    sync.WaitGroup

	mu        sync.Mutex
	pairs     map[*pair]struct{}
	swallow   []byte // a request that holds it is passed on, and no answer to it any more
	cutBefore []byte // a request that holds it is not passed on: the connection breaks
	barred    []byte // the same, for every request
	held      []byte // a request that holds it is passed on when gate is closed; nil gate: none waits
	gate      chan struct{}
}

// pair is one client's connection and the one to the server.
type pair struct {
	client, server net.Conn
	mu             sync.Mutex
	deaf           bool // answers are dropped
}

// NewProxy starts a proxy to an address for a test; it ends with the test.
func NewProxy(t testing.TB, to string) *Proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("start proxy: %v", err)
	}
	p := StartProxy(listener, to)
	t.Cleanup(p.Close)
	return p
}

// StartProxy starts a proxy behind a listener to an address, until Close.
func StartProxy(listener net.Listener, to string) *Proxy {
	p := &Proxy{to: to, listener: listener, pairs: make(map[*pair]struct{})}
	p.group.Go(p.serve)
	return p
}

// Address is where the proxy listens.
func (p *Proxy) Address() string { return p.listener.Addr().String() }

// Swallow passes on the next request that holds text, and no answer on that connection from then on: it falls silent.
func (p *Proxy) Swallow(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.swallow = []byte(text)
}

// CutBefore breaks the connection of the next request that holds text, instead of passing that on.
func (p *Proxy) CutBefore(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cutBefore = []byte(text)
}

// Bar breaks the connection of every request that holds text, instead of passing that on. A client library may try to mend what
// broke by means that a real network would lose as well, such as PostgreSQL's requests to cancel.
func (p *Proxy) Bar(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.barred = []byte(text)
}

// Hold keeps back each request that holds text, and what follows on its connection, until Release: nothing breaks, and no answer
// comes. An empty text is in every request.
func (p *Proxy) Hold(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held = []byte(text)
	if p.gate == nil {
		p.gate = make(chan struct{})
	}
}

// Release passes on what is held.
func (p *Proxy) Release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gate != nil {
		close(p.gate)
		p.gate = nil
	}
}

func (p *Proxy) awaitRelease(request []byte) {
	p.mu.Lock()
	gate := p.gate
	if !bytes.Contains(request, p.held) {
		gate = nil
	}
	p.mu.Unlock()
	if gate != nil {
		<-gate
	}
}

// Cut breaks the clients' connections. The server's end stays open while the server works on a request, as with a cable that is
// pulled: the server does not learn of it. New connections are taken as before.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.pairs {
		c.client.Close()
	}
}

func (p *Proxy) serve() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.to)
		if err != nil {
			client.Close()
			continue
		}
		c := &pair{client: client, server: server}
		p.mu.Lock()
		p.pairs[c] = struct{}{}
		p.mu.Unlock()
		p.group.Go(func() { p.requests(c) })
		p.group.Go(func() { p.answers(c) })
	}
}

// requests passes a client's bytes on. When the client is gone the server's end stays as it is, see Cut.
func (p *Proxy) requests(c *pair) {
	buffer := make([]byte, 1<<20)
	for {
		n, err := c.client.Read(buffer)
		if err != nil {
			return
		}
		p.awaitRelease(buffer[:n])
		if p.takes(&p.cutBefore, buffer[:n]) || p.bars(buffer[:n]) {
			c.client.Close()
			return
		}
		if p.takes(&p.swallow, buffer[:n]) {
			c.mu.Lock()
			c.deaf = true
			c.mu.Unlock()
		}
		if _, err := c.server.Write(buffer[:n]); err != nil {
			c.client.Close()
			return
		}
	}
}

// answers passes a server's bytes back, until the server ends the connection.
func (p *Proxy) answers(c *pair) {
	buffer := make([]byte, 1<<16)
	for {
		n, err := c.server.Read(buffer)
		if err != nil {
			c.client.Close()
			p.mu.Lock()
			delete(p.pairs, c)
			p.mu.Unlock()
			c.server.Close()
			return
		}
		c.mu.Lock()
		deaf := c.deaf
		c.mu.Unlock()
		if !deaf {
			_, _ = c.client.Write(buffer[:n]) // a client that is gone gets nothing
		}
	}
}

// takes tells whether request holds the text that is watched for, which is then watched for no longer.
func (p *Proxy) takes(watched *[]byte, request []byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(*watched) == 0 || !bytes.Contains(request, *watched) {
		return false
	}
	*watched = nil
	return true
}

func (p *Proxy) bars(request []byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.barred) > 0 && bytes.Contains(request, p.barred)
}

// Close ends the proxy and all its connections.
func (p *Proxy) Close() {
	p.listener.Close()
	p.Release()
	p.mu.Lock()
	for c := range p.pairs {
		c.client.Close()
		c.server.Close()
	}
	p.mu.Unlock()
	p.group.Wait()
}

// String says where from and where to.
func (p *Proxy) String() string { return fmt.Sprintf("%s to %s", p.Address(), p.to) }
