package txn

import (
	"crypto/sha256"
	"hash/fnv"
	"time"
)

// transaction is one submission while its record is in the log "transactions".
type transaction struct {
	sub       Submission
	pos       Pos
	first     time.Duration // when this coordinator first read it (R12)
	decision  *Decision
	dpos      Pos
	done      int // participants that have finished it
	finished  []int64
	completed int64 // wall clock, Unix milliseconds; zero while it is not complete
	since     time.Duration
	retired   bool // it is in history
	anew      bool // its time has begun once more: see beginAnew
	clouded   bool // an entry of the decisions that cannot be read may hold its decision: it is not decided here

	// Of a leader:
	votes  []standingVote
	wish   bool // a client asked for its abort
	queued bool // its decision is wanted, or under way
	partly bool // it is counted in leadership.partly
}

func (t *transaction) duplicate() bool {
	return t.decision != nil && t.decision.Reason != nil && t.decision.Reason.Code == ReasonDuplicate
}

// over tells whether its record may go: it is in history, or it is a complete duplicate, which nobody asks for by its id.
func (t *transaction) over() bool { return t.retired || t.completed != 0 && t.duplicate() }

func (t *transaction) place(participant string) int {
	for i, p := range t.sub.Participants {
		if p == participant {
			return i
		}
	}
	return -1
}

// past is a transaction in history: where, and which key it had.
type past struct {
	pos Pos
	key uint64
}

// segment is what is known of one entry of a live log.
type segment struct {
	keys  []Key
	sites []string // of decisions: the participants concerned
}

// chapter is what is known of one entry of history.
type chapter struct {
	first time.Duration
	size  int
	ids   []idHash
	keys  []uint64
}

type idHash [16]byte

func hashID(id string) idHash {
	sum := sha256.Sum256([]byte(id))
	return idHash(sum[:16])
}

func hashKey(k Key) uint64 {
	h := fnv.New64a()
	h.Write([]byte(k))
	return h.Sum64()
}

// orphan is a decision whose submission was not read yet, or is gone.
type orphan struct {
	decision *Decision
	pos      Pos
}

// index is what a coordinator has read.
type index struct {
	txs      map[Key]*transaction
	ids      map[idHash][]*transaction // live submissions of an id, in log order
	orphans  map[Key]orphan
	tsegs    *shelf[segment]
	dsegs    *shelf[segment]
	chapters *shelf[chapter]
	past     map[idHash]past
	kept     map[uint64]int // how many t- and d- entries name a key, by its hash
	bytes    int64          // of history
	unread   int            // nodes that could not be decoded

	unreadable map[LogKind]map[Pos]unreadable // entries that could not
}

func newIndex() index {
	return index{
		txs: map[Key]*transaction{}, ids: map[idHash][]*transaction{}, orphans: map[Key]orphan{},
		tsegs: newShelf[segment](), dsegs: newShelf[segment](), chapters: newShelf[chapter](),
		past: map[idHash]past{}, kept: map[uint64]int{}, unreadable: map[LogKind]map[Pos]unreadable{},
	}
}

// meaning gives the submission that id means: the first in history or log order that was not decided a duplicate (R3).
func (x *index) meaning(id string) (*transaction, past, bool) {
	h := hashID(id)
	if p, ok := x.past[h]; ok {
		for _, t := range x.ids[h] {
			if hashKey(t.sub.Key) == p.key {
				return t, p, true
			}
		}
		return nil, p, true
	}
	for _, t := range x.ids[h] {
		if !t.duplicate() {
			return t, past{}, true
		}
	}
	return nil, past{}, false
}

// supersede forgets what the id of t meant in history, once t is decided to be no duplicate: that was forgotten before.
func (x *index) supersede(t *transaction) {
	h := hashID(t.sub.ID)
	if p, ok := x.past[h]; ok && p.key != hashKey(t.sub.Key) {
		delete(x.past, h)
	}
}

// isDuplicate tells whether the id of t means another submission, whether that is decided yet or not.
func (x *index) isDuplicate(t *transaction) bool {
	if t.decision != nil {
		return t.duplicate()
	}
	first, p, _ := x.meaning(t.sub.ID)
	return first != t && (first != nil || p.key != hashKey(t.sub.Key))
}

// hasKey tells whether the submission key was read, live or in history under id.
func (x *index) hasKey(key Key, id string) bool {
	if _, ok := x.txs[key]; ok {
		return true
	}
	p, ok := x.past[hashID(id)]
	return ok && p.key == hashKey(key)
}

func (x *index) keep(k Key) { x.kept[hashKey(k)]++ }
func (x *index) drop(k Key) {
	h := hashKey(k)
	if x.kept[h]--; x.kept[h] <= 0 {
		delete(x.kept, h)
	}
}

// dropSubmissions forgets an entry of the log "transactions" that is gone.
func (x *index) dropSubmissions(pos Pos) {
	seg, ok := x.tsegs.take(pos)
	if !ok {
		return
	}
	for _, k := range seg.keys {
		x.drop(k)
		t := x.txs[k]
		delete(x.txs, k)
		h := hashID(t.sub.ID)
		rest := x.ids[h][:0]
		for _, u := range x.ids[h] {
			if u != t {
				rest = append(rest, u)
			}
		}
		if len(rest) == 0 {
			delete(x.ids, h)
		} else {
			x.ids[h] = rest
		}
	}
}

// dropDecisions forgets an entry of the log "decisions" that is gone.
func (x *index) dropDecisions(pos Pos) {
	seg, ok := x.dsegs.take(pos)
	if !ok {
		return
	}
	for _, k := range seg.keys {
		x.drop(k)
		if o, ok := x.orphans[k]; ok && o.pos == pos {
			delete(x.orphans, k)
		}
	}
}

// dropChapter forgets an entry of history that is gone.
func (x *index) dropChapter(pos Pos) {
	ch, ok := x.chapters.take(pos)
	if !ok {
		return
	}
	x.bytes -= int64(ch.size)
	for _, h := range ch.ids {
		if x.past[h].pos == pos {
			delete(x.past, h)
		}
	}
}

// shelf keeps what is known of a log's entries, in log order.
type shelf[T any] struct {
	at    map[Pos]T
	order []Pos
}

func newShelf[T any]() *shelf[T] { return &shelf[T]{at: map[Pos]T{}} }

func (s *shelf[T]) has(p Pos) bool { _, ok := s.at[p]; return ok }

func (s *shelf[T]) put(p Pos, v T) {
	s.at[p] = v
	i := len(s.order)
	for i > 0 && p.Before(s.order[i-1]) {
		i--
	}
	s.order = append(s.order, Pos{})
	copy(s.order[i+1:], s.order[i:])
	s.order[i] = p
}

func (s *shelf[T]) take(p Pos) (T, bool) {
	v, ok := s.at[p]
	delete(s.at, p)
	if ok && len(s.order) > 2*len(s.at)+16 {
		s.compact()
	}
	return v, ok
}

func (s *shelf[T]) compact() {
	rest := s.order[:0]
	for _, p := range s.order {
		if s.has(p) {
			rest = append(rest, p)
		}
	}
	s.order = rest
}

// each calls f in log order until f says no; f may take what it is given.
func (s *shelf[T]) each(f func(Pos, T) bool) {
	for _, p := range s.places() {
		if v, ok := s.at[p]; ok && !f(p, v) {
			return
		}
	}
}

// places gives a copy of the places on the shelf, in log order.
func (s *shelf[T]) places() []Pos {
	s.compact()
	return append([]Pos(nil), s.order...)
}
