package mysql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/medcommit/medcommit/participant"
	"github.com/medcommit/medcommit/txn"
)

// Lookup says what a branch has come to. It first ends the connections on which a prepare of this process was lost.
func (m *Manager) Lookup(ctx context.Context, xid txn.XID) (participant.Standing, error) {
	b, release, err := m.branches.take(ctx, xid)
	if err != nil {
		return participant.StandingNone, fmt.Errorf("look for branch: %w", err)
	}
	defer release()
	standing, err := m.standing(ctx, b, xid)
	if err != nil {
		return participant.StandingNone, fmt.Errorf("look for branch: %w", err)
	}
	return standing, nil
}

// standing looks among the prepared branches, then for the marker, then among the prepared once more (R7).
func (m *Manager) standing(ctx context.Context, b *branch, xid txn.XID) (standing participant.Standing, err error) {
	err = m.finisher(ctx, func(ctx context.Context, s *session) error {
		if err := m.endLost(ctx, s, b); err != nil {
			return err
		}
		prepared, err := isPrepared(ctx, s, xid)
		if err == nil && !prepared {
			var found mark
			if found, err = marked(ctx, s, xid); found == markCommitted {
				standing = participant.StandingCommitted
				return nil
			}
			if err == nil {
				prepared, err = isPrepared(ctx, s, xid)
			}
		}
		if prepared {
			standing = participant.StandingPrepared
		}
		return err
	})
	return standing, err
}

// Prepared lists the server's prepared branches. Since is from the branch's marker, which is not committed yet, and zero where
// that is in another database.
func (m *Manager) Prepared(ctx context.Context) (all []participant.PreparedBranch, err error) {
	err = m.finisher(ctx, func(ctx context.Context, s *session) error {
		lines, err := recoverable(ctx, s)
		if err != nil {
			return err
		}
		for _, l := range lines {
			p := participant.PreparedBranch{Name: l.name()}
			p.XID, _ = l.xid()
			all = append(all, p)
		}
		return s.dates(ctx, all)
	})
	if err != nil {
		return nil, fmt.Errorf("list prepared branches: %w", err)
	}
	return all, nil
}

// dates looks when branches were begun, in markers that nobody else can see before they are committed.
func (s *session) dates(ctx context.Context, all []participant.PreparedBranch) error {
	tx, err := s.conn.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadUncommitted, ReadOnly: true})
	if err != nil {
		return fmt.Errorf("look for markers: %w", clean(err))
	}
	defer tx.Rollback()
	for i, p := range all {
		if p.XID == (txn.XID{}) {
			continue
		}
		var seconds float64
		err := tx.QueryRowContext(ctx, "SELECT UNIX_TIMESTAMP(at) FROM medcommit_branches WHERE cluster = ? AND `key` = ? AND participant = ?",
			p.XID.Cluster, string(p.XID.Key), p.XID.Participant).Scan(&seconds)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			continue
		case err != nil:
			return fmt.Errorf("look for markers: %w", clean(err))
		}
		all[i].Since = time.UnixMilli(int64(seconds * 1000))
	}
	return nil
}
