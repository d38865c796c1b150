package zkcoord

import (
	"sync"

	"github.com/medcommit/medcommit/txn"
)

// testDatabase is a resource manager in memory; it outlives its site, as a database does.
type testDatabase struct {
	mu         sync.Mutex
	vote       func(txn.Prepare) (txn.Ballot, bool) // false: no answer until the work is cancelled
	silent     map[txn.Key]bool
	prepared   map[txn.Key]txn.Work
	committed  map[txn.Key]string // the id of each
	rolledBack map[txn.Key]bool
	payloads   map[string]int // the length of each id's payload
	row        txn.SiteRow
	exists     bool
}

func newTestDatabase() *testDatabase {
	return &testDatabase{
		vote:     func(txn.Prepare) (txn.Ballot, bool) { return txn.Commit(), true },
		prepared: map[txn.Key]txn.Work{}, committed: map[txn.Key]string{}, rolledBack: map[txn.Key]bool{},
		payloads: map[string]int{}, silent: map[txn.Key]bool{},
	}
}

// votes makes the site vote so from now on.
func (d *testDatabase) votes(f func(txn.Prepare) (txn.Ballot, bool)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.vote = f
}

// commits counts how often work of id was committed.
func (d *testDatabase) commits(id string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := 0
	for _, committed := range d.committed {
		if committed == id {
			n++
		}
	}
	return n
}

func (d *testDatabase) inDoubt() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.prepared)
}

func (d *testDatabase) payload(id string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.payloads[id]
}

func (d *testDatabase) work(w txn.Work, size int) (txn.Ballot, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.payloads[w.Prepare.ID] = size
	ballot, ok := d.vote(w.Prepare)
	d.silent[w.XID.Key] = !ok
	if ok && ballot.Vote == txn.VoteCommit {
		d.prepared[w.XID.Key] = w
	}
	return ballot, ok
}

// cancel tells whether work on key is to be answered now.
func (d *testDatabase) cancel(key txn.Key) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	silent := d.silent[key]
	delete(d.silent, key)
	return silent
}

func (d *testDatabase) finish(f txn.Finish) txn.FinishResult {
	d.mu.Lock()
	defer d.mu.Unlock()
	key := f.XID.Key
	w, prepared := d.prepared[key]
	delete(d.prepared, key)
	switch _, committed := d.committed[key]; {
	case f.Verdict == txn.VerdictAbort:
		d.rolledBack[key] = true
	case prepared:
		d.committed[key] = w.Prepare.ID
	case !committed:
		return txn.FinishUnknown
	}
	return txn.FinishDone
}

func (d *testDatabase) list() []txn.XID {
	d.mu.Lock()
	defer d.mu.Unlock()
	var branches []txn.XID
	for _, w := range d.prepared {
		branches = append(branches, w.XID)
	}
	return branches
}

func (d *testDatabase) site() (txn.SiteRow, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.row, d.exists
}

func (d *testDatabase) saveSite(row txn.SiteRow) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.row, d.exists = row, true
}

// total counts the branches that were committed.
func (d *testDatabase) total() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.committed)
}
