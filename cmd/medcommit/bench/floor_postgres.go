package bench

import (
	"context"
	"errors"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// errNotPrepared says that the database answered a PREPARE TRANSACTION by rolling back.
var errNotPrepared = errors.New("the database did not prepare the transaction")

// postgresSession does a client's share on PostgreSQL.
type postgresSession struct {
	conn *pgx.Conn
	fair bool
}

const (
	updatePostgres = "UPDATE bench_accounts SET balance = balance + $2 WHERE account = $1"
	markPostgres   = "INSERT INTO bench_branches (cluster, branch, participant) VALUES ('bench', $1, 'site')"
)

func connectPostgres(ctx context.Context, form Form, rawURL string) (session, error) {
	conn, err := pgx.Connect(ctx, rawURL)
	if err != nil {
		return nil, err
	}
	s := &postgresSession{conn: conn, fair: form == Fair}
	if s.fair {
		for name, statement := range map[string]string{"bench_begin": "BEGIN", "bench_update": updatePostgres, "bench_mark": markPostgres} {
			if _, err := conn.Prepare(ctx, name, statement); err != nil {
				s.close()
				return nil, err
			}
		}
	}
	return s, nil
}

func (s *postgresSession) prepare(ctx context.Context, gid string, account, amount int64) error {
	if s.fair {
		return s.pipeline(ctx, gid, account, amount)
	}
	if _, err := s.conn.Exec(ctx, "BEGIN"); err != nil {
		return err
	}
	if _, err := s.conn.Exec(ctx, updatePostgres, account, amount); err != nil {
		return err
	}
	return s.plain(ctx, "PREPARE TRANSACTION '"+gid+"'", "PREPARE TRANSACTION")
}

// pipeline sends everything in one round trip.
func (s *postgresSession) pipeline(ctx context.Context, gid string, account, amount int64) error {
	p := s.conn.PgConn().StartPipeline(ctx)
	p.SendQueryPrepared("bench_begin", nil, nil, nil)
	p.SendQueryPrepared("bench_mark", [][]byte{[]byte(gid)}, nil, nil)
	p.SendQueryPrepared("bench_update", [][]byte{strconv.AppendInt(nil, account, 10), strconv.AppendInt(nil, amount, 10)}, nil, nil)
	p.SendQueryParams("PREPARE TRANSACTION '"+gid+"'", nil, nil, nil, nil)
	if err := p.Sync(); err != nil {
		return errors.Join(err, p.Close())
	}
	last := ""
	for {
		results, err := p.GetResults()
		if err != nil {
			return errors.Join(err, p.Close())
		}
		reader, ok := results.(*pgconn.ResultReader)
		if !ok {
			break // the end of the trip
		}
		tag, err := reader.Close()
		if err != nil {
			return errors.Join(err, p.Close())
		}
		last = tag.String()
	}
	if err := p.Close(); err != nil {
		return err
	}
	if last != "PREPARE TRANSACTION" {
		return errNotPrepared
	}
	return nil
}

// plain sends a statement by itself and demands its tag.
func (s *postgresSession) plain(ctx context.Context, statement, tag string) error {
	results, err := s.conn.PgConn().Exec(ctx, statement).ReadAll()
	if err != nil {
		return err
	}
	if len(results) != 1 || results[0].CommandTag.String() != tag {
		return errNotPrepared
	}
	return nil
}

func (s *postgresSession) commit(ctx context.Context, gid string) error {
	return s.plain(ctx, "COMMIT PREPARED '"+gid+"'", "COMMIT PREPARED")
}

func (s *postgresSession) close() { _ = s.conn.Close(context.Background()) }
