package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/medcommit/medcommit/participant"
	"github.com/medcommit/medcommit/txn"
)

// errBusy says that another session finishes the branch just now.
var errBusy = errors.New("another session finishes the branch")

// busyWait is how long a branch that another session finishes is left alone.
const busyWait = 20 * time.Millisecond

// Commit commits a prepared branch.
func (m *Manager) Commit(ctx context.Context, x txn.XID) error {
	ctx, cancel := context.WithTimeout(ctx, finishTimeout)
	defer cancel()
	for {
		err := m.conclude(ctx, "COMMIT PREPARED", x)
		if err == nil {
			return nil
		}
		if !errors.Is(err, errBusy) && !errors.Is(err, participant.ErrUnknownBranch) {
			return fmt.Errorf("commit branch: %w", err)
		}
		if errors.Is(err, participant.ErrUnknownBranch) {
			standing, lookup := m.standing(ctx, x)
			switch {
			case lookup != nil:
				return fmt.Errorf("commit branch: %w", lookup)
			case standing == participant.StandingCommitted:
				return nil
			case standing == participant.StandingNone:
				return fmt.Errorf("commit branch: %w", participant.ErrUnknownBranch)
			}
		}
		if err := pause(ctx); err != nil {
			return fmt.Errorf("commit branch: %w", err)
		}
	}
}

// Rollback rolls a branch back, and first sees to it that nothing of it can still arrive.
func (m *Manager) Rollback(ctx context.Context, x txn.XID) error {
	ctx, cancel := context.WithTimeout(ctx, finishTimeout)
	defer cancel()
	if err := m.settle(ctx, x); err != nil {
		return fmt.Errorf("roll branch back: %w", err)
	}
	for {
		err := m.conclude(ctx, "ROLLBACK PREPARED", x)
		switch {
		case err == nil || errors.Is(err, participant.ErrUnknownBranch):
			return nil
		case !errors.Is(err, errBusy):
			return fmt.Errorf("roll branch back: %w", err)
		}
		if err := pause(ctx); err != nil {
			return fmt.Errorf("roll branch back: %w", err)
		}
	}
}

// conclude sends one command that ends a branch. ErrUnknownBranch: no branch of that name is prepared. errBusy: another session
// is at it.
func (m *Manager) conclude(ctx context.Context, command string, x txn.XID) error {
	if err := validate(x); err != nil {
		return err
	}
	conn, err := m.finishers.Acquire(ctx)
	if err != nil {
		return outside(err)
	}
	defer conn.Release()
	_, err = conn.Conn().PgConn().Exec(ctx, command+" '"+x.String()+"'").ReadAll()
	if e, ok := answered(err); ok && e.Code == codeNoSuchGID {
		return participant.ErrUnknownBranch
	} else if ok && e.Code == codeRefused {
		return errBusy
	}
	return outside(err)
}

// pause waits before a branch that is being finished is looked at again.
func pause(ctx context.Context) error {
	select {
	case <-time.After(busyWait):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Lookup says where a branch stands, once nothing that was sent for it on a connection that broke can arrive any more.
func (m *Manager) Lookup(ctx context.Context, x txn.XID) (participant.Standing, error) {
	ctx, cancel := context.WithTimeout(ctx, finishTimeout)
	defer cancel()
	if err := m.settle(ctx, x); err != nil {
		return participant.StandingNone, fmt.Errorf("look branch up: %w", err)
	}
	standing, err := m.standing(ctx, x)
	if err != nil {
		return participant.StandingNone, fmt.Errorf("look branch up: %w", err)
	}
	return standing, nil
}

const (
	isPrepared = `SELECT EXISTS (SELECT FROM pg_prepared_xacts WHERE gid = $1 AND database = current_database())`
	isMarked   = `SELECT EXISTS (SELECT FROM medcommit_branches WHERE cluster = $1 AND key = $2 AND participant = $3)`
)

// standing looks among the prepared, for the marker, and among the prepared again (R7). Each look is a statement of its own: one
// statement sees the markers as of its beginning and the prepared as of later, and could miss a branch that is committed between.
func (m *Manager) standing(ctx context.Context, x txn.XID) (participant.Standing, error) {
	for _, look := range []struct {
		sql   string
		args  []any
		found participant.Standing
	}{
		{isPrepared, []any{x.String()}, participant.StandingPrepared},
		{isMarked, []any{x.Cluster, string(x.Key), x.Participant}, participant.StandingCommitted},
		{isPrepared, []any{x.String()}, participant.StandingPrepared},
	} {
		found, err := holds(ctx, m.finishers, look.sql, look.args...)
		if err != nil {
			return participant.StandingNone, err
		}
		if found {
			return look.found, nil
		}
	}
	return participant.StandingNone, nil
}

func holds(ctx context.Context, pool *pgxpool.Pool, sql string, args ...any) (bool, error) {
	var found bool
	err := pool.QueryRow(ctx, sql, args...).Scan(&found)
	return found, outside(err)
}

// Prepared lists every prepared branch in the database.
func (m *Manager) Prepared(ctx context.Context) ([]participant.PreparedBranch, error) {
	ctx, cancel := context.WithTimeout(ctx, finishTimeout)
	defer cancel()
	rows, err := m.finishers.Query(ctx, `SELECT gid, prepared FROM pg_prepared_xacts WHERE database = current_database()`)
	if err != nil {
		return nil, fmt.Errorf("list prepared branches: %w", outside(err))
	}
	defer rows.Close()
	var branches []participant.PreparedBranch
	for rows.Next() {
		var b participant.PreparedBranch
		if err := rows.Scan(&b.Name, &b.Since); err != nil {
			return nil, fmt.Errorf("list prepared branches: %w", outside(err))
		}
		if x, err := txn.ParseXID(b.Name); err == nil {
			b.XID = x // else it is foreign
		}
		branches = append(branches, b)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list prepared branches: %w", outside(err))
	}
	return branches, nil
}
