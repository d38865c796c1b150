package mysql

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/medcommit/medcommit/participant"
	"github.com/medcommit/medcommit/txn"
)

const (
	// rowCount is how many rows the statement before changed, or where it returned rows, how many those were.
	rowCount = "IF(ROW_COUNT() = -1, FOUND_ROWS(), ROW_COUNT())"
	// guard fails, in the database and before anything that follows it, where the statement before had another number of rows:
	// with errWrongRows, which no statement that reads or changes rows can give. Else it changes nothing.
	guard = "SET lc_time_names = IF(" + rowCount + " = ?, @@lc_time_names, 'rows')"

	marker = "INSERT INTO medcommit_branches (cluster, `key`, participant) VALUES (?, ?, ?)"
)

// xaName is a branch's name as XA statements take it: they know no bound values.
func xaName(xid txn.XID) string { return fmt.Sprintf("X'%x',X'%x'", xid.GTRID(), xid.BQUAL()) }

// script is a request of several statements.
type script struct {
	text   strings.Builder
	values []driver.Value
	count  int
}

func (s *script) add(statement string, values ...driver.Value) {
	if s.count > 0 {
		s.text.WriteString("\n;") // the new line ends a comment at the statement's end
	}
	s.text.WriteString(statement)
	s.values = append(s.values, values...)
	s.count++
}

// begin opens a branch and marks it. The marker comes first: where the branch was committed before, its work is not begun.
func (s *script) begin(xid txn.XID) {
	s.add("XA START " + xaName(xid))
	s.add(marker, xid.Cluster, string(xid.Key), xid.Participant)
}

// prepare ends the branch and makes it durable.
func (s *script) prepare(xid txn.XID) {
	s.add("XA END " + xaName(xid))
	s.add("XA PREPARE " + xaName(xid))
}

// statement is one statement of a call, ready to be sent.
type statement struct {
	text   string
	values []driver.Value
	rows   *int64
	// alone says that it must be sent by itself and bound by the server: it may change the session, give several results, or was
	// written by a client.
	alone bool
}

// statements makes the calls' statements, named parameters turned into placeholders.
func (m *Manager) statements(calls []participant.Call) ([]statement, error) {
	var all []statement
	for _, call := range calls {
		for _, s := range call.Operation.Statements {
			one, err := m.statement(call, s)
			if err != nil {
				return nil, fmt.Errorf("operation %s: %w", call.Operation.Name, err)
			}
			all = append(all, one)
		}
	}
	return all, nil
}

func (m *Manager) statement(call participant.Call, s participant.Statement) (statement, error) {
	if call.Operation.Raw {
		values, err := bind(call.Positional)
		return statement{text: s.SQL, values: values, rows: s.Rows, alone: true}, err
	}
	pieces, err := m.split(s.SQL)
	if err != nil {
		return statement{}, err
	}
	var text strings.Builder
	var given []any
	for _, p := range pieces {
		text.WriteString(p.Text)
		if p.Name == "" {
			continue
		}
		value, ok := call.Arguments[p.Name]
		if !ok {
			return statement{}, fmt.Errorf("%w: no argument for :%s", participant.ErrCall, p.Name)
		}
		text.WriteByte('?')
		given = append(given, value)
	}
	values, err := bind(given)
	return statement{text: text.String(), values: values, rows: s.Rows, alone: !changesRowsOnly(text.String())}, err
}

// split is participant.SplitSQL, remembered: a catalogue's statements are few.
func (m *Manager) split(sql string) ([]participant.Piece, error) {
	if known, ok := m.pieces.Load(sql); ok {
		return known.([]participant.Piece), nil
	}
	pieces, err := participant.SplitSQL(participant.DialectMySQL, sql)
	if err == nil {
		m.pieces.Store(sql, pieces)
	}
	return pieces, err
}

// changesRowsOnly tells whether a statement surely leaves the session as it was and gives one result, by its first word.
func changesRowsOnly(sql string) bool {
	word, _, _ := strings.Cut(strings.TrimLeft(sql, " \t\r\n("), " ")
	word, _, _ = strings.Cut(word, "\n")
	switch strings.ToUpper(strings.TrimSpace(word)) {
	case "SELECT", "INSERT", "UPDATE", "DELETE", "REPLACE", "WITH":
		return true
	}
	return false
}

// bind checks that values are of the kinds that a Call holds.
func bind(given []any) ([]driver.Value, error) {
	values := make([]driver.Value, len(given))
	for i, v := range given {
		switch v := v.(type) {
		case nil, int64, float64, string, bool:
			values[i] = v
		case json.RawMessage:
			values[i] = string(v)
		default:
			return nil, fmt.Errorf("%w: a value of type %T", participant.ErrCall, v)
		}
	}
	return values, nil
}
