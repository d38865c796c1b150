package zktest

import (
	"encoding/binary"
)

// Held is a multi that the network has not delivered yet.
type Held struct {
	// Caught is closed when it was sent, and is held.
	Caught <-chan struct{}

	answers chan int32
}

// HoldMulti does Hold at the next multi that holds text: it and all that follows waits for Release. A client that is gone by then is
// not noticed: the server gets the multi all the same, as from a network that delivers late.
func (p *Proxy) HoldMulti(text string) *Held {
	t := &trap{kind: Multi, text: []byte(text), sprung: make(chan struct{}), held: &Held{answers: make(chan int32, 1)}}
	t.held.Caught = p.set(t)
	return t.held
}

// Answer gives what the server said after Release: 0 where it carried the multi out, else ZooKeeper's code of the first error, or
// Unanswered.
func (h *Held) Answer() <-chan int32 { return h.answers }

// The codes of errors that tests look for.
const (
	// Unanswered is what there is where the server closed the connection instead: the session is over.
	Unanswered int32 = -4
	NoNode     int32 = -101
	BadVersion int32 = -103
)

// An answer is a length, the request's number, a transaction number of 8 bytes, an error, and for each operation of a multi a type,
// a byte, and its error; that of a multi that failed holds one more number for each, its error again.
const (
	answerHeader   = 20
	resultHeader   = 9
	rolledBack     = -2 // of an operation that failed because of another one
	resultOfFailed = resultHeader + 4
	typeOfFailed   = -1
)

// firstError finds why a multi failed in its answer.
func firstError(frame []byte) int32 {
	if len(frame) < answerHeader {
		return 0
	}
	if code := int32(binary.BigEndian.Uint32(frame[16:])); code != 0 {
		return code
	}
	for rest := frame[answerHeader:]; len(rest) >= resultOfFailed && int32(binary.BigEndian.Uint32(rest)) == typeOfFailed; rest = rest[resultOfFailed:] {
		if code := int32(binary.BigEndian.Uint32(rest[5:])); code != 0 && code != rolledBack {
			return code
		}
	}
	return 0
}

// awaitHeld keeps a link whose client is gone until the server has answered what was held.
func (k *link) awaitHeld() {
	k.mu.Lock()
	ended := k.ended
	k.mu.Unlock()
	if ended != nil {
		<-ended
	}
}

// serverEnds says that what was held gets no answer any more.
func (k *link) serverEnds() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, t := range k.awaited {
		if t.held != nil {
			t.held.answers <- Unanswered
		}
	}
	clear(k.awaited)
	k.end()
}

func never() bool { return false }

// holds tells whether something that was held has no answer yet.
func (k *link) holds() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ended == nil {
		return false
	}
	select {
	case <-k.ended:
		return false
	default:
		return true
	}
}

func (k *link) end() {
	if k.ended == nil {
		return
	}
	select {
	case <-k.ended:
	default:
		close(k.ended)
	}
}
