package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/medcommit/medcommit/participant"
)

// plansKept is how many plans are remembered; then they are found anew.
const plansKept = 1024

// plan is how a statement is sent: found out once by asking the server which form it takes.
type plan struct {
	wrap   wrap
	typing typing
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

// plans are the plans of all connections, by statement and by the Go types of its parameters.
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

// statement is a statement of an operation with its arguments.
type statement struct {
	text   string // with $1, $2, ... for the parameters: one for each place, so that each place has its own type
	values []any
	rows   *int64
}

// newStatement binds a call's arguments to one of its operation's statements.
func newStatement(call participant.Call, s participant.Statement) (statement, error) {
	pieces, err := participant.SplitSQL(participant.DialectPostgres, s.SQL)
	if err != nil {
		return statement{}, err
	}
	out := statement{values: slices.Clone(call.Positional), rows: s.Rows}
	var text strings.Builder
	for _, piece := range pieces {
		if piece.Name == "" {
			text.WriteString(piece.Text)
			continue
		}
		value, ok := call.Arguments[piece.Name]
		if !ok {
			return statement{}, fmt.Errorf("bind argument: %w: there is no argument %s", participant.ErrStatement, piece.Name)
		}
		out.values = append(out.values, value)
		fmt.Fprintf(&text, "$%d", len(out.values))
	}
	out.text = text.String()
	if !allowed(out.text) {
		return statement{}, fmt.Errorf("bind argument: %w: it is none that a branch may hold", participant.ErrStatement)
	}
	return out, nil
}

// allowed tells whether a statement is of a kind that stays within the branch: no transaction control, no session settings. The
// server takes one statement at a time, so that nothing can stand behind it.
func allowed(text string) bool {
	switch strings.ToLower(firstWord(text)) {
	case "select", "insert", "update", "delete", "merge", "with", "values", "table", "call", "lock", "truncate":
		return true
	}
	return false
}

// firstWord skips blanks, comments and parentheses.
func firstWord(text string) string {
	for {
		text = strings.TrimLeft(text, " \t\r\n\f\v(")
		switch {
		case strings.HasPrefix(text, "--"):
			_, text, _ = strings.Cut(text, "\n")
		case strings.HasPrefix(text, "/*"):
			text = afterComment(text)
		default:
			end := strings.IndexFunc(text, func(r rune) bool { return r < 'A' || r > 'z' || r > 'Z' && r < 'a' })
			if end < 0 {
				end = len(text)
			}
			return text[:end]
		}
	}
}

// afterComment skips a comment, which may hold others; SplitSQL has seen to it that they end.
func afterComment(text string) string {
	for depth := 0; len(text) > 1; {
		switch text[:2] {
		case "/*":
			depth, text = depth+1, text[2:]
		case "*/":
			depth, text = depth-1, text[2:]
		default:
			text = text[1:]
		}
		if depth == 0 {
			return text
		}
	}
	return ""
}

// as gives the statement wrapped and typed, with the wanted number of rows as one parameter more.
func (s *statement) as(w wrap, t typing) (step, error) {
	out := step{key: s.key(), sql: s.text}
	for _, v := range s.values {
		value, oid, err := parameter(v, t)
		if err != nil {
			return step{}, err
		}
		out.values, out.types = append(out.values, value), append(out.types, oid)
	}
	if w == wrapNone {
		return out, nil
	}
	// A comment may end the statement: what follows stands on a line of its own.
	body := s.text
	if w == wrapReturning {
		body += "\nRETURNING 1"
	}
	value, _, err := parameter(*s.rows, t)
	if err != nil {
		return step{}, err
	}
	out.values, out.types = append(out.values, value), append(out.types, pgtype.Int8OID)
	out.sql = fmt.Sprintf("WITH medcommit_work AS MATERIALIZED (%s\n) SELECT (count(*) = $%d)::%s FROM medcommit_work",
		body, len(out.values), rowsDomain)
	return out, nil
}

// key identifies the statement and the Go types of its values.
func (s *statement) key() string {
	h := sha256.New()
	fmt.Fprintf(h, "%t %s", s.rows != nil, s.text)
	for _, v := range s.values {
		fmt.Fprintf(h, " %T", v)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// statementName is what a connection calls what it keeps prepared under key.
func statementName(key string) string {
	sum := sha256.Sum256([]byte(key))
	return "medcommit_" + hex.EncodeToString(sum[:8])
}

// of gives a statement's plan, and whether it was known already; else it asks the server. err may be a *pgconn.PgError that says
// what is wrong with the statement.
func (p *plans) of(ctx context.Context, on *session, st *statement) (found plan, known bool, err error) {
	key := st.key()
	if found, known = p.get(key); known {
		return found, true, nil
	}
	if found, err = st.find(ctx, on); err != nil {
		return plan{}, false, err
	}
	p.put(key, found)
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
			form, err := s.as(w, t)
			if err != nil {
				return plan{}, err
			}
			_, err = on.pg.Prepare(ctx, "", form.sql, form.types)
			if err == nil {
				return plan{w, t}, nil
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

// stale tells whether a failure may come of a form that does not fit its tables, or does not any more.
func stale(e *pgconn.PgError) bool {
	return strings.HasPrefix(e.Code, "42") && e.Code != codeRights || e.Code == codeUnsupported
}
