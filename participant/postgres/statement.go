package postgres

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgtype"
	"github.com/medcommit/medcommit/participant"
)

// statement is a statement of an operation with its arguments.
type statement struct {
	key    string // tells it from others, by its text and the Go types of its values
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
		text.WriteByte('$')
		text.WriteString(strconv.Itoa(len(out.values)))
	}
	out.text = text.String()
	if !allowed(out.text) {
		return statement{}, fmt.Errorf("bind argument: %w: it is none that a branch may hold", participant.ErrStatement)
	}
	out.key = out.identity()
	return out, nil
}

// identity is of one length however long the text is. It is found for every branch, and so without reflection.
func (s *statement) identity() string {
	var b []byte
	for _, t := range declared(s.values, typingStrict) {
		b = append(strconv.AppendUint(b, uint64(t), 10), ' ')
	}
	if s.rows != nil {
		b = append(b, '#')
	}
	sum := sha256.Sum256(append(b, s.text...))
	return string(sum[:16])
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

// as gives the statement in the form of a plan, with the wanted number of rows as one parameter more where it is wrapped.
func (s *statement) as(p plan) (step, error) {
	out := step{key: s.key, sql: s.text, types: p.types}
	for _, v := range s.values {
		value, err := encode(v)
		if err != nil {
			return step{}, err
		}
		out.values = append(out.values, value)
	}
	if p.wrap == wrapNone {
		return out, nil
	}
	// A comment may end the statement: what follows stands on a line of its own.
	body := s.text
	if p.wrap == wrapReturning {
		body += "\nRETURNING 1"
	}
	out.values = append(out.values, strconv.AppendInt(nil, *s.rows, 10))
	out.types = append(slices.Clone(p.types), pgtype.Int8OID)
	out.sql = "WITH medcommit_work AS MATERIALIZED (" + body + "\n) SELECT (count(*) = $" + strconv.Itoa(len(out.values)) + ")::" +
		rowsDomain + " FROM medcommit_work"
	return out, nil
}
