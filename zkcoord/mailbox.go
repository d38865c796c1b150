package zkcoord

import (
	"context"
	"sync"

	"github.com/medcommit/medcommit/txn"
)

// letter is one thing for the loop to do: exactly one of its members is set.
type letter struct {
	event  txn.Event // from the driver, or a wish for the machine
	flight *flight   // a submission on its way
	call   func()    // runs on the loop, where the machine may be looked at
}

// mailbox hands letters of many goroutines to the loop, in order. Putting one in never blocks for long.
type mailbox struct {
	mu      sync.Mutex
	letters []letter
	wake    bell // while there may be letters
	taken   bell // when letters were taken, for the one who waits for room
}

// roomyBox is how many letters may wait before the driver's events do.
const roomyBox = 1024

func newMailbox() *mailbox {
	return &mailbox{wake: newBell(), taken: newBell()}
}

func (m *mailbox) put(l letter) {
	m.mu.Lock()
	m.letters = append(m.letters, l)
	first := len(m.letters) == 1
	m.mu.Unlock()
	if first {
		m.wake.ring()
	}
}

// take gives all letters that came since, and leaves emptied behind for those to come.
func (m *mailbox) take(emptied []letter) []letter {
	clear(emptied)
	m.mu.Lock()
	defer m.mu.Unlock()
	letters := m.letters
	m.letters = emptied[:0]
	m.taken.ring()
	return letters
}

// awaitRoom waits until few letters wait, or ctx ends. One goroutine may call it.
func (m *mailbox) awaitRoom(ctx context.Context) {
	for m.full() {
		select {
		case <-m.taken:
		case <-ctx.Done():
			return
		}
	}
}

func (m *mailbox) full() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.letters) >= roomyBox
}
