package api

import (
	"encoding/json"
	"errors"
	"slices"
	"strconv"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/medcommit/medcommit/api/exactjson"
	"github.com/medcommit/medcommit/txn"
)

// branchReader checks the branches of a submission against the sites' catalogues.
type branchReader struct {
	*reader
	sites   []txn.ParticipantInfo
	schemas *schemas
	seen    map[string]bool
}

func (b *branchReader) branches(values []any) []txn.HandedBranch {
	handed := make([]txn.HandedBranch, 0, len(values))
	for i, v := range values {
		if branch, ok := b.branch(v, item("body.branches", i)); ok {
			handed = append(handed, branch)
		}
	}
	return handed
}

func (b *branchReader) branch(v any, location string) (txn.HandedBranch, bool) {
	object, ok := b.object(v, location, "participant", "operations")
	if !ok {
		return txn.HandedBranch{}, false
	}
	name, named := b.participant(object, location)
	operations, ok := b.array(object, location, "operations")
	if ok && len(operations) == 0 {
		b.bad(location+".operations", "must name at least one operation")
	}
	if !ok || !named {
		return txn.HandedBranch{}, false
	}
	payload := exactjson.Append(nil, map[string]any{"operations": operations})
	return txn.HandedBranch{Participant: name, Payload: payload, ReadOnly: b.operations(operations, name, location)}, true
}

// participant gives the name of a branch's participant, that no other branch names.
func (b *branchReader) participant(object map[string]any, location string) (string, bool) {
	name, ok := b.requiredString(object, location, "participant")
	if !ok {
		return "", false
	}
	if b.seen[name] {
		b.bad(location+".participant", "is named by an earlier branch too")
		return "", false
	}
	b.seen[name] = true
	return name, true
}

// operations checks what a site is asked to do, and tells whether the site declares all of it read-only.
func (b *branchReader) operations(values []any, name, location string) (readOnly bool) {
	i := slices.IndexFunc(b.sites, func(s txn.ParticipantInfo) bool { return s.Name == name })
	if i < 0 {
		b.unfit(location+".participant", "was never registered")
		return false
	}
	readOnly = true
	for j, v := range values {
		declared := b.operation(v, &b.sites[i], item(location+".operations", j))
		readOnly = readOnly && declared
	}
	return readOnly
}

// operation checks one operation, and tells whether its site declares it read-only.
func (b *branchReader) operation(v any, site *txn.ParticipantInfo, location string) (readOnly bool) {
	if object, ok := v.(map[string]any); ok && takesSQL(site) {
		if _, raw := object["sql"]; raw {
			b.statement(object, location)
			return false
		}
	}
	object, ok := b.object(v, location, "name", "arguments")
	if !ok {
		return false
	}
	name, ok := b.requiredString(object, location, "name")
	if !ok {
		return false
	}
	op := findOperation(site, name)
	if op == nil {
		b.unfit(location+".name", "is not an operation of this participant")
		return false
	}
	b.arguments(object, site.Name, op, location)
	return op.ReadOnly
}

func (b *branchReader) arguments(object map[string]any, site string, op *txn.OperationInfo, location string) {
	arguments, given := object["arguments"]
	if !given {
		arguments = map[string]any{}
	}
	location += ".arguments"
	if _, ok := arguments.(map[string]any); !ok {
		b.bad(location, "must be an object")
		return
	}
	schema, err := b.schemas.of(site, op)
	if err != nil {
		b.unfit(location, "cannot be checked: the participant publishes a schema that cannot be used")
		return
	}
	var invalid *jsonschema.ValidationError
	if err := schema.Validate(arguments); errors.As(err, &invalid) {
		for _, f := range schemaFields(location, invalid) {
			b.unfit(f.Location, f.Message)
		}
	}
}

// statement checks one SQL statement of a client, for a site that takes such.
func (b *branchReader) statement(v map[string]any, location string) {
	object, _ := b.object(v, location, "sql", "arguments", "rows")
	if sql, ok := b.requiredString(object, location, "sql"); ok && sql == "" {
		b.bad(location+".sql", "must not be empty")
	}
	if _, given := object["arguments"]; given {
		b.array(object, location, "arguments")
	}
	rows, given := object["rows"]
	if !given {
		return
	}
	number, _ := rows.(json.Number)
	if _, err := strconv.ParseUint(number.String(), 10, 63); err != nil {
		b.bad(location+".rows", "must be a whole number from 0")
	}
}

// takesSQL tells whether a site is open to SQL of clients. An open embedded store has built-in operations instead, which it
// publishes.
func takesSQL(site *txn.ParticipantInfo) bool { return site.Raw && site.Kind != "embedded" }

func findOperation(site *txn.ParticipantInfo, name string) *txn.OperationInfo {
	for i := range site.Operations {
		if site.Operations[i].Name == name {
			return &site.Operations[i]
		}
	}
	return nil
}
