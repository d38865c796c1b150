package zkcoord

import (
	"maps"

	"github.com/medcommit/medcommit/txn"
)

// news is what a follower has been told of its log and not looked into yet.
type news struct {
	look bool  // the folder of the generation was made or closed
	told int32 // every entry before it was given out: a watch told of the last
	// What this process appends itself is told before the answer that says at which place it is, and need not be read. So while such
	// multis are unanswered, what a watch tells waits.
	writing int
	own     txn.Pos                // behind the last own entry
	passed  txn.Pos                // every place before it has been read
	kept    map[txn.Pos]*txn.Entry // own entries from there on
}

// stirred takes that the folder is not what it was.
func (f *follower) stirred() {
	f.mu.Lock()
	f.news.look = true
	f.mu.Unlock()
	f.wake.ring()
}

// created takes that there is an entry.
func (f *follower) created(num int32) {
	f.mu.Lock()
	f.news.told = max(f.news.told, num+1)
	waits := f.news.writing > 0
	f.mu.Unlock()
	if !waits {
		f.wake.ring()
	}
}

// begin forgets what was told of the generation before gen.
func (f *follower) begin(gen int32) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.news.look, f.news.told = false, 0
	f.news.pass(txn.Pos{Gen: gen})
}

// passTo notes that every place before at has been read, or is gone.
func (f *follower) passTo(at txn.Pos) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.news.pass(at)
}

func (n *news) pass(at txn.Pos) {
	n.passed = at
	maps.DeleteFunc(n.kept, func(k txn.Pos, _ *txn.Entry) bool { return k.Before(at) })
}

// takeLook tells whether the folder is to be looked at.
func (f *follower) takeLook() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	look := f.news.look
	f.news.look = false
	return look
}

// known is the number below which every entry of the generation is known to have been given out.
func (f *follower) known(gen int32) int32 {
	f.mu.Lock()
	defer f.mu.Unlock()
	known := int32(0)
	if f.news.own.Gen == gen {
		known = f.news.own.Num
	}
	if f.news.writing == 0 {
		known = max(known, f.news.told)
	}
	return known
}

// ownEntry gives what this process appended at a place that is passed now; nil where it was another, or is to be read.
func (f *follower) ownEntry(at txn.Pos) *txn.Entry {
	f.mu.Lock()
	defer f.mu.Unlock()
	e := f.news.kept[at]
	delete(f.news.kept, at)
	f.news.passed = at.Next()
	return e
}

// appended takes an entry that this process's multi made.
func (f *follower) appended(e *txn.Entry) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.news.own.Before(e.Pos.Next()) {
		f.news.own = e.Pos.Next()
	}
	if e.Pos.Before(f.news.passed) {
		return
	}
	if f.news.kept == nil {
		f.news.kept = map[txn.Pos]*txn.Entry{}
	}
	f.news.kept[e.Pos] = e
}

// write notes that a multi of this process which appends to the log is sent, or, with -1, was answered.
func (f *follower) write(n int) {
	f.mu.Lock()
	f.news.writing += n
	idle := f.news.writing == 0
	f.mu.Unlock()
	if idle {
		f.wake.ring()
	}
}

// fed are the followers of the logs to which a multi appends.
func (s *session) fed(m txn.Multi, r *multiRequest) map[txn.Log]*follower {
	s.mu.Lock()
	defer s.mu.Unlock()
	fed := map[txn.Log]*follower{}
	for _, i := range r.appends {
		op := &m.Ops[r.of[i]]
		if f := s.followers[op.Log]; f != nil && op.Kind == txn.OpAppend {
			fed[op.Log] = f
		}
	}
	return fed
}

// feed gives the followers what a multi appended to their logs: it need not be read again.
func feed(fed map[txn.Log]*follower, m txn.Multi, r *multiRequest, appended []txn.Pos) {
	for n, i := range r.appends {
		op := &m.Ops[r.of[i]]
		f := fed[op.Log]
		if f == nil || n >= len(appended) || op.Kind != txn.OpAppend || m.Deletes(op.Log, appended[n]) {
			continue
		}
		f.appended(&txn.Entry{Pos: appended[n], Ephemeral: op.Ephemeral, Size: r.sizes[n], Segment: op.Segment})
	}
}
