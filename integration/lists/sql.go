package lists

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/medcommit/medcommit/txn"
)

// PostgresTable and MariaDBTable make the table of the lists.
const (
	PostgresTable = `CREATE TABLE lists (name text PRIMARY KEY, elements text NOT NULL)`
	MariaDBTable  = `CREATE TABLE lists (name varchar(64) PRIMARY KEY, elements text NOT NULL) ENGINE=InnoDB`
)

// PostgresOperations and MariaDBOperations are the operations of a site's catalogue, to stand under "operations:".
const (
	PostgresOperations = `
  append:
    description: appends an element to a list
    parameters: {type: object, required: [list, element], properties: {list: {type: string}, element: {type: string}}}
    statements:
      - sql: INSERT INTO lists (name, elements) VALUES (:list, :element) ON CONFLICT (name) DO UPDATE SET elements = lists.elements || excluded.elements
        rows: 1
` + appendAfter
	MariaDBOperations = `
  append:
    description: appends an element to a list
    parameters: {type: object, required: [list, element], properties: {list: {type: string}, element: {type: string}}}
    statements:
      - sql: INSERT INTO lists (name, elements) VALUES (:list, :element) ON DUPLICATE KEY UPDATE elements = CONCAT(elements, VALUES(elements))
` + appendAfter
	appendAfter = `
  append-after:
    description: appends an element to a list that is still as it was seen
    parameters:
      type: object
      required: [list, seen, element]
      properties: {list: {type: string}, seen: {type: string}, element: {type: string}}
    statements:
      - sql: UPDATE lists SET elements = CONCAT(elements, :element) WHERE name = :list AND elements = :seen
        rows: 1
`
)

// SQL is a site on PostgreSQL or MariaDB.
type SQL struct {
	DB *sql.DB
	// Numbered: parameters are $1, $2 … as PostgreSQL has them, and not question marks.
	Numbered bool
}

var _ Site = SQL{}

// Look reads in one statement, hence at one moment.
func (s SQL) Look(ctx context.Context, names []string) ([]List, error) {
	var places []string
	var arguments []any
	at := map[string]int{}
	for i, name := range names {
		place := "?"
		if s.Numbered {
			place = fmt.Sprintf("$%d", i+1)
		}
		places, arguments, at[name] = append(places, place), append(arguments, name), i
	}
	rows, err := s.DB.QueryContext(ctx, "SELECT name, elements FROM lists WHERE name IN ("+strings.Join(places, ", ")+")", arguments...)
	if err != nil {
		return nil, fmt.Errorf("look at lists: %w", err)
	}
	defer rows.Close()
	found := make([]List, len(names))
	for rows.Next() {
		var name, elements string
		if err := rows.Scan(&name, &elements); err != nil {
			return nil, fmt.Errorf("look at lists: %w", err)
		}
		if found[at[name]].Elements, err = parse(elements); err != nil {
			return nil, err
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("look at lists: %w", err)
	}
	return found, nil
}

// Blind appends, and begins the list where it is not there.
func (s SQL) Blind(name string, v int64) (txn.Operation, bool) {
	return operation("append", map[string]any{"list": name, "element": text(v)}), true
}

// After appends to a list that has begun; whether an empty one is still empty is not asked.
func (s SQL) After(name string, seen List, v int64) txn.Operation {
	return operation("append-after", map[string]any{"list": name, "seen": text(seen.Elements...), "element": text(v)})
}
