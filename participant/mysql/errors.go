package mysql

import (
	"errors"
	"fmt"

	"github.com/go-sql-driver/mysql"

	"github.com/medcommit/medcommit/txn"
)

// What is wrong with a resource URL, a server, or a branch.
var (
	// ErrURL says that a resource URL cannot be read.
	ErrURL = errors.New("the URL is not mysql://user:password@host:port/database")
	// ErrUnfit says that the server, or our tables in it, cannot give what two-phase commit needs; its text says what to do.
	ErrUnfit = errors.New("the database server is not fit")
	// errNoRoom says that as many branches are unfinished as may be.
	errNoRoom = errors.New("all connections for unfinished branches are taken")
	// errHeld says that a prepared branch is still attached to a connection that is not known to be ours.
	errHeld = errors.New("the branch is held by another connection")
	// errLimbo says that a branch is neither listed nor over, by its marker. Either another process is about to prepare it, or the
	// server took it for finished while its connection ended: it is prepared again when the server is started again.
	errLimbo = errors.New("the server does not list the branch and has not finished it; if that stays so, start the server again")
	// errUnsent says that a request was never sent: it is larger than the server takes, or its values and places do not match.
	errUnsent = errors.New("the request cannot be sent")
	// errTaken says that the server knows a branch that was to be begun.
	errTaken = errors.New("the branch is there already")
	// errUnclear says that a server did not answer each statement of a batch.
	errUnclear = errors.New("the server did not answer each statement")
)

// Error numbers of the server that the protocol turns on. Both makers share them.
const (
	errUnknownXID    = 1397 // XAER_NOTA: not prepared, or attached to a connection that lives
	errRolledBack    = 1402 // XA_RBROLLBACK
	errDuplicateXID  = 1440 // XAER_DUPID
	errRBTimeout     = 1613 // XA_RBTIMEOUT
	errRBDeadlock    = 1614 // XA_RBDEADLOCK
	errDuplicateKey  = 1062
	errWrongRows     = 1649 // ER_UNKNOWN_LOCALE: what the guard of a statement's rows fails with
	errNoSuchThread  = 1094
	errShutdown      = 1053 // ER_SERVER_SHUTDOWN
	errKilled        = 1927 // MariaDB's ER_CONNECTION_KILLED
	errNotAuthorised = 1227 // ER_SPECIFIC_ACCESS_DENIED
	errXAInternal    = 1401 // XAER_RMERR: what MySQL answers to XA RECOVER without the right
)

// fault is an error that the server answered. Its text is kept only where it cannot hold values that a client sent.
type fault struct {
	number uint16
	state  string
	text   string
}

func (f *fault) Error() string {
	if f.text != "" {
		return fmt.Sprintf("%s (error %d)", f.text, f.number)
	}
	return fmt.Sprintf("server error %d (SQLSTATE %s)", f.number, f.state)
}

// clean takes the server's text out of an error.
func clean(err error) error {
	if me := (*mysql.MySQLError)(nil); errors.As(err, &me) {
		return &fault{number: me.Number, state: string(me.SQLState[:])}
	}
	return err
}

// told keeps the server's text, for what is done before any client's work. What does not mend itself, a wrong password or a missing
// right, is ErrUnfit.
func told(err error) error {
	f := (*fault)(nil)
	if me := (*mysql.MySQLError)(nil); errors.As(err, &me) {
		f = &fault{number: me.Number, state: string(me.SQLState[:]), text: me.Message}
		err = f
	}
	if f == nil && !errors.As(err, &f) {
		return err
	}
	switch f.number {
	case 1044, 1045, 1049, 1142, 1227, 1698: // no access, no such database, no right
		return fmt.Errorf("%w: %w", ErrUnfit, err)
	}
	return err
}

// number is the server's error number, or 0 where the server did not answer.
func number(err error) uint16 {
	if f := (*fault)(nil); errors.As(err, &f) {
		return f.number
	}
	return 0
}

// detail says of which kind an error is that ended a branch's work.
func detail(err error) txn.Detail {
	if errors.Is(err, errUnsent) {
		return txn.DetailInternal
	}
	switch number(err) {
	case errWrongRows:
		return txn.DetailRows
	case 1213, errRBDeadlock:
		return txn.DetailDeadlock
	case 1205, 3572, errRBTimeout: // 3572: NOWAIT on MySQL
		return txn.DetailLockTimeout
	case 1020, 1412, 1615: // the record, the table's definition or the statement changed since it was read
		return txn.DetailSerialization
	case errDuplicateKey, 1586, 1761, 1762, // unique keys
		1451, 1452, 1216, 1217, 1557, // foreign keys
		1048, 1364, // not null
		3819, 4025, // checks, on MySQL and on MariaDB
		1264, 1265, 1292, 1366, 1406, 1690, // values outside of their type
		1644: // a trigger's SIGNAL
		return txn.DetailConstraint
	case 0, // no answer
		1040, 1203, 1226, // too many connections
		errShutdown, errKilled, 1317, 4031, 1152, 1158, 1159, 1160, 1161, 1184, // shut down, killed, cut
		1021, 1114, 1206, 1041, 1037, 1038, 1135, // disk, table space, lock table, memory, threads
		1290, 1836, // read-only server
		1969, 3024: // the server's own limit of time
		return txn.DetailDatabaseUnavailable
	}
	return txn.DetailInternal
}
