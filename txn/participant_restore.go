package txn

import (
	"encoding/json"
	"fmt"
)

// A site that was restored from a backup, or whose ZooKeeper was (R10): the site row and "applied" disagree. It writes down what it
// found, so that neither a restart nor time hides it (an older ZooKeeper's log grows, and passes the row one day), and then waits
// for an operator's word.
//
// Where the database is the older one, the site takes its "applied" back to the row and so applies again every decision since that
// is kept: what is still prepared is finished, and what the database does not know was lost, and is reported (R7). So is what history
// knows to be committed (participant_compare.go); what it has forgotten nobody can tell. What is prepared there and in no log that is
// kept is looked for in history before it is presumed to be aborted.
//
// Where ZooKeeper is the older one, the row is taken back to ZooKeeper's. What was decided since the backup is decided again, from
// what the sites have: a branch that was committed votes commit, for its marker is there; one that is prepared votes commit too; so
// a transaction that was committed anywhere is committed again, if ZooKeeper still knows its submission and all its sites have an
// operator's word and are there. The leader aborts none of them for a deadline or a client meanwhile, and then each has its whole time
// again (Coordinator.heldBack); a site that has its word withdraws what it has prepared when it waits much longer for the others (R9).
// An abort leaves nothing behind: what was aborted since the backup may be committed now. What ZooKeeper does not know any more has no
// log: a branch of it that is prepared is presumed aborted once the operator has spoken, for nobody else can say; where it was committed
// at another site that is a split which only people can see. So the list of what is prepared can be had before (Inventory), and what is
// to be committed is committed with the database's own means before the word is given.

// restoreState is what a session knows of a restore.
type restoreState struct {
	finding *Finding // and the adoption is watched
	row     SiteRow
	busy    bool
}

// known is what this process knows of ZooKeeper, session after session: what was there once is there for good, but in a backup (R10).
type known struct {
	incarnation int32 // the last that was bumped
	decisions   Pos   // how far the log was read
	older       bool  // what a session found is less than that, and nobody was told yet
}

// bump notes the incarnation that a session has written.
func (k *known) bump(incarnation int32) {
	k.older = k.older || incarnation <= k.incarnation
	k.incarnation = incarnation
}

// issue notes where the decision log ends.
func (k *known) issue(end Pos) {
	k.older = k.older || end.Before(k.decisions)
	k.decisions = end
}

// judge compares what the database remembers with what ZooKeeper does (R10). In between is an ordinary crash. Synced says that a
// write of this session's own came between the row and the log's end: else a process of before may have applied, since the bump, what
// a server that is behind does not show yet (R6).
func (p *Participant) judge(s SiteLoaded, issued Pos, synced bool) {
	if f := p.applied.written.Restored; f != nil {
		p.awaitOperator(f, s.Row)
		return
	}
	p.known.issue(issued)
	ahead := s.Exists && issued.Before(s.Row.Applied)
	if ahead && !synced {
		p.touch(func() {
			p.readToEnd(p.decisionsLog(), func(e LogEnd) { p.judge(s, e.Through, true) })
		})
		return
	}
	f := Finding{Nonce: fmt.Sprintf("%s-%d", p.nonce, p.attempt), Row: s.Row.Applied, At: p.wall}
	switch {
	case p.known.older, ahead, s.Exists && s.Row.Incarnation > p.incarnation:
		f.What, f.Log = RestoredZooKeeper, issued
	case s.Row.Applied.Before(p.applied.written.At):
		f.What, f.Log = RestoredDatabase, p.applied.written.At
	default:
		p.register(s.Row)
		return
	}
	next := p.applied.written
	next.Restored = &f
	// Another process may have come since, and the row be its own: then this is not written.
	p.writeApplied(next, nil, func() { p.awaitOperator(&f, s.Row) })
}

// writeApplied replaces "applied" outside its lane, with more operations in front. Where it is not known to be written the session
// looks at everything again.
func (p *Participant) writeApplied(next Applied, more []Op, then func()) {
	ops := append([]Op{p.fence()}, more...)
	ops = append(ops, Op{Kind: OpSet, Path: AppliedPath(p.cfg.Name), Version: p.applied.version, Data: encodeNode(next)})
	p.fencedMulti(ops, func(r multiResult) {
		if !r.done {
			p.startLater()
			return
		}
		p.applied.written = next
		p.applied.version++
		then()
	})
}

func (p *Participant) awaitOperator(f *Finding, row SiteRow) {
	p.phase = phaseRestored
	p.known.older = false
	p.restore = restoreState{finding: f, row: row}
	p.emit(Restored{What: f.What})
	p.emit(WatchNode{AdoptPath(p.cfg.Name)})
}

// adoptionRead takes an operator's word for the finding that the site waits with, and no other.
func (p *Participant) adoptionRead(n NodeRead) {
	f := p.restore.finding
	if n.Path != AdoptPath(p.cfg.Name) || p.phase != phaseRestored || p.restore.busy || !n.Exists {
		return
	}
	var word Adoption
	if json.Unmarshal(n.Data, &word) != nil || word.Nonce != f.Nonce {
		return
	}
	p.restore.busy = true
	next := p.applied.written
	next.Restored = nil
	next.Compare = next.Compare || f.What == RestoredDatabase
	if p.restore.row.Applied.Before(next.At) {
		next.At = p.restore.row.Applied
	}
	if next.At.Before(next.From) {
		next.From = next.At
	}
	p.adoptRow(n.Version, word, next)
}

// adoptRow lowers the row where it is ahead, and then takes the finding back: a crash between them leaves the operator's word.
func (p *Participant) adoptRow(version int32, word Adoption, next Applied) {
	row := SiteRow{Applied: next.At, Incarnation: p.incarnation}
	if !row.Before(p.restore.row) {
		p.adopt(version, word, next, p.restore.row)
		return
	}
	p.saveSite(SaveSite{Was: p.restore.row, Row: row, Adopted: true}, func(r saved) {
		if r != savedDone {
			p.startLater()
			return
		}
		p.adopt(version, word, next, row)
	})
}

func (p *Participant) adopt(version int32, word Adoption, next Applied, row SiteRow) {
	what := p.restore.finding.What
	taken := Op{Kind: OpDelete, Path: AdoptPath(p.cfg.Name), Version: version}
	p.writeApplied(next, []Op{taken}, func() {
		p.emit(Unwatch{AdoptPath(p.cfg.Name)})
		p.restore = restoreState{}
		p.phase = phaseStarting
		p.emit(Adopted{What: what, Reason: word.Reason, By: word.By})
		p.register(row)
	})
}
