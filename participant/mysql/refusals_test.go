package mysql

import (
	"database/sql"
	"testing"
	"time"

	"github.com/medcommit/medcommit/participant"
	"github.com/medcommit/medcommit/participant/rmtest"
	"github.com/medcommit/medcommit/txn"
)

// refusals are works that the server, or their own conditions, refuse.
func (l *lab) refusals() []rmtest.Refusal {
	order := func(id, patient any, quantity int64) participant.Call {
		return call(false, "INSERT INTO orders VALUES (:id, :patient, :quantity)", nil, "id", id, "patient", patient, "quantity", quantity)
	}
	plain := func(name string, d txn.Detail, calls ...participant.Call) rmtest.Refusal {
		return rmtest.Refusal{Name: name, Calls: calls, Want: txn.Abort(d)}
	}
	take := func(id string) participant.Call {
		return call(false, "UPDATE orders SET quantity = quantity + 1 WHERE id = :id", one(), "id", id)
	}
	raw := participant.Call{
		Operation: &participant.Operation{
			Name: "sql", Raw: true,
			Statements: []participant.Statement{{SQL: "UPDATE orders SET quantity = ? WHERE id = ?", Rows: one()}},
		},
		Positional: []any{int64(3), "none"},
	}
	two := call(false, "UPDATE orders SET quantity = 2", nil)
	two.Operation.Raw = true
	two.Operation.Statements[0].SQL = "UPDATE orders SET quantity = 2; UPDATE orders SET quantity = 3"
	return []rmtest.Refusal{
		plain("rows, none", txn.DetailRows, take("none"), order("o-1", "p-1", 1)),
		plain("rows, too many", txn.DetailRows, call(false, "UPDATE orders SET quantity = 7", one())),
		plain("rows of a query", txn.DetailRows, call(false, "SELECT id FROM orders", one())),
		plain("rows of a statement sent alone", txn.DetailRows, call(false, "SET @x = 1", one())),
		plain("rows of raw SQL", txn.DetailRows, raw),
		plain("duplicate key", txn.DetailConstraint, order("o-1", "p-1", 1)),
		plain("no such parent", txn.DetailConstraint, order("o-9", "p-9", 1)),
		plain("still a child", txn.DetailConstraint, call(false, "DELETE FROM patients WHERE id = 'p-1'", nil)),
		plain("null", txn.DetailConstraint, order("o-9", nil, 1)),
		plain("check", txn.DetailConstraint, order("o-9", "p-1", 0)),
		plain("out of range", txn.DetailConstraint, order("o-9", "p-1", 256)),
		plain("too long", txn.DetailConstraint, order("o-123456789", "p-1", 1)),
		plain("unsigned below zero", txn.DetailConstraint, call(false, "UPDATE orders SET quantity = quantity - 2", nil)),
		plain("no such table", txn.DetailInternal, call(false, "UPDATE nothing SET x = 1", nil)),
		plain("two raw statements", txn.DetailInternal, two),
		plain("a commit of its own", txn.DetailInternal, call(false, "COMMIT", nil)),
		plain("DDL", txn.DetailInternal, call(false, "CREATE TABLE x (y INT)", nil)),
		{Name: "deadlock", Calls: []participant.Call{take("o-1"), take("o-2")}, Want: txn.Abort(txn.DetailDeadlock), Around: l.deadlocking},
	}
}

// deadlocking crosses the branch; the server ends the lighter one, which is not this.
func (l *lab) deadlocking(t *testing.T, prepare func() txn.Ballot) txn.Ballot {
	tx := l.begin(t)
	for range 50 {
		run(t, tx, "INSERT INTO ballast (text) VALUES ('heavy')")
	}
	run(t, tx, "UPDATE orders SET quantity = 5 WHERE id = 'o-2'")
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer tx.Rollback()
		eventually(t, "the branch to wait", func() bool {
			<-time.After(150 * time.Millisecond) // asked more often than every 100 ms, the server answers the same again
			var waiting int
			err := l.db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'").Scan(&waiting)
			return err == nil && waiting > 0
		})
		_, _ = tx.ExecContext(t.Context(), "UPDATE orders SET quantity = 5 WHERE id = 'o-1'") // the branch's ballot shows what became of it
	}()
	ballot := prepare()
	<-done
	return ballot
}

func (l *lab) begin(t *testing.T) *sql.Tx {
	t.Helper()
	tx, err := l.db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return tx
}

func run(t *testing.T, tx *sql.Tx, statement string) {
	t.Helper()
	if _, err := tx.ExecContext(t.Context(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}
