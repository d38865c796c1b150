package bench

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
)

// mysqlSession does a client's share on MySQL or MariaDB: MariaDB lets only the connection that prepared a branch commit it.
type mysqlSession struct {
	db   *sql.DB
	conn *sql.Conn
	fair bool
}

const (
	updateMySQL = "UPDATE bench_accounts SET balance = balance + ? WHERE account = ?"
	markMySQL   = "INSERT INTO bench_branches (cluster, branch, participant) VALUES ('bench', ?, 'site')"
)

func connectMySQL(ctx context.Context, form Form, rawURL string) (session, error) {
	db, err := openMySQL(rawURL)
	if err != nil {
		return nil, err
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &mysqlSession{db: db, conn: conn, fair: form == Fair}, nil
}

// xid is the branch's name as XA statements take it.
func xid(gid string) string { return "X'" + hex.EncodeToString([]byte(gid)) + "',X'01'" }

func (s *mysqlSession) prepare(ctx context.Context, gid string, account, amount int64) error {
	if s.fair {
		_, err := s.conn.ExecContext(ctx, "XA START "+xid(gid)+"; "+markMySQL+"; "+updateMySQL+"; XA END "+xid(gid)+"; XA PREPARE "+xid(gid),
			gid, amount, account)
		return err
	}
	if _, err := s.conn.ExecContext(ctx, "XA START "+xid(gid)); err != nil {
		return err
	}
	if _, err := s.conn.ExecContext(ctx, updateMySQL, amount, account); err != nil {
		return err
	}
	if _, err := s.conn.ExecContext(ctx, "XA END "+xid(gid)); err != nil {
		return err
	}
	_, err := s.conn.ExecContext(ctx, "XA PREPARE "+xid(gid))
	return err
}

func (s *mysqlSession) commit(ctx context.Context, gid string) error {
	_, err := s.conn.ExecContext(ctx, "XA COMMIT "+xid(gid))
	return err
}

func (s *mysqlSession) close() {
	_ = s.conn.Close()
	_ = s.db.Close()
}
