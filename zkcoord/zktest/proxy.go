package zktest

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
)

// Proxy stands before one server and passes its clients' bytes both ways, until it is told to do worse. Its methods may be called
// at any time, from several goroutines.
type Proxy struct {
	target string
	addr   string

	mu       sync.Mutex
	listener net.Listener // nil while refusing
	links    map[*link]struct{}
	held     chan struct{} // open while connections are held, else closed
	traps    []*trap
	closed   bool
	wg       sync.WaitGroup
}

// NewProxy puts a proxy before the server at target; it is gone at the test's end.
func NewProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	p := &Proxy{target: target, links: map[*link]struct{}{}, held: make(chan struct{})}
	close(p.held)
	if err := p.listen("127.0.0.1:0"); err != nil {
		t.Fatalf("start a proxy: %v", err)
	}
	t.Cleanup(p.close)
	return p
}

// Addr is where clients connect.
func (p *Proxy) Addr() string { return p.addr }

func (p *Proxy) listen(addr string) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.listener, p.addr = l, l.Addr().String()
	p.wg.Go(func() { p.accept(l) })
	return nil
}

func (p *Proxy) accept(l net.Listener) {
	for {
		client, err := l.Accept()
		if err != nil {
			return // closed by Refuse or close
		}
		server, err := net.Dial("tcp", p.target)
		if err != nil {
			client.Close()
			continue
		}
		k := &link{client: client, server: server, awaited: map[int32]*trap{}}
		p.mu.Lock()
		if p.closed {
			k.cut()
		} else {
			p.links[k] = struct{}{}
			p.wg.Go(func() { p.run(k) })
		}
		p.mu.Unlock()
	}
}

// run passes both ways until either end is gone.
func (p *Proxy) run(k *link) {
	var both sync.WaitGroup
	both.Go(func() { defer k.cut(); p.pass(k.client, k.server, k.request) })
	both.Go(func() { defer k.cut(); p.pass(k.server, k.client, k.answer) })
	both.Wait()
	p.mu.Lock()
	delete(p.links, k)
	p.mu.Unlock()
}

// pass copies frames from one end to the other while look lets them through.
func (p *Proxy) pass(from io.Reader, to io.Writer, look func(*Proxy, []byte) bool) {
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
		if _, err := to.Write(frame); err != nil {
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
	if err := p.listen(p.addr); err != nil {
		t.Fatalf("let the proxy take connections again: %v", err)
	}
}

func (p *Proxy) close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
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
	awaited   map[int32]*trap // by the request's number: the answer is to be lost
}

func (k *link) cut() {
	k.client.Close()
	k.server.Close()
}

var errFrame = errors.New("frame is too long")
