package mysql

import (
	"strings"
	"testing"

	"github.com/medcommit/medcommit/participant"
	"github.com/medcommit/medcommit/txn"
)

// valuesBound: every value arrives as it was sent, whatever the server's own settings say of quotes.
func valuesBound(t *testing.T, l *lab) {
	m := l.opened(t, 1, nil)
	l.exec(t, "CREATE TABLE vals (k INT PRIMARY KEY, v LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, n DOUBLE, b BOOLEAN) ENGINE=InnoDB")
	texts := []string{
		``, `\`, `\\`, `'`, `''`, `\'`, `"`, "`", `?`, `:v`, `--`, "-- x\n", `/*`, `*/`, `;`, `#`, "\x00", "\n\r\x1a", "é", "漢字", "\U0001F48A",
		`'); DROP TABLE vals; -- `, `\'); DROP TABLE vals; -- `, strings.Repeat(`\'`, 1000), "\xbf'", "\xbf\\'",
	}
	for i, text := range texts {
		if !strings.HasPrefix(text, "\xbf") { // no text: the server refuses it, below
			k := int64(i)
			xid := prepared(t, m, call(false, "INSERT INTO vals /* :no ? */ VALUES (:k, :v, :n, :b) -- '", nil,
				"k", k, "v", text, "n", float64(k)+0.5, "b", k%2 == 0))
			committed(t, m, xid)
			var got string
			var n float64
			var b bool
			if err := l.db.QueryRowContext(t.Context(), "SELECT v, n, b FROM vals WHERE k = ?", k).Scan(&got, &n, &b); err != nil {
				t.Fatal(err)
			}
			if got != text || n != float64(k)+0.5 || b != (k%2 == 0) {
				t.Errorf("%q came as %q, %v, %v", text, got, n, b)
			}
			continue
		}
		ballot, err := m.Prepare(t.Context(), branchXID(), []participant.Call{
			call(false, "INSERT INTO vals (k, v) VALUES (:k, :v)", nil, "k", int64(i), "v", text),
		})
		if err != nil || ballot != txn.Abort(txn.DetailConstraint) {
			t.Errorf("%q: %+v, %v", text, ballot, err)
		}
	}
}

// sentAlone: procedures and the like work, are checked before XA PREPARE, and leave nothing behind in a connection.
func sentAlone(t *testing.T, l *lab) {
	m := l.opened(t, 1, nil)
	l.exec(t, "CREATE PROCEDURE put(IN name VARCHAR(64), IN value BIGINT) BEGIN SELECT 1; INSERT INTO numbers VALUES (name, value); END")
	both := call(false, "CALL put(:name, :value)", nil, "name", "a", "value", int64(7))
	both.Operation.Statements = append(both.Operation.Statements,
		participant.Statement{SQL: "SET SESSION sql_mode = 'NO_BACKSLASH_ESCAPES', @left = 1", Rows: nil},
		participant.Statement{SQL: "UPDATE numbers SET value = value + 1 WHERE name = :name", Rows: one()})
	committed(t, m, prepared(t, m, both))
	if value, _ := l.read(t, "a"); value != 8 {
		t.Errorf("the number is %d, want 8", value)
	}
	committed(t, m, prepared(t, m, call(false, "INSERT INTO numbers SELECT :name, 1 FROM DUAL WHERE @left IS NULL", one(), "name", `\'`)))
	raw := participant.Call{Operation: &participant.Operation{
		Name: "sql", Raw: true,
		Statements: []participant.Statement{{SQL: "INSERT INTO numbers VALUES (?, ?) -- ?", Rows: one()}},
	}, Positional: []any{"c", int64(3)}}
	committed(t, m, prepared(t, m, raw))
	if value, _ := l.read(t, "c"); value != 3 {
		t.Errorf("the number is %d, want 3", value)
	}
}

func tooLarge(t *testing.T, l *lab) {
	m := l.opened(t, 1, nil)
	xid := branchXID()
	calls := []participant.Call{write("a", int64(1)), write(strings.Repeat("x", 17<<20), int64(1))}
	for _, calls := range [][]participant.Call{calls, append([]participant.Call{call(false, "SET @x = 1", nil)}, calls...)} {
		ballot, err := m.Prepare(t.Context(), xid, calls)
		if err != nil || ballot != txn.Abort(txn.DetailInternal) {
			t.Errorf("prepare: %+v, %v", ballot, err)
		}
		if standing, err := m.Lookup(t.Context(), xid); err != nil || standing != participant.StandingNone {
			t.Errorf("standing is %d, %v", standing, err)
		}
	}
	committed(t, m, prepared(t, m, write("a", int64(1))))
}
