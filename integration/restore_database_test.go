package integration

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/medcommit/medcommit/txn"
)

// TestRestoredDatabase puts a site's PostgreSQL back to a copy of its disk that was taken under load, while branches were prepared
// and undecided, and lets the cluster go on under load (R10). The site says why it is not ready and touches nothing that is prepared
// until an operator's word. Then what is prepared is finished as was decided meanwhile; what is decided to commit and no longer there
// is reported (R7), in the log or in history; and the other sites have noticed nothing.
func TestRestoredDatabase(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	r := startRestoreRig(ctx, t, 4*time.Second)
	load := startRestoreLoad(ctx, t, r.client, 20*time.Second, "pharmacy", "emr")
	others := startRestoreLoad(ctx, t, r.client, 20*time.Second, "lab", "emr")
	load.progress(ctx, t, 30)

	backup := filepath.Join(t.TempDir(), "backup")
	var held []string
	r.holdUndecided(func(prepared []string) {
		held = prepared
		r.must(r.postgres.Kill())
		r.must(r.postgres.Backup(backup))
		r.must(r.postgres.Start(ctx))
	})
	load.progress(ctx, t, 30)
	r.must(await(ctx, func() bool { return len(missing(held, r.prepared())) == len(held) }))

	var lost []string
	r.holdUndecided(func(prepared []string) {
		lost = prepared
		r.must(r.postgres.Kill())
	})
	// They are decided while the database is away.
	r.must(await(ctx, func() bool { return len(missing(lost, decided(load))) == 0 }))
	r.must(r.postgres.PutBack(backup))
	r.must(r.postgres.Start(ctx))

	r.awaitRestored("pharmacy")
	kept := r.entries()
	before := others.committed()
	others.progress(ctx, t, 30)
	t.Logf("%d branches were prepared in the backup, %d decided while the database was away; %d others committed since it is back",
		len(held), len(lost), others.committed()-before)
	if gone := missing(held, r.prepared()); len(gone) > 0 {
		t.Errorf("finished before an operator's word: %v", gone)
	}
	if now := r.entries(); !slices.Equal(now, kept) {
		t.Errorf("committed before an operator's word: %v", missing(now, kept))
	}
	if out, err := r.run("participants", "adopt", "lab", "--reason", "none"); err == nil {
		t.Errorf("a site was adopted that has nothing to adopt: %s", out)
	}

	r.adopt("pharmacy")
	load.progress(ctx, t, 30)
	told := load.end(t)
	r.mustEnd(others.end(t))
	r.auditDatabase(told, kept, held, lost)
}

// decided gives the pharmacy's XIDs of what clients were told to be committed or aborted, sorted.
func decided(l *restoreLoad) (list []string) {
	for _, t := range l.outcomes() {
		list = append(list, xidAt(t, "pharmacy"))
	}
	slices.Sort(list)
	return list
}

func xidAt(t txn.Transaction, site string) string {
	for _, b := range t.Branches {
		if b.Participant == site {
			return b.XID
		}
	}
	return ""
}

// mustEnd checks transactions that do not touch the pharmacy: every one of them was committed, and is at both sites.
func (r *restoreRig) mustEnd(told map[string]txn.Transaction) {
	r.t.Helper()
	for id, t := range told {
		if !t.State.Commit() {
			r.t.Errorf("%s, which does not touch the restored site, is %v: %+v", id, t.State, t.Reason)
		}
	}
	ids := slices.Sorted(maps.Keys(told))
	for _, site := range []string{"lab", "emr"} {
		var gone []string
		if err := await(r.ctx, func() bool { gone = missing(ids, r.records(site)); return len(gone) == 0 }); err != nil {
			r.t.Errorf("committed, and not at %s: %v", site, gone)
		}
	}
}

// auditDatabase compares the restored database with what clients were told. kept is what was in the backup; held was prepared there;
// lost was prepared when the server stopped, and decided afterwards.
func (r *restoreRig) auditDatabase(told map[string]txn.Transaction, kept, held, lost []string) {
	r.t.Helper()
	if err := await(r.ctx, func() bool { return len(r.prepared()) == 0 }); err != nil {
		r.t.Errorf("still prepared: %v", r.prepared())
	}
	entries, notes := r.entries(), r.records("emr")
	if gone := missing(kept, entries); len(gone) > 0 {
		r.t.Errorf("in the backup, and gone: %v", gone)
	}
	reported, finished, retired := 0, 0, 0
	for id, t := range told {
		_, here := slices.BinarySearch(entries, id)
		_, there := slices.BinarySearch(notes, id)
		xid := xidAt(t, "pharmacy")
		if there != t.State.Commit() {
			r.t.Errorf("%s is %v, and at emr: %v", id, t.State, there)
		}
		switch {
		case !t.State.Commit():
			if here {
				r.t.Errorf("%s is %v, and in the restored database", id, t.State)
			}
		case slices.Contains(held, xid):
			finished++
			if !here {
				r.t.Errorf("%s was prepared in the backup and decided to commit, and is not there", id)
			}
		case slices.Contains(lost, xid), !here:
			if reported++; !slices.Contains(lost, xid) {
				retired++
			}
			now, err := r.client.Get(r.ctx, id)
			if r.must(err); here || !hasOutcome(now, "pharmacy", txn.OutcomeHeuristicRollback) {
				r.t.Errorf("%s is lost and not reported: there %v, %+v", id, here, now.Branches)
			}
		}
	}
	if finished == 0 || retired == 0 || reported == retired {
		r.t.Errorf("nothing was tried: %d finished of the backup, %d lost, %d of those retired", finished, reported, retired)
	}
	if n := r.heuristics(); n < reported {
		r.t.Errorf("%d branches are lost and to be reported, the metric says %d", reported, n)
	}
	r.t.Logf("%d of the backup's branches committed, %d lost ones reported, %d of those had been retired", finished, reported, retired)
}

func hasOutcome(t txn.Transaction, site string, want txn.Outcome) bool {
	return slices.ContainsFunc(t.Branches, func(b txn.Branch) bool { return b.Participant == site && b.Outcome == want })
}

// heuristics is how many branches the pharmacy counts that were to commit and are not there.
func (r *restoreRig) heuristics() int {
	res, err := http.Get(r.site("pharmacy").URL + "/metrics")
	r.must(err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	r.must(err)
	for line := range strings.Lines(string(text)) {
		var n int
		if k, _ := fmt.Sscanf(line, `medcommit_heuristic_outcomes_total{outcome="heuristic-rollback",participant="pharmacy"} %d`, &n); k == 1 {
			return n
		}
	}
	return -1
}
