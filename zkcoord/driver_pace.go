package zkcoord

import (
	"time"

	"github.com/medcommit/medcommit/txn"
)

// pace is how a follower learns of new entries.
type pace uint8

const (
	// watched: a watch stands on the next entry.
	watched pace = iota + 1
	// fed: all entries are this process's own lately, and are told as they are acknowledged; those of others show as gaps between them.
	fed
	// slow: nobody waits for what is in the log, and it is looked at now and then.
	slow
)

const (
	fedAfter  = 4 // own entries in a row
	fedWithin = 100 * time.Millisecond
	fedEvery  = 25 * time.Millisecond
	slowEvery = 100 * time.Millisecond
)

// every is how often the log is looked at.
func (p pace) every() time.Duration {
	switch p {
	case fed:
		return fedEvery
	case slow:
		return slowEvery
	}
	return recheckEvery
}

// pace is how the log is followed now. All entries are given in their order in any case, and questions for its end are answered at
// once: DESIGN.md's rules rest on these, not on how soon an entry is seen.
func (f *follower) pace() pace {
	if f.s.d.slow.Load() {
		return slow
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.own.row >= fedAfter && time.Since(f.own.at) < fedWithin {
		return fed
	}
	clear(f.own.kept)
	return watched
}

// Slow says whether nobody waits for what the followed logs hold; a question for a log's end is answered at once all the same.
func (d *Driver) Slow(slow bool) {
	if d.slow.Swap(slow) == slow {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.told == nil {
		return
	}
	for _, f := range d.told.followers {
		f.wakeUp()
	}
}

// ownEntries are what this process appends to a log that it follows.
type ownEntries struct {
	last txn.Pos   // of the last one
	row  int       // how many there were without another's between them
	at   time.Time // when the last one was acknowledged
	kept map[txn.Pos]*txn.Entry
}

// appended feeds the follower with an entry that this process's multi made: its content need not be read again.
func (f *follower) appended(e *txn.Entry) {
	f.mu.Lock()
	own := &f.own
	ended := false // another's entry is between: it is not fed any more
	if e.Pos == own.last.Next() {
		own.row++
	} else {
		ended = own.row >= fedAfter
		own.row = 1
	}
	own.last, own.at = e.Pos, time.Now()
	feed := own.row >= fedAfter
	if feed {
		if own.kept == nil || len(own.kept) >= readsInFlight { // those left over were read before they were told
			own.kept = map[txn.Pos]*txn.Entry{}
		}
		own.kept[e.Pos] = e
	}
	f.mu.Unlock()
	if feed || ended {
		f.wakeUp()
	}
}

// ownBefore is the number below which, in generation gen, every entry is known to have been given out.
func (f *follower) ownBefore(gen int32) int32 {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.own.last.Gen != gen {
		return 0
	}
	return f.own.last.Num + 1
}

// ownEntry gives, once, what this process appended at a place; nil where it was another, or is to be read.
func (f *follower) ownEntry(at txn.Pos) *txn.Entry {
	f.mu.Lock()
	defer f.mu.Unlock()
	e := f.own.kept[at]
	delete(f.own.kept, at)
	return e
}

// feed tells the followers of the logs to which a multi appended.
func (s *session) feed(m txn.Multi, r *multiRequest, appended []txn.Pos) {
	for n, i := range r.appends {
		op := &m.Ops[r.of[i]]
		if n >= len(appended) || op.Kind != txn.OpAppend || m.Deletes(op.Log, appended[n]) {
			continue
		}
		s.mu.Lock()
		f := s.followers[op.Log]
		s.mu.Unlock()
		if f != nil {
			f.appended(&txn.Entry{Pos: appended[n], Ephemeral: op.Ephemeral, Size: r.sizes[n], Segment: op.Segment})
		}
	}
}
