package integration

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/medcommit/medcommit/txn"
)

// endLimit is how long a transaction may take to come to its end everywhere once all processes are back.
const endLimit = 15 * time.Second

// audit waits until every transaction is over and every branch finished, and compares the databases with what clients were told.
func (l *lane) audit() {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(l.ctx, endLimit)
	defer cancel()
	open := ""
	err := await(ctx, func() bool {
		for _, s := range []txn.State{txn.StatePreparing, txn.StateCommitting, txn.StateAborting} {
			page, err := l.client.List(ctx, txn.Filter{State: s, Limit: 1})
			if err != nil {
				open = err.Error()
				return false
			}
			if len(page.Transactions) > 0 {
				open = fmt.Sprintf("%s is %v", page.Transactions[0].ID, s)
				return false
			}
		}
		return true
	})
	if err != nil {
		l.t.Errorf("not every transaction came to its end: %s", open)
	}
	l.awaitUnprepared(false)
	l.books.audit(l)
	if l.remembers {
		l.auditHistory()
	}
}

// auditHistory asks a coordinator for everything: each transaction is there once, as clients were told.
func (l *lane) auditHistory() {
	l.t.Helper()
	seen := map[string]txn.State{}
	for f := (txn.Filter{Limit: 1000}); ; {
		page, err := l.patient.List(l.ctx, f)
		l.must(err)
		for i := range page.Transactions {
			t := &page.Transactions[i]
			if _, twice := seen[t.ID]; twice {
				l.t.Errorf("%s is listed twice", t.ID)
			}
			seen[t.ID] = t.State
		}
		if f.Cursor = page.Next; f.Cursor == "" {
			break
		}
	}
	l.books.mu.Lock()
	defer l.books.mu.Unlock()
	for id, told := range l.books.outcomes {
		if state, listed := seen[id]; !listed || state.Commit() != told.State.Commit() {
			l.t.Errorf("clients were told that %s is %v; it is listed: %v, as %v", id, told.State, listed, state)
		}
	}
	for id := range seen {
		if _, known := l.books.outcomes[id]; !known {
			l.t.Errorf("%s is listed, and no client was told of it", id)
		}
	}
}

// audit reads the three sites' entries and balances.
func (b *crashBooks) audit(l *lane) {
	l.t.Helper()
	entries := map[string]map[string]int64{"orders": {}, "pharmacy": {}, "emr": {}}
	balances := map[string]int64{}
	base := ""
	for _, p := range l.cluster.Describe().Participants {
		if p.Name == "emr" {
			base = p.URL
		}
	}
	records(l.t, base, "entry/", func(key string, n int64) { entries["emr"][key[len("entry/"):]] = n })
	records(l.t, base, "account/", func(_ string, n int64) { balances["emr"] += n })
	const all = "SELECT tx, amount FROM entry"
	rows, err := b.orders.QueryContext(l.ctx, all)
	l.must(err)
	l.must(amounts(rows, entries["orders"]))
	rows.Close()
	prows, err := b.pharmacy.Query(l.ctx, all)
	l.must(err)
	l.must(amounts(prows, entries["pharmacy"]))
	prows.Close()
	var total int64
	l.must(b.orders.QueryRowContext(l.ctx, "SELECT CAST(SUM(balance) AS SIGNED) FROM account").Scan(&total))
	balances["orders"] = total
	l.must(b.pharmacy.QueryRow(l.ctx, "SELECT sum(balance)::bigint FROM account").Scan(&total))
	balances["pharmacy"] = total
	b.compare(l.t, entries, balances)
	b.compareMarkers(l)
}

// amounts reads rows of a transaction's id and an amount.
func amounts(rows interface {
	Next() bool
	Scan(...any) error
	Err() error
}, into map[string]int64,
) error {
	for rows.Next() {
		var id string
		var n int64
		if err := rows.Scan(&id, &n); err != nil {
			return err
		}
		into[id] = n
	}
	return rows.Err()
}

func (b *crashBooks) compare(t *testing.T, entries map[string]map[string]int64, balances map[string]int64) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	var everything int64
	for site, at := range entries {
		var sum int64
		for id, amount := range at {
			sum += amount
			if _, known := b.outcomes[id]; !known {
				t.Errorf("%s is at %s, and no client was told of it", id, site)
			}
		}
		if sum != balances[site] {
			t.Errorf("the entries of %s sum up to %d, its balances to %d", site, sum, balances[site])
		}
		everything += sum
	}
	if byHand := int64(len(b.byHand) * heldAmount); everything != byHand {
		t.Errorf("the sites' sums are %v, and together not %d", balances, byHand)
	}
	for id, told := range b.outcomes {
		for _, branch := range told.Branches {
			_, there := entries[branch.Participant][id]
			if there != b.committed(told, branch.Participant) {
				t.Errorf("clients were told that %s is %v; that it is at %s: %v", id, told.State, branch.Participant, there)
			}
		}
	}
}

// compareMarkers looks at the markers, by which medcommit itself tells what is committed: none is there of what was aborted.
func (b *crashBooks) compareMarkers(l *lane) {
	l.t.Helper()
	const marked = "SELECT cluster, %s FROM medcommit_branches"
	keys := map[string]map[string]bool{"orders": {}, "pharmacy": {}}
	rows, err := b.orders.QueryContext(l.ctx, fmt.Sprintf(marked, "`key`"))
	l.must(err)
	for rows.Next() {
		var cluster, key string
		l.must(rows.Scan(&cluster, &key))
		keys["orders"][cluster+"."+key] = true
	}
	l.must(errors.Join(rows.Err(), rows.Close()))
	prows, err := b.pharmacy.Query(l.ctx, fmt.Sprintf(marked, "key"))
	l.must(err)
	for prows.Next() {
		var cluster, key string
		l.must(prows.Scan(&cluster, &key))
		keys["pharmacy"][cluster+"."+key] = true
	}
	l.must(prows.Err())
	b.mu.Lock()
	defer b.mu.Unlock()
	for id, told := range b.outcomes {
		for _, branch := range told.Branches {
			name := strings.TrimSuffix(strings.TrimPrefix(branch.XID, "medcommit."), "."+branch.Participant)
			if keys[branch.Participant][name] && !b.committed(told, branch.Participant) {
				l.t.Errorf("%s was aborted, and marked as committed at %s", id, branch.Participant)
			}
			delete(keys[branch.Participant], name)
		}
	}
	for site, left := range keys {
		if len(left) > 0 {
			l.t.Errorf("%s has markers of branches that no client was told of: %v", site, slices.Sorted(maps.Keys(left)))
		}
	}
}
