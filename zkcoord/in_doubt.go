package zkcoord

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/medcommit/medcommit/txn"
)

// InDoubt asks every site that has a session what is prepared in its database, and joins it with the log of decisions, read to its end
// afterwards: a branch that is listed undecided was so.
func (c *Coordinator) InDoubt(ctx context.Context) (txn.InDoubt, error) {
	all, err := c.inDoubt(ctx)
	if err != nil {
		return txn.InDoubt{}, fmt.Errorf("list what is prepared: %w", err)
	}
	return all, nil
}

func (c *Coordinator) inDoubt(ctx context.Context) (txn.InDoubt, error) {
	ctx, cancel := context.WithTimeout(ctx, queryPatience)
	defer cancel()
	if !c.roster.Load().read || !c.synced.Load() {
		return txn.InDoubt{}, txn.ErrUnavailable
	}
	sites, err := c.inventories.take(ctx, c)
	if err != nil {
		return txn.InDoubt{}, err
	}
	if err := c.catchUp(ctx); err != nil {
		return txn.InDoubt{}, err
	}
	all := txn.InDoubt{Branches: []txn.InDoubtBranch{}}
	for i := range sites {
		s := &sites[i]
		if !s.fresh {
			all.Unanswered = append(all.Unanswered, s.site)
		}
		all.More += s.list.More
		for j := range s.list.Branches {
			b, err := c.joined(ctx, s, &s.list.Branches[j])
			if err != nil {
				return txn.InDoubt{}, err
			}
			all.Branches = append(all.Branches, b)
		}
	}
	slices.SortStableFunc(all.Branches, func(a, b txn.InDoubtBranch) int {
		switch {
		case a.AgeSeconds > b.AgeSeconds:
			return -1
		case a.AgeSeconds < b.AgeSeconds:
			return 1
		}
		return 0
	})
	return all, nil
}

// joined joins what a site listed with what the log says.
func (c *Coordinator) joined(ctx context.Context, s *siteInventory, p *txn.PreparedInventory) (txn.InDoubtBranch, error) {
	b := txn.InDoubtBranch{Participant: s.site, XID: p.Name, Transaction: p.ID, AgeSeconds: float64(p.Age) / 1000}
	if !s.fresh {
		b.AgeSeconds += max(0, time.Since(time.UnixMilli(s.list.At)).Seconds())
	}
	if p.Foreign || p.Key == "" {
		b.Transaction, b.Decision = "", txn.ProspectForeign
		return b, nil
	}
	var live bool
	var t txn.Transaction
	if err := c.ask(ctx, func() { t, _, live = c.machine.LookupKey(p.Key) }); err != nil {
		return b, err
	}
	if !live && p.ID != "" { // in history, where its branches are over: it is a late one
		past, err := c.find(ctx, p.ID)
		live = err == nil && past.view.Key == p.Key
		t = past.view
	}
	switch {
	case live:
		b.Transaction, b.Decision = t.ID, txn.ProspectOf(decisionOf(&t))
	case p.Decision != txn.VerdictNone:
		b.Decision = txn.ProspectOf(p.Decision)
	case p.Unlogged && !s.held: // in no log: presumed to abort (R10)
		b.Decision = txn.ProspectAbort
	}
	return b, nil
}
