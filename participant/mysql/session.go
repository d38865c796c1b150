package mysql

import (
	"context"
	"crypto/rand"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
)

// sqlMode makes a catalogue's statements mean the same on every server: values that do not fit are errors, a backslash escapes and
// a double quote makes a string, as the driver's interpolation and participant.SplitSQL take it.
const sqlMode = "STRICT_TRANS_TABLES,STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"

// session is one connection of ours. It holds a user lock of a random name for as long as the server's thread lives, so that
// anybody can ask the server whether it still does, and which thread it is: connection numbers begin anew with each start of the
// server, and the process list does not say when a connection began. The server frees the lock after it has let go of the
// connection's branch.
type session struct {
	conn *sql.Conn
	lock string
	idle time.Time // since when it is not used
	// stained is set once a statement may have changed the session itself; it is closed after its branch.
	stained bool
}

// dial opens a connection and sets it up. Its errors are said with the server's text: nothing a client sent is in them.
func (m *Manager) dial(ctx context.Context) (*session, error) {
	conn, err := m.db.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", told(err))
	}
	s := &session{conn: conn, lock: "medcommit." + strings.ToLower(rand.Text())}
	if err := s.setUp(ctx, m.cfg.lockSeconds()); err != nil {
		s.close()
		return nil, fmt.Errorf("set up connection: %w", err)
	}
	return s, nil
}

// setUp sets what the session needs and checks what would be dangerous if it were not so.
func (s *session) setUp(ctx context.Context, lockSeconds int) error {
	err := s.batch(ctx, 4, "SET SESSION sql_mode = ?, innodb_lock_wait_timeout = ?, lock_wait_timeout = ?, wait_timeout = 28800;\n"+
		"SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED;\nSET autocommit = 1;\nDO GET_LOCK(?, 0)",
		sqlMode, int64(lockSeconds), int64(lockSeconds), s.lock)
	if err != nil {
		return err
	}
	var mode string
	var locked sql.NullBool
	row := s.conn.QueryRowContext(ctx, "SELECT @@SESSION.sql_mode, IS_USED_LOCK(?) = CONNECTION_ID()", s.lock)
	if err := row.Scan(&mode, &locked); err != nil {
		return clean(err)
	}
	switch {
	case strings.Contains(mode, "NO_BACKSLASH_ESCAPES"), strings.Contains(mode, "ANSI_QUOTES"):
		return fmt.Errorf("%w: it does not let sql_mode be set", ErrUnfit)
	case !locked.Bool:
		return fmt.Errorf("%w: it gives no user locks (GET_LOCK)", ErrUnfit)
	}
	return nil
}

// batch sends so many statements as one request, values bound by the driver's interpolation. The server stops at the first that
// fails: a fault says so, and that none after it was begun. Any other error but errUnsent: what was done is not known.
func (s *session) batch(ctx context.Context, statements int, query string, values ...driver.Value) error {
	named := make([]driver.NamedValue, len(values))
	for i, v := range values {
		named[i] = driver.NamedValue{Ordinal: i + 1, Value: v}
	}
	return s.conn.Raw(func(raw any) error {
		result, err := raw.(driver.ExecerContext).ExecContext(ctx, query, named)
		if errors.Is(err, driver.ErrSkip) || errors.Is(err, mysql.ErrPktTooLarge) {
			return errUnsent
		}
		if err != nil {
			return clean(err)
		}
		if n := len(result.(mysql.Result).AllRowsAffected()); n != statements {
			return fmt.Errorf("%w: %d of %d", errUnclear, n, statements)
		}
		return nil
	})
}

// run sends a script as one batch.
func (s *session) run(ctx context.Context, request *script) error {
	return s.batch(ctx, request.count, request.text.String(), request.values...)
}

// count gives the rows that the session's last statement changed, or returned.
func (s *session) count(ctx context.Context) (n int64, err error) {
	err = s.conn.QueryRowContext(ctx, "SELECT "+rowCount).Scan(&n)
	return n, clean(err)
}

// alive looks at the socket, without asking the server: an idle connection that the server has closed is of no use.
func (s *session) alive(ctx context.Context) bool {
	return s.conn.Raw(func(raw any) error { return raw.(driver.SessionResetter).ResetSession(ctx) }) == nil
}

// close closes the connection physically: the pool of database/sql keeps none.
func (s *session) close() {
	_ = s.conn.Close() // a connection that is already broken is closed all the same
}
