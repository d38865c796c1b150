package embedded

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/medcommit/medcommit/participant"
	"github.com/medcommit/medcommit/txn"
	"go.etcd.io/bbolt"
)

// Commit applies a prepared branch's changes, writes its marker and forgets the branch, in one transaction of the file.
func (s *Store) Commit(ctx context.Context, xid txn.XID) error {
	return s.finish(ctx, xid, func(b *branch, standing participant.Standing) error {
		switch standing {
		case participant.StandingCommitted:
			return nil
		case participant.StandingNone:
			return participant.ErrUnknownBranch
		}
		return s.writer.update(func(tx *bbolt.Tx) error {
			if err := b.apply(tx); err != nil {
				return err
			}
			if err := writeMarker(tx, xid); err != nil {
				return err
			}
			return tx.Bucket(bucketBranches).Delete([]byte(xid.String()))
		})
	})
}

// Rollback forgets a prepared branch.
func (s *Store) Rollback(ctx context.Context, xid txn.XID) error {
	return s.finish(ctx, xid, func(b *branch, _ participant.Standing) error {
		if b == nil {
			return nil
		}
		return s.writer.update(func(tx *bbolt.Tx) error {
			return tx.Bucket(bucketBranches).Delete([]byte(xid.String()))
		})
	})
}

// finish does what ends a branch and then gives its locks back: never before the file has it.
func (s *Store) finish(ctx context.Context, xid txn.XID, do func(*branch, participant.Standing) error) error {
	leave, err := s.enter()
	if err != nil {
		return err
	}
	defer leave()
	release, err := s.turns.take(ctx, xid)
	if err != nil {
		return fmt.Errorf("finish branch: %w", err)
	}
	defer release()
	standing, err := s.standing(xid)
	if err != nil {
		return err
	}
	b := s.branch(xid)
	if err := do(b, standing); err != nil {
		return fmt.Errorf("finish branch: %w", err)
	}
	if b != nil {
		s.mu.Lock()
		delete(s.prepared, xid)
		s.mu.Unlock()
		s.locks.release(b)
	}
	return nil
}

// Lookup waits for a call on the same branch that is under way.
func (s *Store) Lookup(ctx context.Context, xid txn.XID) (participant.Standing, error) {
	leave, err := s.enter()
	if err != nil {
		return participant.StandingNone, err
	}
	defer leave()
	release, err := s.turns.take(ctx, xid)
	if err != nil {
		return participant.StandingNone, fmt.Errorf("look up branch: %w", err)
	}
	defer release()
	return s.standing(xid)
}

func (s *Store) branch(xid txn.XID) *branch {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.prepared[xid]
}

func (s *Store) standing(xid txn.XID) (participant.Standing, error) {
	if s.branch(xid) != nil {
		return participant.StandingPrepared, nil
	}
	standing := participant.StandingNone
	err := s.file.View(func(tx *bbolt.Tx) error {
		if marked(tx, xid) {
			standing = participant.StandingCommitted
		}
		return nil
	})
	return standing, err
}

// Prepared lists the prepared branches by name.
func (s *Store) Prepared(context.Context) ([]participant.PreparedBranch, error) {
	leave, err := s.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]participant.PreparedBranch, 0, len(s.prepared))
	for xid, b := range s.prepared {
		out = append(out, participant.PreparedBranch{Name: xid.String(), XID: xid, Since: b.Since})
	}
	slices.SortFunc(out, func(a, b participant.PreparedBranch) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}
