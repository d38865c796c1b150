package zktest

import (
	"errors"
	"io"
	"net"
	"sync"
	"testing"
)

// Proxy stands before one server and passes its clients' bytes both ways, until it is told to do worse. Its methods may be called
// at any time, from several goroutines.
type Proxy struct {
	dial func() (net.Conn, error)
	addr string

	mu       sync.Mutex
	listener net.Listener // nil while refusing, and when closed
	links    map[*link]struct{}
	held     chan struct{} // open while connections are held, else closed
	traps    []*trap
	wg       sync.WaitGroup
}

// NewProxy puts a proxy before the server at target; it is gone at the test's end.
func NewProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("start a proxy: %v", err)
	}
	p := StartProxy(l, func() (net.Conn, error) { return net.Dial("tcp", target) })
	t.Cleanup(p.Close)
	return p
}

// StartProxy puts a proxy behind a listener, before the server that dial connects to, until Close.
func StartProxy(l net.Listener, dial func() (net.Conn, error)) *Proxy {
	p := &Proxy{dial: dial, addr: l.Addr().String(), links: map[*link]struct{}{}, held: make(chan struct{})}
	close(p.held)
	p.listen(l)
	return p
}

// Addr is where clients connect.
func (p *Proxy) Addr() string { return p.addr }

func (p *Proxy) listen(l net.Listener) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.listener = l
	p.wg.Go(func() { p.accept(l) })
}

func (p *Proxy) accept(l net.Listener) {
	for {
		client, err := l.Accept()
		if err != nil {
			return // closed by Refuse or Close
		}
		p.wg.Go(func() { p.join(client) })
	}
}

// join connects a client to the server and passes both ways until either end is gone. A server that is slow to be connected to keeps
// no other client waiting.
func (p *Proxy) join(client net.Conn) {
	server, err := p.dial()
	if err != nil {
		client.Close()
		return
	}
	k := &link{client: client, server: server, awaited: map[int32]*trap{}}
	p.mu.Lock()
	if p.listener == nil { // refused or closed meanwhile
		p.mu.Unlock()
		k.cut()
		return
	}
	p.links[k] = struct{}{}
	p.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() { defer k.cut(); p.pass(k.client, k.server, k.request, never); k.awaitHeld() })
	both.Go(func() { defer k.cut(); defer k.serverEnds(); p.pass(k.server, k.client, k.answer, k.holds) })
	both.Wait()
	p.mu.Lock()
	delete(p.links, k)
	p.mu.Unlock()
}

// pass copies frames from one end to the other while look lets them through. deaf tells whether an end that takes nothing any more does
// not matter.
func (p *Proxy) pass(from io.Reader, to io.Writer, look func(*Proxy, []byte) bool, deaf func() bool) {
	for {
		frame, err := readFrame(from)
		if err != nil {
			return
		}
		p.mu.Lock()
		held := p.held
		p.mu.Unlock()
		<-held
		if !look(p, frame) {
			return
		}
		p.mu.Lock()
		held = p.held
		p.mu.Unlock()
		<-held
		if _, err := to.Write(frame); err != nil && !deaf() {
			return
		}
	}
}

// Cut closes all connections; new ones are taken.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for k := range p.links {
		k.cut()
	}
}

// Hold lets nothing through any more, both ways, as a network does that drops packets; Release lets everything go on that was held.
func (p *Proxy) Hold() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.held:
		p.held = make(chan struct{})
	default:
	}
}

// Release ends Hold.
func (p *Proxy) Release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.held:
	default:
		close(p.held)
	}
}

// Refuse cuts all connections and takes no new ones, as if the server were down; Allow ends it.
func (p *Proxy) Refuse() {
	p.mu.Lock()
	if p.listener != nil {
		p.listener.Close()
		p.listener = nil
	}
	p.mu.Unlock()
	p.Cut()
}

// Allow ends Refuse.
func (p *Proxy) Allow(t testing.TB) {
	t.Helper()
	p.mu.Lock()
	refusing := p.listener == nil
	p.mu.Unlock()
	if !refusing {
		return
	}
	l, err := net.Listen("tcp", p.addr)
	if err != nil {
		t.Fatalf("let the proxy take connections again: %v", err)
	}
	p.listen(l)
}

// Close ends the proxy and all its connections.
func (p *Proxy) Close() {
	p.Release()
	p.Refuse()
	p.wg.Wait()
}

// link is one client's connection and its counterpart to the server.
type link struct {
	client, server net.Conn

	mu        sync.Mutex
	connected bool            // the client's first frame, which has no header, has passed
	greeted   bool            // the server's first frame has passed
	awaited   map[int32]*trap // by the request's number: the answer is to be lost, or was held
	ended     chan struct{}   // closed when a request that was held has its answer, or gets none; nil: none was held
}

func (k *link) cut() {
	k.client.Close()
	k.server.Close()
}

var errFrame = errors.New("frame is too long")
