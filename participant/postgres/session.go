package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// statementsKept is how many statements a connection keeps prepared; those beyond are parsed every time.
const statementsKept = 256

// session is a connection of a pool in use.
type session struct {
	conn     *pgxpool.Conn
	pg       *pgconn.PgConn
	backend  string                                  // the server's name for it
	prepared map[string]*pgconn.StatementDescription // by step.key
}

// step is one statement of a round trip.
type step struct {
	key    string // what it is kept prepared under; empty: it is not
	sql    string
	types  []uint32 // of its parameters; 0: as the server infers
	values [][]byte // in text format; nil is NULL
}

// fixed is a step that takes no parameters and is kept.
func fixed(sql string) step { return step{key: sql, sql: sql} }

// errBroken says that a connection broke before everything that was sent on it was answered.
var errBroken = errors.New("the connection broke")

// sessionOf gives the session of an acquired connection, whose state stays with the connection.
func sessionOf(conn *pgxpool.Conn) *session {
	pg := conn.Conn().PgConn()
	s, ok := pg.CustomData()[applicationName].(*session)
	if !ok {
		s = &session{
			backend:  conn.Conn().Config().RuntimeParams[applicationName],
			prepared: make(map[string]*pgconn.StatementDescription),
		}
		pg.CustomData()[applicationName] = s
	}
	s.conn, s.pg = conn, pg
	return s
}

// trip sends steps and reads their answers, in one round trip. The server skips the steps behind one that fails; then done holds
// the tags of those before it, and err is a *pgconn.PgError that answered accepts. Any other error: errBroken, wrapped, where
// steps may have been carried out that are not in done; else the steps were surely not sent.
func (s *session) trip(ctx context.Context, steps []step) (done []pgconn.CommandTag, err error) {
	pipe := s.pg.StartPipeline(ctx)
	sent := make(map[string]bool) // to be prepared by this trip
	for i := range steps {
		s.send(pipe, &steps[i], sent)
	}
	if err := pipe.Sync(); err != nil {
		_ = pipe.Close() // it repeats err
		if pgconn.SafeToRetry(err) {
			return nil, err
		}
		return nil, fmt.Errorf("%w: %w", errBroken, err)
	}
	for i := range steps {
		tag, err := s.receive(pipe, &steps[i], sent)
		if err != nil {
			return done, s.failed(ctx, pipe, err)
		}
		done = append(done, tag)
	}
	if err := pipe.Close(); err != nil {
		return done, fmt.Errorf("%w: %w", errBroken, err)
	}
	return done, nil
}

// failed ends a trip of which a step failed.
func (s *session) failed(ctx context.Context, pipe *pgconn.Pipeline, err error) error {
	closing := pipe.Close()
	if e, ok := answered(err); ok && closing == nil {
		return e
	}
	s.close(ctx)
	return fmt.Errorf("%w: %w", errBroken, err)
}

func (s *session) send(pipe *pgconn.Pipeline, st *step, sent map[string]bool) {
	if description, ok := s.prepared[st.key]; ok {
		pipe.SendQueryStatement(description, st.values, nil, nil)
		return
	}
	if st.key == "" || !sent[st.key] && len(s.prepared)+len(sent) >= statementsKept {
		pipe.SendQueryParams(st.sql, st.values, st.types, nil, nil)
		return
	}
	if !sent[st.key] {
		pipe.SendPrepare(statementName(st.key), st.sql, st.types)
		sent[st.key] = true
	}
	pipe.SendQueryPrepared(statementName(st.key), st.values, nil, nil)
}

// receive reads the answer to a step that send sent in the same order.
func (s *session) receive(pipe *pgconn.Pipeline, st *step, sent map[string]bool) (pgconn.CommandTag, error) {
	if _, ok := s.prepared[st.key]; !ok && sent[st.key] {
		result, err := pipe.GetResults()
		if err != nil {
			return pgconn.CommandTag{}, err
		}
		description, ok := result.(*pgconn.StatementDescription)
		if !ok {
			return pgconn.CommandTag{}, errors.New("read an answer: a description is missing")
		}
		description.Name = statementName(st.key)
		s.prepared[st.key] = description
	}
	result, err := pipe.GetResults()
	if err != nil {
		return pgconn.CommandTag{}, err
	}
	reader, ok := result.(*pgconn.ResultReader)
	if !ok {
		return pgconn.CommandTag{}, errors.New("read an answer: a result is missing")
	}
	return reader.Close()
}

// rollback leaves a transaction block that failed, so that the connection can be used again.
func (s *session) rollback(ctx context.Context) {
	if s.pg.IsClosed() || s.pg.TxStatus() == 'I' {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cancelTimeout)
	defer cancel()
	if _, err := s.pg.Exec(ctx, "ROLLBACK").ReadAll(); err != nil {
		s.close(ctx)
	}
}

// close cuts the connection; the pool makes another one.
func (s *session) close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cancelTimeout)
	defer cancel()
	_ = s.pg.Close(ctx) // it is given up either way
}
