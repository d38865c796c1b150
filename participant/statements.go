package participant

import (
	"errors"
	"fmt"
	"strings"
)

// The kinds of resource managers, as ResourceManager.Kind names them.
const (
	KindEmbedded = "embedded"
	KindPostgres = "postgres"
	KindMySQL    = "mysql"
)

// Parameters that are always there, in statements and in records.
const (
	ParameterTx          = "tx"          // the transaction's id
	ParameterParticipant = "participant" // the participant's name
)

func dialectOf(kind string) (Dialect, error) {
	switch kind {
	case KindPostgres:
		return DialectPostgres, nil
	case KindMySQL:
		return DialectMySQL, nil
	}
	return 0, fmt.Errorf("no SQL is known for resource manager %q", kind)
}

func (o *Operation) checkStatements(kind string) error {
	dialect, err := dialectOf(kind)
	if err != nil {
		return err
	}
	if len(o.Statements) == 0 {
		return errors.New("it has no statements, which this site's database needs")
	}
	for i, s := range o.Statements {
		if err := o.checkStatement(dialect, s); err != nil {
			return fmt.Errorf("statement %d: %w", i+1, err)
		}
	}
	return nil
}

func (o *Operation) checkStatement(dialect Dialect, s Statement) error {
	pieces, err := SplitSQL(dialect, s.SQL)
	if err != nil {
		return err
	}
	for _, name := range SQLNames(pieces) {
		if !o.parameters.known(name) {
			return fmt.Errorf(":%s is not among the parameters", name)
		}
	}
	if s.Rows != nil && *s.Rows < 0 {
		return errors.New("rows is negative")
	}
	if o.ReadOnly && !reads(pieces) {
		return errors.New("it does more than read, and the operation is declared read_only")
	}
	return nil
}

// reads tells whether the statement begins as a query does. It catches a mistake, and is no proof: a query may call a function
// that writes.
func reads(pieces []Piece) bool {
	word, _, _ := strings.Cut(strings.TrimLeft(pieces[0].Text, " \t\r\n("), " ")
	word, _, _ = strings.Cut(word, "\n")
	switch strings.ToUpper(strings.TrimSpace(word)) {
	case "SELECT", "WITH", "VALUES", "TABLE":
		return true
	}
	return false
}
