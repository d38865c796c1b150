package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// plansKept is how many plans are remembered; then they are found anew.
const plansKept = 1024

// plan is how a statement is sent: found out once by asking the server which form it takes.
type plan struct {
	wrap  wrap
	types []uint32 // of the parameters
}

// wrap is how a wanted number of rows is demanded.
type wrap uint8

// The wraps, in the order in which they are tried.
const (
	wrapReturning wrap = iota // the statement gets a RETURNING clause, for its rows to be counted around it
	wrapQuery                 // it returns rows by itself: a query, or it has a RETURNING clause
	wrapNone                  // it cannot be wrapped; its command tag is read before PREPARE TRANSACTION is sent
	wraps
)

// plans are the plans of all connections, by statement.key.
type plans struct {
	mu    sync.Mutex
	known map[string]plan
}

func newPlans() *plans { return &plans{known: make(map[string]plan)} }

func (p *plans) get(key string) (plan, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	found, ok := p.known[key]
	return found, ok
}

func (p *plans) put(key string, found plan) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.known) >= plansKept {
		clear(p.known)
	}
	p.known[key] = found
}

// forget drops all plans: a table may have changed.
func (p *plans) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.known)
}

// statementName is what a connection calls what it keeps prepared under key.
func statementName(key string) string {
	sum := sha256.Sum256([]byte(key))
	return "medcommit_" + hex.EncodeToString(sum[:8])
}

// of gives a statement's plan, and whether it was known already; else it asks the server. err may be a *pgconn.PgError that says
// what is wrong with the statement.
func (p *plans) of(ctx context.Context, on *session, st *statement) (found plan, known bool, err error) {
	if found, known = p.get(st.key); known {
		return found, true, nil
	}
	if found, err = st.find(ctx, on); err != nil {
		return plan{}, false, err
	}
	p.put(st.key, found)
	return found, false, nil
}

// find asks the server for a form of the statement that it takes. What it says of the bare statement is the error that counts.
func (s *statement) find(ctx context.Context, on *session) (plan, error) {
	first := wrapReturning
	if s.rows == nil {
		first = wrapNone
	}
	var refused error
	for w := first; w < wraps; w++ {
		for t := typingByValue; t < typings; t++ {
			p := plan{w, declared(s.values, t)}
			err := s.try(ctx, on, &p)
			if err == nil {
				return p, nil
			}
			if e, ok := answered(err); !ok || !stale(e) {
				return plan{}, err // it says nothing about this form
			}
			if w == wrapNone && t == typingByValue {
				refused = err
			}
		}
	}
	return plan{}, refused
}

// try has the server parse a form. A parameter of which its place says nothing (":x IS NULL") it makes text, in p.
func (s *statement) try(ctx context.Context, on *session, p *plan) error {
	for {
		form, err := s.as(*p)
		if err != nil {
			return err
		}
		_, err = on.pg.Prepare(ctx, "", form.sql, form.types)
		e, ok := answered(err)
		if err == nil || !ok || e.Code != codeIndeterminate {
			return err
		}
		n := parameterIn(e.Message)
		if n < 1 || n > len(p.types) || p.types[n-1] != 0 {
			return err
		}
		p.types[n-1] = pgtype.TextOID
	}
}

// parameterIn finds the number of the parameter that a message is about, in whatever language; 0: none. The server says it nowhere
// else. Where it is not found the statement takes another form, or none.
func parameterIn(message string) int {
	_, rest, _ := strings.Cut(message, "$")
	end := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(rest)
	}
	n, err := strconv.Atoi(rest[:end])
	if err != nil {
		return 0
	}
	return n
}

// stale tells whether a failure may come of a form that does not fit its tables, or does not any more.
func stale(e *pgconn.PgError) bool {
	return strings.HasPrefix(e.Code, "42") && e.Code != codeRights || e.Code == codeUnsupported
}
