package mysql

import (
	"context"
	"fmt"

	"github.com/medcommit/medcommit/txn"
)

// guarded adds a statement with the guard of its rows.
func (s *script) guarded(st statement) {
	s.add(st.text, st.values...)
	if st.rows != nil {
		s.add(guard, *st.rows)
	}
}

// runAll sends a script where there is something in it, and empties it.
func (s *session) runAll(ctx context.Context, request *script) error {
	if request.count == 0 {
		return nil
	}
	err := s.run(ctx, request)
	*request = script{}
	return err
}

// step executes one statement by itself: the server takes no second one in its text, and binds the values.
func (s *session) step(ctx context.Context, st statement) error {
	s.stained = s.stained || !changesRowsOnly(st.text)
	prepared, err := s.conn.PrepareContext(ctx, st.text)
	if err != nil {
		return clean(err)
	}
	defer prepared.Close()
	values := make([]any, len(st.values))
	for i, v := range st.values {
		values[i] = v
	}
	rows, err := prepared.QueryContext(ctx, values...)
	if err != nil {
		return clean(err)
	}
	for rows.Next() { // the count comes from the server
	}
	if err := rows.Close(); err != nil {
		return clean(err)
	}
	if err := rows.Err(); err != nil {
		return clean(err)
	}
	if st.rows == nil {
		return nil
	}
	got, err := s.count(ctx)
	if err == nil && got != *st.rows {
		err = fmt.Errorf("count rows: %w", &fault{number: errWrongRows, state: "HY000"})
	}
	return err
}

// query does work that is declared read-only: nothing is held afterwards, and the server lets nothing be written.
func (m *Manager) query(ctx context.Context, work []statement) txn.Ballot {
	s, err := m.worker(ctx)
	if err != nil {
		return txn.Abort(detail(err))
	}
	err = s.look(ctx, work)
	if err == nil {
		m.preparers.put(s)
		return txn.ReadOnly()
	}
	if number(err) == 0 || s.batch(ctx, 1, "ROLLBACK") != nil {
		m.preparers.drop(s)
	} else {
		m.preparers.put(s)
	}
	return txn.Abort(detail(err))
}

// look does read-only work in a transaction of its own.
func (s *session) look(ctx context.Context, work []statement) error {
	var request script
	request.add("START TRANSACTION READ ONLY")
	for _, st := range work {
		if !st.alone {
			request.guarded(st)
			continue
		}
		if err := s.runAll(ctx, &request); err != nil {
			return err
		}
		if err := s.step(ctx, st); err != nil {
			return err
		}
	}
	request.add("COMMIT")
	return s.run(ctx, &request)
}
