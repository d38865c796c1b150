package mysql

import (
	"context"
	"fmt"

	"github.com/medcommit/medcommit/txn"
)

// listed is one line of XA RECOVER.
type listed struct {
	format, gtrid, bqual int // the last two are lengths in data
	data                 []byte
}

// recoverable lists the server's prepared branches, those of other databases and programs included.
func recoverable(ctx context.Context, s *session) ([]listed, error) {
	rows, err := s.conn.QueryContext(ctx, "XA RECOVER")
	if err != nil {
		return nil, fmt.Errorf("list prepared branches: %w", clean(err))
	}
	defer rows.Close()
	var all []listed
	for rows.Next() {
		var l listed
		if err := rows.Scan(&l.format, &l.gtrid, &l.bqual, &l.data); err != nil {
			return nil, fmt.Errorf("list prepared branches: %w", err)
		}
		all = append(all, l)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list prepared branches: %w", clean(err))
	}
	return all, nil
}

// xid gives the branch's name where it is one of medcommit's.
func (l listed) xid() (txn.XID, bool) {
	if l.format != 1 || l.gtrid < 0 || l.bqual < 0 || l.gtrid+l.bqual != len(l.data) {
		return txn.XID{}, false
	}
	xid, err := txn.ParseXID(string(l.data[:l.gtrid]) + "." + string(l.data[l.gtrid:]))
	if err != nil || len(xid.GTRID()) != l.gtrid {
		return txn.XID{}, false
	}
	return xid, true
}

// name is the branch's name for people: ours as medcommit writes it, others as XA statements take them.
func (l listed) name() string {
	if xid, ours := l.xid(); ours {
		return xid.String()
	}
	gtrid := min(max(l.gtrid, 0), len(l.data))
	return fmt.Sprintf("X'%x',X'%x',%d", l.data[:gtrid], l.data[gtrid:], l.format)
}

// isPrepared looks for one branch in the server's list.
func isPrepared(ctx context.Context, s *session, xid txn.XID) (bool, error) {
	all, err := recoverable(ctx, s)
	if err != nil {
		return false, err
	}
	for _, l := range all {
		if x, ours := l.xid(); ours && x == xid {
			return true, nil
		}
	}
	return false, nil
}

// mark is what there is of a branch's marker.
type mark uint8

const (
	markNone        mark = iota
	markUncommitted      // the branch is being worked on, prepared, or in limbo
	markCommitted        // the branch is committed (R7)
)

// marked looks for a branch's marker, also for one that is not committed yet.
func marked(ctx context.Context, s *session, xid txn.XID) (mark, error) {
	const count = "SELECT COUNT(*) FROM medcommit_branches WHERE cluster = ? AND `key` = ? AND participant = ?"
	found := markNone
	for _, look := range []struct {
		query string
		finds mark
	}{{"SET TRANSACTION ISOLATION LEVEL READ UNCOMMITTED; " + count, markUncommitted}, {count, markCommitted}} {
		var n int
		row := s.conn.QueryRowContext(ctx, look.query, xid.Cluster, string(xid.Key), xid.Participant)
		if err := row.Scan(&n); err != nil {
			return markNone, fmt.Errorf("look for a marker: %w", clean(err))
		}
		if n == 0 {
			break
		}
		found = look.finds
	}
	return found, nil
}
