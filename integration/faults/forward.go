package main

import (
	"net"
	"sync"
	"sync/atomic"
)

// forward stands before the listener of a process, which is on its host's loopback, and makes it reachable at the host's address.
// It can lose answers.
type forward struct {
	listener net.Listener
	dial     func() (net.Conn, error)
	lose     atomic.Int32 // how many answers are still to be lost
	group    sync.WaitGroup

	mu     sync.Mutex
	open   map[net.Conn]struct{}
	closed bool
}

func newForward(l net.Listener, dial func() (net.Conn, error)) *forward {
	f := &forward{listener: l, dial: dial, open: map[net.Conn]struct{}{}}
	f.group.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return // closed
			}
			f.group.Go(func() { f.join(client.(*net.TCPConn)) })
		}
	})
	return f
}

// join passes both ways until either end is gone. A client finds nobody there with a reset, where without us it would be refused.
func (f *forward) join(client *net.TCPConn) {
	server, err := f.dial()
	if err != nil {
		_ = client.SetLinger(0) // a closed connection is closed with an error too
		client.Close()
		return
	}
	if !f.keep(client, server) {
		return
	}
	var both sync.WaitGroup
	both.Go(func() { defer f.drop(client, server); f.pass(client, server, false) })
	both.Go(func() { defer f.drop(client, server); f.pass(server, client, true) })
	both.Wait()
}

func (f *forward) pass(from, to net.Conn, answers bool) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil || answers && f.loses() {
			return
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// loses tells whether this answer is lost.
func (f *forward) loses() bool {
	for {
		n := f.lose.Load()
		if n == 0 {
			return false
		}
		if f.lose.CompareAndSwap(n, n-1) {
			return true
		}
	}
}

func (f *forward) keep(both ...net.Conn) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range both {
		if f.closed {
			c.Close()
		} else {
			f.open[c] = struct{}{}
		}
	}
	return !f.closed
}

func (f *forward) drop(both ...net.Conn) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range both {
		c.Close()
		delete(f.open, c)
	}
}

func (f *forward) close() {
	f.listener.Close()
	f.mu.Lock()
	f.closed = true
	for c := range f.open {
		c.Close()
	}
	f.mu.Unlock()
	f.group.Wait()
}
