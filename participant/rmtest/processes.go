package rmtest

import (
	"errors"
	"slices"
	"time"

	"github.com/medcommit/medcommit/participant"
	"github.com/medcommit/medcommit/txn"
)

func outlivesProcess(r *rig) {
	rm := r.process(siteA)
	x, y := xid(siteA), xid(siteA)
	r.prepared(rm, x, r.Write("a", 1))
	r.prepared(rm, y, r.Write("b", 1))
	r.closeAll()
	rm = r.process(siteA)
	r.wantStanding(rm, x, participant.StandingPrepared)
	for _, b := range r.list(rm) {
		if age := time.Since(b.Since); age < -time.Minute || age > time.Hour {
			r.Errorf("%s is prepared since %v", b.Name, b.Since)
		}
	}
	r.commit(rm, x)
	r.rollback(rm, y)
	r.wantNumber("a", 1)
	r.wantNothing("b")
}

// livingPredecessor: a predecessor that was stopped, not killed, keeps its connections, and with some databases its branches.
func livingPredecessor(r *rig) {
	first := r.process(siteA)
	x, y := xid(siteA), xid(siteA)
	r.prepared(first, x, r.Write("a", 1))
	r.prepared(first, y, r.Write("b", 1))
	second := r.process(siteA)
	r.commit(second, x)
	r.rollback(second, y)
	r.wantNumber("a", 1)
	r.wantNothing("b")
}

// stoppedPredecessor: what an older incarnation has under way ends when a newer one opens; nothing of it is prepared later.
func stoppedPredecessor(r *rig) {
	other := r.process(siteB)
	holder, x := xid(siteB), xid(siteA)
	r.prepared(other, holder, r.Write("a", 1))
	old := r.patient(siteA)
	waiting := r.background(r.ctx, old, x, r.Write("a", 2))
	r.stillWaits(waiting)
	rm := r.process(siteA)
	r.wantAbortOrDoubt(await(r, "the predecessor's prepare", waiting))
	r.wantStanding(rm, x, participant.StandingNone)
	r.wantNeverPrepared(rm, x, other, holder)
}

// twoParticipants: two participants of one cluster share a database, and a transaction has a branch at both.
func twoParticipants(r *rig) {
	b := r.process(siteB)
	xb := xid(siteB)
	r.prepared(b, xb, r.Write("b", 1))
	if err := b.SaveSite(r.ctx, cluster, siteB, txn.SiteRow{}, txn.SiteRow{Incarnation: 3}); err != nil {
		r.Fatalf("save site row: %v", err)
	}
	a := r.process(siteA)
	xa := xb
	xa.Participant = siteA
	r.wantStanding(a, xa, participant.StandingNone)
	r.prepared(a, xa, r.Write("a", 1))
	if _, exists, err := a.Site(r.ctx, cluster, siteA); err != nil || exists {
		r.Errorf("the other's site row is taken for ours: %t, %v", exists, err)
	}
	for _, x := range []txn.XID{xa, xb} {
		if !slices.ContainsFunc(r.list(a), func(p participant.PreparedBranch) bool { return p.XID == x }) {
			r.Errorf("%s is not listed", x)
		}
	}
	r.commit(a, xa)
	r.wantStanding(a, xb, participant.StandingPrepared)
	r.wantNothing("b")
	if !r.Exclusive {
		r.commit(b, xb)
	} else {
		r.commit(r.process(siteB), xb)
	}
	r.wantNumber("a", 1)
	r.wantNumber("b", 1)
}

func foreign(r *rig) {
	rm := r.process(siteA)
	name, end := r.Foreign(r.T)
	defer end()
	x := xid(siteA)
	r.prepared(rm, x, r.Write("a", 1))
	listed := r.list(rm)
	i := slices.IndexFunc(listed, func(b participant.PreparedBranch) bool { return b.Name == name })
	if i < 0 || listed[i].XID != (txn.XID{}) {
		r.Errorf("the foreign branch is not listed as one: %+v", listed)
	}
	r.commit(rm, x)
}

// committedByHand: the marker proves that a branch which the database does not know any more was committed (R7).
func committedByHand(r *rig) {
	rm := r.process(siteA)
	x := xid(siteA)
	r.prepared(rm, x, r.Write("a", 1))
	r.ByHand(r.T, x, txn.VerdictCommit)
	r.commit(rm, x)
	r.rollback(rm, x)
	r.wantNumber("a", 1)
}

// rolledBackByHand: not found is not committed (R7).
func rolledBackByHand(r *rig) {
	rm := r.process(siteA)
	x := xid(siteA)
	r.prepared(rm, x, r.Write("a", 1))
	r.ByHand(r.T, x, txn.VerdictAbort)
	r.wantError(rm.Commit(r.ctx, x), participant.ErrUnknownBranch)
	r.wantStanding(rm, x, participant.StandingNone)
	r.rollback(rm, x)
	r.wantNothing("a")
}

func siteRow(r *rig) {
	rm := r.process(siteA)
	if _, exists, err := rm.Site(r.ctx, cluster, siteA); err != nil || exists {
		r.Fatalf("a new database has a site row: %t, %v", exists, err)
	}
	row := func(gen, num, incarnation int32) txn.SiteRow {
		return txn.SiteRow{Applied: txn.Pos{Gen: gen, Num: num}, Incarnation: incarnation}
	}
	var stored txn.SiteRow
	for _, c := range siteMoves(row) {
		move := rm.SaveSite
		if c.adopt {
			move = rm.AdoptSite
		}
		err := move(r.ctx, cluster, siteA, c.was, c.row)
		if c.refused != errors.Is(err, participant.ErrSiteRow) || !c.refused && err != nil {
			r.Errorf("%s: %v", c.what, err)
		}
		if !c.refused {
			stored = c.row
		}
		if !r.Exclusive && r.Kill != nil && c.restart {
			r.Kill(r.T)
			r.Restart(r.T)
		}
		if r.Exclusive || c.restart {
			rm = r.process(siteA)
		}
		got, exists, err := rm.Site(r.ctx, cluster, siteA)
		if err != nil || exists != (stored != txn.SiteRow{}) || got != stored {
			r.Fatalf("%s: the site row is %+v, %t, %v, want %+v", c.what, got, exists, err, stored)
		}
	}
	if _, exists, err := rm.Site(r.ctx, "other", siteA); err != nil || exists {
		r.Fatalf("another cluster has our site row: %t, %v", exists, err)
	}
}

// siteMove is one attempt to move the site row.
type siteMove struct {
	what                    string
	adopt, refused, restart bool
	was, row                txn.SiteRow
}

func siteMoves(row func(gen, num, incarnation int32) txn.SiteRow) []siteMove {
	none := txn.SiteRow{}
	return []siteMove{
		{what: "no row where one was known: restored", was: row(1, 3, 1), row: row(1, 7, 2), refused: true},
		{what: "the first", was: none, row: row(1, 7, 2), restart: true},
		{what: "the same again", was: none, row: row(1, 7, 2)},
		{what: "onward", was: row(1, 7, 2), row: row(2, 1<<30, 1<<30), restart: true},
		{what: "a late one of an older process", was: row(1, 7, 2), row: row(2, 1<<30, 3), refused: true},
		{what: "a late one of a newer session with an older position", was: row(1, 7, 2), row: row(1, 8, 1<<30+1), refused: true},
		{what: "less than was known: restored", was: row(3, 0, 1<<30), row: row(3, 1, 1<<30), refused: true},
		{what: "less sessions than were known: restored", was: row(2, 1<<30, 1<<30+1), row: row(3, 1, 1<<30+1), refused: true},
		{what: "what stands there", was: row(2, 1<<30, 1<<30), row: row(2, 1<<30, 1<<30)},
		{what: "adopted, of another row", adopt: true, was: row(1, 7, 2), row: row(1, 1, 1), refused: true},
		{what: "adopted", adopt: true, was: row(2, 1<<30, 1<<30), row: row(1, 1, 1), restart: true},
		{what: "adopted again", adopt: true, was: row(2, 1<<30, 1<<30), row: row(1, 1, 1)},
	}
}
