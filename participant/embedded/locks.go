package embedded

import (
	"context"
	"slices"
	"sync"
)

// locks are who holds which key. Their order is fair: a wish for a key alone lets no later wish pass; a wish to add that waits
// only for room lets smaller ones pass.
type locks struct {
	// committed reads a key's committed record.
	committed func(key string) (record, error)

	mu   sync.Mutex
	keys map[string]*keyLock
}

// keyLock is one key that is held or waited for.
type keyLock struct {
	alone   *branch
	fields  map[string]*escrow // by field
	sharers map[*branch]bool   // who adds
	queue   []*wish
}

// wish is one branch's wish for one key.
type wish struct {
	branch *branch
	key    string
	adds   map[string]*addition // to share the key and add to these fields; nil: to have it alone
	create bool                 // the additions may make the record
	done   chan answer
}

// answer is what became of a wish.
type answer uint8

const (
	answerAlone    answer = iota + 1 // it has the key alone
	answerShared                     // it shares the key, its additions are reserved
	answerNotFound                   // it wanted to add to what is not there; it has nothing
	answerNoNumber                   // it wanted to add to what is no number; it has nothing
	answerBounds                     // the committed value refuses it; it has nothing
	answerError                      // the record cannot be read; it has nothing
	answerWait                       // not yet; others may pass
	answerBlock                      // not yet; nobody may pass
)

func newLocks(committed func(string) (record, error)) *locks {
	return &locks{committed: committed, keys: map[string]*keyLock{}}
}

// take waits until the wish is answered, or ctx ends: then it reports false, and whether it waited only for additions.
func (l *locks) take(ctx context.Context, w *wish) (a answer, onlyPending bool, err error) {
	l.mu.Lock()
	k := l.key(w.key)
	a = l.try(k, w, slices.ContainsFunc(k.queue, (*wish).forAlone))
	if a < answerWait {
		l.tidy(w.key, k)
		l.mu.Unlock()
		return a, false, nil
	}
	w.done = make(chan answer, 1)
	k.queue = append(k.queue, w)
	l.mu.Unlock()
	select {
	case a = <-w.done:
		return a, false, nil
	case <-ctx.Done():
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case a = <-w.done: // answered in the meantime
		return a, false, nil
	default:
	}
	onlyPending = w.adds != nil && k.alone == nil && !slices.ContainsFunc(k.queue[:slices.Index(k.queue, w)], (*wish).forAlone)
	k.queue = slices.DeleteFunc(k.queue, func(o *wish) bool { return o == w })
	l.serve(w.key, k) // others may have waited behind it
	return 0, onlyPending, ctx.Err()
}

func (w *wish) forAlone() bool { return w.adds == nil }

// release gives back all that b holds.
func (l *locks) release(b *branch) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, key := range b.Held {
		if k := l.keys[key]; k != nil && k.alone == b {
			k.alone = nil
			l.serve(key, k)
		}
	}
	for key, fields := range b.Adds {
		k := l.keys[key]
		if k == nil || !k.sharers[b] {
			continue
		}
		delete(k.sharers, b)
		for field := range fields {
			k.fields[field].remove(b)
		}
		l.serve(key, k)
	}
}

// restore gives a branch that was found prepared what it holds; nothing else is at work yet.
func (l *locks) restore(b *branch) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, key := range b.Held {
		l.key(key).alone = b
	}
	for key, fields := range b.Adds {
		l.key(key).share(b, fields)
	}
}

func (l *locks) key(key string) *keyLock {
	k := l.keys[key]
	if k == nil {
		k = &keyLock{fields: map[string]*escrow{}, sharers: map[*branch]bool{}}
		l.keys[key] = k
	}
	return k
}

func (k *keyLock) share(b *branch, fields map[string]*addition) {
	k.sharers[b] = true
	for field, a := range fields {
		if k.fields[field] == nil {
			k.fields[field] = newEscrow()
		}
		k.fields[field].put(b, a)
	}
}

// serve answers what can be answered now, in order.
func (l *locks) serve(key string, k *keyLock) {
	blocked := false
	kept := k.queue[:0]
	for _, w := range k.queue {
		a := l.try(k, w, blocked)
		if a < answerWait {
			w.done <- a
			continue
		}
		blocked = blocked || a == answerBlock
		kept = append(kept, w)
	}
	clear(k.queue[len(kept):])
	k.queue = kept
	l.tidy(key, k)
}

func (l *locks) tidy(key string, k *keyLock) {
	if k.alone == nil && len(k.sharers) == 0 && len(k.queue) == 0 {
		delete(l.keys, key)
	}
}

// try answers one wish; blocked says that one for the key alone is before it.
func (l *locks) try(k *keyLock, w *wish, blocked bool) answer {
	if k.alone != nil || blocked {
		return answerBlock
	}
	if w.forAlone() {
		return k.takeAlone(w)
	}
	r, err := l.committed(w.key)
	if err != nil {
		return answerError
	}
	if !r.exists() {
		if w.create {
			return k.takeAlone(w)
		}
		return answerNotFound
	}
	return k.takeShare(w, r)
}

func (k *keyLock) takeAlone(w *wish) answer {
	if len(k.sharers) > 0 {
		return answerBlock
	}
	k.alone = w.branch
	w.branch.Held = append(w.branch.Held, w.key)
	return answerAlone
}

func (k *keyLock) takeShare(w *wish, r record) answer {
	m, err := decodeMembers(r.Value)
	if err != nil {
		return answerError
	}
	a := answerShared
	for field, add := range w.adds {
		value, ok := m.number(field, w.create)
		if !ok {
			return answerNoNumber
		}
		e := k.fields[field]
		if e == nil {
			e = newEscrow()
		}
		switch e.admit(value, add) {
		case refused:
			return answerBounds
		case mustWait:
			a = answerWait
		}
	}
	if a == answerShared {
		k.share(w.branch, w.adds)
		w.branch.Adds[w.key] = w.adds
	}
	return a
}
