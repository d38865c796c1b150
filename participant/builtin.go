package participant

import (
	"encoding/json"
	"errors"
)

// The embedded store's own operations, for a site that is open. A check alone only reads.
const (
	putSchema = `{"type": "object", "required": ["key", "value"], "additionalProperties": false, "properties": {
		"key": {"type": "string", "minLength": 1, "maxLength": 512}, "value": {"type": "object"},
		"if_absent": {"type": "boolean"}, "if_version": {"type": "integer", "minimum": 1}}}`
	deleteSchema = `{"type": "object", "required": ["key"], "additionalProperties": false, "properties": {
		"key": {"type": "string", "minLength": 1, "maxLength": 512}, "if_version": {"type": "integer", "minimum": 1}}}`
	addSchema = `{"type": "object", "required": ["key", "field", "by"], "additionalProperties": false, "properties": {
		"key": {"type": "string", "minLength": 1, "maxLength": 512}, "field": {"type": "string", "minLength": 1},
		"by": {"type": "number"}, "min": {"type": "number"}, "max": {"type": "number"}, "create": {"type": "boolean"}}}`
	checkSchema = `{"type": "object", "required": ["key"], "additionalProperties": false, "properties": {
		"key": {"type": "string", "minLength": 1, "maxLength": 512}, "exists": {"type": "boolean"},
		"version": {"type": "integer", "minimum": 1}, "field": {"type": "string", "minLength": 1},
		"equals": {"type": ["string", "number", "boolean", "object", "array"]}, "min": {"type": "number"}, "max": {"type": "number"}},
		"dependentRequired": {"equals": ["field"], "min": ["field"], "max": ["field"]}, "minProperties": 2}`
)

func addBuiltins(to map[string]*Operation) error {
	for _, b := range []struct {
		kind                ActKind
		description, schema string
	}{
		{ActPut, "writes a whole record", putSchema},
		{ActDelete, "removes a record", deleteSchema},
		{ActAdd, "adds to a number in a record, within bounds", addSchema},
		{ActCheck, "demands something of a record", checkSchema},
	} {
		op := &Operation{Name: b.kind.String(), Description: b.description, ReadOnly: b.kind == ActCheck, builtin: b.kind}
		var err error
		if op.parameters, op.Parameters, err = compileParameters(json.RawMessage(b.schema)); err != nil {
			return err
		}
		to[op.Name] = op
	}
	return nil
}

// builtinAct reads an act from the arguments themselves: nothing in them is a placeholder.
func builtinAct(kind ActKind, arguments map[string]any) (Act, error) {
	a := Act{Kind: kind, Key: text(arguments["key"]), Field: text(arguments["field"])}
	a.IfAbsent, _ = arguments["if_absent"].(bool)
	a.Create, _ = arguments["create"].(bool)
	if exists, ok := arguments["exists"].(bool); ok {
		a.Exists = &exists
	}
	a.IfVersion = version(arguments["if_version"])
	a.Version = version(arguments["version"])
	a.By, a.Min, a.Max = numeral(arguments["by"]), numeral(arguments["min"]), numeral(arguments["max"])
	if v, ok := arguments["value"].(json.RawMessage); ok {
		a.Value = v
	}
	if v, ok := arguments["equals"]; ok && v != nil {
		raw, err := marshal(v)
		if err != nil {
			return Act{}, err
		}
		a.Equals = raw
	}
	switch {
	case kind == ActPut && len(a.Value) == 0:
		return Act{}, errors.New("value is no object")
	case kind == ActAdd && a.By == "":
		return Act{}, errors.New("by has no value")
	}
	return a, nil
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

func version(v any) *int64 {
	n, ok := v.(int64)
	if !ok {
		return nil
	}
	return &n
}

func numeral(v any) json.Number {
	s, _ := numberText(v)
	return json.Number(s)
}
