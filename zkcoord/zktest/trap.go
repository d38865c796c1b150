package zktest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
)

// Request is a kind of request of ZooKeeper's protocol.
type Request int32

// The requests that tests lose.
const (
	Create      Request = 1
	Delete      Request = 2
	Exists      Request = 3
	GetData     Request = 4
	SetData     Request = 5
	GetChildren Request = 12
	Multi       Request = 14
)

// trap waits for one request.
type trap struct {
	kind   Request
	text   []byte // that the request must hold; empty: any
	sprung chan struct{}
	answer bool  // lose the answer, else the request
	held   *Held // lose nothing, but hold the connection at the request
}

// LoseAnswer cuts the connection of the next request of that kind when the server has carried it out: its answer is read and not
// passed on. The channel is closed when that has happened.
func (p *Proxy) LoseAnswer(kind Request) <-chan struct{} {
	return p.set(&trap{kind: kind, sprung: make(chan struct{}), answer: true})
}

// LoseRequest cuts the connection of the next request of that kind in place of passing it on. The channel is closed when that has
// happened.
func (p *Proxy) LoseRequest(kind Request) <-chan struct{} {
	return p.set(&trap{kind: kind, sprung: make(chan struct{})})
}

// LoseMulti does LoseRequest at the next multi that holds text.
func (p *Proxy) LoseMulti(text string) <-chan struct{} {
	return p.set(&trap{kind: Multi, text: []byte(text), sprung: make(chan struct{})})
}

// Forgive takes back what is still to be lost: its channels are never closed.
func (p *Proxy) Forgive() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.traps = nil
}

func (p *Proxy) set(t *trap) <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.traps = append(p.traps, t)
	return t.sprung
}

// take gives the first trap for that request, once.
func (p *Proxy) take(frame []byte) *trap {
	kind := Request(binary.BigEndian.Uint32(frame[8:]))
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, t := range p.traps {
		if t.kind == kind && bytes.Contains(frame, t.text) {
			p.traps = append(p.traps[:i:i], p.traps[i+1:]...)
			return t
		}
	}
	return nil
}

// request sees a client's frame pass: a length, the request's number and its kind, except for the first, which asks for a session.
func (k *link) request(p *Proxy, frame []byte) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.connected || len(frame) < 12 {
		k.connected = true
		return true
	}
	t := p.take(frame)
	if t == nil {
		return true
	}
	if t.held != nil {
		k.awaited[int32(binary.BigEndian.Uint32(frame[4:]))] = t
		k.ended = make(chan struct{})
		p.Hold()
		close(t.sprung)
		return true
	}
	if t.answer {
		k.awaited[int32(binary.BigEndian.Uint32(frame[4:]))] = t
		return true
	}
	k.cut()
	close(t.sprung)
	return false
}

// answer sees a server's frame pass: a length and the number of the request that it answers, or a negative one.
func (k *link) answer(_ *Proxy, frame []byte) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.greeted || len(frame) < 8 {
		k.greeted = true
		return true
	}
	t := k.awaited[int32(binary.BigEndian.Uint32(frame[4:]))]
	if t == nil {
		return true
	}
	if t.held != nil {
		t.held.answers <- firstError(frame)
		delete(k.awaited, int32(binary.BigEndian.Uint32(frame[4:])))
		k.end()
		return true
	}
	k.cut()
	close(t.sprung)
	return false
}

// maxFrame is above what ZooKeeper sends.
const maxFrame = 64 << 20

// readFrame reads one frame, its four bytes of length included. A four-letter word is no frame: the proxy is for sessions.
func readFrame(r io.Reader) ([]byte, error) {
	frame := make([]byte, 4, 512)
	if _, err := io.ReadFull(r, frame); err != nil {
		return nil, fmt.Errorf("read frame: %w", err)
	}
	n := binary.BigEndian.Uint32(frame)
	if n > maxFrame {
		return nil, fmt.Errorf("read frame: %w", errFrame)
	}
	frame = append(frame, make([]byte, n)...)
	if _, err := io.ReadFull(r, frame[4:]); err != nil {
		return nil, fmt.Errorf("read frame: %w", err)
	}
	return frame, nil
}
