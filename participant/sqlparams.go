package participant

import (
	"fmt"
	"strings"
)

// Dialect is whose rules of quoting a statement follows.
type Dialect uint8

// The dialects. They differ in what ends a string: PostgreSQL knows dollar quotes, E strings and nested comments; MySQL and
// MariaDB know backslash escapes, backticks, # comments and comments whose inside is executed.
const (
	DialectPostgres Dialect = iota + 1
	DialectMySQL
)

var dialectNames = [...]string{"", "postgres", "mysql"}

func (d Dialect) String() string { return dialectNames[d] }

// Piece is a part of a statement: plain text, or, where Name is set, the place of a named parameter. The text of all pieces put
// together, with a placeholder of the database's own for each name, is the statement to send.
type Piece struct {
	Text string
	Name string
}

// SplitSQL splits one statement into text and named parameters. A parameter is ":name", name of [A-Za-z_][A-Za-z0-9_]*, outside
// of strings, quoted identifiers and comments; "::" and ":=" are no parameters. A semicolon at the end is dropped; a second
// statement behind it is ErrStatement, as is a quote or a comment that does not end. Errors never hold the statement.
func SplitSQL(d Dialect, sql string) ([]Piece, error) {
	s := sqlScanner{dialect: d, sql: sql}
	for s.at < len(s.sql) && s.err == nil {
		s.step()
	}
	if s.err != nil {
		return nil, s.err
	}
	s.flush(len(s.sql))
	if !s.seen {
		return nil, fmt.Errorf("read statement: %w: it is empty", ErrStatement)
	}
	return s.pieces, nil
}

// SQLNames gives the names of the parameters among pieces, each once, in the order of their first use.
func SQLNames(pieces []Piece) []string {
	var out []string
	seen := map[string]bool{}
	for _, p := range pieces {
		if p.Name != "" && !seen[p.Name] {
			seen[p.Name] = true
			out = append(out, p.Name)
		}
	}
	return out
}

type sqlScanner struct {
	dialect Dialect
	sql     string
	at      int  // next byte to look at
	from    int  // where the text piece being read began
	seen    bool // something that is neither space nor comment was read
	ended   bool // the semicolon was read
	pieces  []Piece
	err     error
}

func (s *sqlScanner) step() {
	c := s.sql[s.at]
	switch {
	case isSpace(c):
		s.at++
		return
	case s.comment():
		return
	}
	if s.ended {
		s.fail("it holds a second statement")
		return
	}
	if c == ';' {
		s.flush(s.at)
		s.ended = true
		s.at++
		s.from = len(s.sql)
		return
	}
	s.seen = true
	switch {
	case c == '\'' || c == '"':
		s.quoted(c, s.escapes(c))
	case c == '`' && s.dialect == DialectMySQL:
		s.quoted(c, false)
	case c == '$' && s.dialect == DialectPostgres:
		s.dollar()
	case c == ':':
		s.colon()
	case isNameByte(c):
		s.word()
	default:
		s.at++
	}
}

// escapes tells whether a backslash hides the next byte in a string opened by quote at s.at.
func (s *sqlScanner) escapes(quote byte) bool {
	if s.dialect == DialectMySQL {
		return true
	}
	if quote == '"' || s.at == 0 {
		return false
	}
	// E'…': the E must stand alone, else it is the end of a longer word.
	e := s.sql[s.at-1]
	return (e == 'e' || e == 'E') && (s.at == 1 || !isNameByte(s.sql[s.at-2]))
}

func (s *sqlScanner) quoted(quote byte, escapes bool) {
	for i := s.at + 1; i < len(s.sql); i++ {
		switch c := s.sql[i]; {
		case c == '\\' && escapes:
			i++
		case c == quote && i+1 < len(s.sql) && s.sql[i+1] == quote:
			i++
		case c == quote:
			s.at = i + 1
			return
		}
	}
	s.fail("a quote does not end")
}

// comment skips a comment at s.at. The inside of /*! and /*M! is executed by MySQL and MariaDB, so that it is refused.
func (s *sqlScanner) comment() bool {
	rest := s.sql[s.at:]
	switch {
	case strings.HasPrefix(rest, "--") && (s.dialect == DialectPostgres || len(rest) == 2 || isSpace(rest[2]) || rest[2] < ' '):
		s.line()
	case rest[0] == '#' && s.dialect == DialectMySQL:
		s.line()
	case s.dialect == DialectMySQL && (strings.HasPrefix(rest, "/*!") || strings.HasPrefix(rest, "/*M!")):
		s.fail("it holds a comment that is executed")
	case strings.HasPrefix(rest, "/*"):
		s.block()
	default:
		return false
	}
	return true
}

func (s *sqlScanner) line() {
	n := strings.IndexByte(s.sql[s.at:], '\n')
	if n < 0 {
		n = len(s.sql) - s.at - 1
	}
	s.at += n + 1
}

func (s *sqlScanner) block() {
	depth := 0
	for i := s.at; i+1 < len(s.sql); i++ {
		switch two := s.sql[i : i+2]; {
		case two == "/*" && (depth == 0 || s.dialect == DialectPostgres):
			depth++
			i++
		case two == "*/":
			depth--
			i++
		}
		if depth == 0 {
			s.at = i + 1
			return
		}
	}
	s.fail("a comment does not end")
}

// dollar skips $tag$ … $tag$, or a native placeholder such as $1.
func (s *sqlScanner) dollar() {
	end := s.at + 1
	for end < len(s.sql) && isNameByte(s.sql[end]) {
		end++
	}
	if end == len(s.sql) || s.sql[end] != '$' || (end > s.at+1 && isDigit(s.sql[s.at+1])) {
		s.at = end
		return
	}
	tag := s.sql[s.at : end+1]
	n := strings.Index(s.sql[end+1:], tag)
	if n < 0 {
		s.fail("a dollar quote does not end")
		return
	}
	s.at = end + 1 + n + len(tag)
}

func (s *sqlScanner) colon() {
	end := s.at + 1
	if end < len(s.sql) && (s.sql[end] == ':' || s.sql[end] == '=') {
		s.at += 2
		return
	}
	for end < len(s.sql) && isParameterByte(s.sql[end]) {
		end++
	}
	if end == s.at+1 || isDigit(s.sql[s.at+1]) {
		s.at++
		return
	}
	s.flush(s.at)
	s.pieces = append(s.pieces, Piece{Name: s.sql[s.at+1 : end]})
	s.at, s.from = end, end
}

// word skips an identifier or a number, so that a dollar inside one opens no quote.
func (s *sqlScanner) word() {
	for s.at < len(s.sql) && (isNameByte(s.sql[s.at]) || s.sql[s.at] == '$') {
		s.at++
	}
}

func (s *sqlScanner) flush(to int) {
	if s.from < to {
		s.pieces = append(s.pieces, Piece{Text: s.sql[s.from:to]})
	}
	s.from = to
}

func (s *sqlScanner) fail(what string) {
	s.err = fmt.Errorf("read statement: %w: %s", ErrStatement, what)
}

func isSpace(c byte) bool {
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v'
}
func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isParameterByte(c byte) bool {
	return c == '_' || isDigit(c) || ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z')
}

// isNameByte counts bytes above ASCII as letters, as the databases do.
func isNameByte(c byte) bool { return isParameterByte(c) || c >= 0x80 }
