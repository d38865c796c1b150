package postgres

import (
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/medcommit/medcommit/participant"
	"github.com/medcommit/medcommit/txn"
)

// The SQLSTATEs that mean something of their own here.
const (
	codeReadOnly      = "25006"
	codeSerialization = "40001"
	codeDeadlock      = "40P01"
	codeLockTimeout   = "55P03"
	codeCancelled     = "57014"
	codeCheck         = "23514"
	codeNoSuchGID     = "42704"
	codeRefused       = "55000" // another session finishes the branch; or, from PREPARE TRANSACTION, there are no slots at all
	codeIO            = "58030"
	codeRights        = "42501"
	codeIndeterminate = "42P18" // the type of a parameter cannot be inferred
	codeUnsupported   = "0A000" // also: a kept plan does not fit its table any more
)

// rowsDomain is the type whose check fails where a statement's rows are not those wanted.
const rowsDomain = "medcommit_rows"

// ballot is the vote to abort that a failed statement means. Of a failure that may be its own fault, nothing is said but a word.
func ballot(e *pgconn.PgError) txn.Ballot {
	switch {
	case e.Code == codeCheck && e.DataTypeName == rowsDomain:
		return txn.Abort(txn.DetailRows)
	case e.Code == codeSerialization:
		return txn.Abort(txn.DetailSerialization)
	case e.Code == codeDeadlock:
		return txn.Abort(txn.DetailDeadlock)
	case e.Code == codeLockTimeout || e.Code == codeCancelled:
		return txn.Abort(txn.DetailLockTimeout)
	case strings.HasPrefix(e.Code, "23"):
		return txn.Abort(txn.DetailConstraint)
	case unreachable(e):
		return txn.Abort(txn.DetailDatabaseUnavailable)
	}
	return txn.Abort(txn.DetailInternal)
}

// unreachable tells whether the server refuses work for a reason that passes: no room, shutting down, a broken disk.
func unreachable(e *pgconn.PgError) bool {
	return strings.HasPrefix(e.Code, "53") || strings.HasPrefix(e.Code, "57P") || e.Code == codeIO
}

// answered gives the server's own error, where the server said one and keeps the connection.
func answered(err error) (*pgconn.PgError, bool) {
	var e *pgconn.PgError
	if errors.As(err, &e) && e.SeverityUnlocalized != "FATAL" && e.SeverityUnlocalized != "PANIC" {
		return e, true
	}
	return nil, false
}

// outside makes an error fit to be logged: a server's message may quote values, so that only its code and names remain. What is
// no answer of a working server wraps participant.ErrUnavailable.
func outside(err error) error {
	e, ok := answered(err)
	var connect *pgconn.ConnectError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &connect) || !ok:
		return fmt.Errorf("%w: %w", participant.ErrUnavailable, err)
	case unreachable(e):
		return fmt.Errorf("%w: SQLSTATE %s", participant.ErrUnavailable, e.Code)
	case e.Code == codeRights:
		return fmt.Errorf("%w: %s", ErrRights, e.Message) // names of tables and functions, no values
	}
	return fmt.Errorf("SQLSTATE %s", e.Code)
}
