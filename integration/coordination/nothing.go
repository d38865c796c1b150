package main

import (
	"context"
	"sync"

	"github.com/medcommit/medcommit/participant"
	"github.com/medcommit/medcommit/txn"
)

var _ participant.ResourceManager = (*nothing)(nil)

// nothing is a resource manager that keeps nothing but its site row, and that only in memory: what is measured with it is what all
// others cost beside their databases.
type nothing struct {
	mu     sync.Mutex
	row    txn.SiteRow
	exists bool
}

func (*nothing) Prepare(context.Context, txn.XID, []participant.Call) (txn.Ballot, error) {
	return txn.Commit(), nil
}

func (*nothing) Lookup(context.Context, txn.XID) (participant.Standing, error) {
	return participant.StandingPrepared, nil
}

func (*nothing) Commit(context.Context, txn.XID) error   { return nil }
func (*nothing) Rollback(context.Context, txn.XID) error { return nil }

func (*nothing) Prepared(context.Context) ([]participant.PreparedBranch, error) { return nil, nil }

func (n *nothing) Site(context.Context, string, string) (txn.SiteRow, bool, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.row, n.exists, nil
}

func (n *nothing) AdoptSite(ctx context.Context, cluster, name string, was, row txn.SiteRow) error {
	return n.SaveSite(ctx, cluster, name, was, row)
}

func (n *nothing) SaveSite(_ context.Context, _, _ string, _, row txn.SiteRow) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.row, n.exists = row, true
	return nil
}

func (*nothing) Open(context.Context, string, string, int32) error { return nil }
func (*nothing) Kind() string                                      { return participant.KindEmbedded }
func (*nothing) Close() error                                      { return nil }
