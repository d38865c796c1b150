package participant

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/medcommit/medcommit/txn"
)

const pharmacyYAML = `
operations:
  dispense:
    description: takes units of a drug from stock and records the dispensation
    parameters:
      type: object
      required: [order, patient, drug, quantity]
      properties:
        order: {type: string}
        patient: {type: string}
        drug: {type: string}
        quantity: {type: integer, minimum: 1}
        note: {type: string}
    statements:
      - sql: UPDATE stock SET quantity = quantity - :quantity WHERE drug = :drug AND quantity >= :quantity
        rows: 1
      - sql: INSERT INTO dispensations (order_id, note, tx) VALUES (:order, :note, :tx)
    records:
      - add: {key: "stock/{drug}", field: quantity, by: "-{quantity}", min: 0}
      - put: {key: "dispensation/{order}", value: {patient: "{patient}", n: "{quantity}", t: "of {quantity} {{x}}", note: "{note}", tx: "{tx}"}, if_absent: true}
  in-stock:
    read_only: true
    parameters: {required: [drug], properties: {drug: {type: string}}}
    statements: [{sql: "SELECT 1 FROM stock WHERE drug = :drug", rows: 1}]
    records: [{check: {key: "stock/{drug}", field: quantity, min: 1}}]
  heartbeat:
    statements: [{sql: UPDATE beat SET n = n + 1}]
    records: [{add: {key: beat, field: n, by: 1, create: true}}]
`

func load(t *testing.T, kind, yaml string) *Catalogue {
	t.Helper()
	c, err := ParseCatalogue([]byte(yaml))
	if err != nil {
		t.Fatal(err)
	}
	c, err = c.ForKind(kind)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func work(t *testing.T, text string) txn.WorkRequest {
	t.Helper()
	var w txn.WorkRequest
	if err := json.Unmarshal([]byte(text), &w); err != nil {
		t.Fatal(err)
	}
	return w
}

func TestActsOfACall(t *testing.T) {
	c := load(t, KindEmbedded, pharmacyYAML)
	calls, err := c.Calls(work(t, `{"operations": [{"name": "dispense",
		"arguments": {"order": "o-{patient}", "patient": "p<1>", "drug": "amox/500", "quantity": 9007199254740993}}, {"name": "heartbeat"}]}`), "rx-1", "pharmacy")
	if err != nil {
		t.Fatal(err)
	}
	var acts []Act
	for _, call := range calls {
		a, err := call.Acts()
		if err != nil {
			t.Fatal(err)
		}
		acts = append(acts, a...)
	}
	want := []Act{
		{Kind: ActAdd, Key: "stock/amox/500", Field: "quantity", By: "-9007199254740993", Min: "0"},
		{
			Kind: ActPut, Key: "dispensation/o-{patient}", IfAbsent: true,
			Value: json.RawMessage(`{"n":9007199254740993,"note":null,"patient":"p<1>","t":"of 9007199254740993 {x}","tx":"rx-1"}`),
		},
		{Kind: ActAdd, Key: "beat", Field: "n", By: "1", Create: true},
	}
	if !reflect.DeepEqual(acts, want) {
		t.Errorf("got  %+v\nwant %+v", acts, want)
	}
}

func TestArgumentTypes(t *testing.T) {
	c := load(t, KindPostgres, `
operations:
  op:
    parameters:
      properties:
        i: {type: integer}
        f: {type: number}
        s: {type: string}
        b: {type: boolean}
        o: {type: object}
        l: {type: array}
        u: {}
        e: {type: [integer, "null"]}
    statements: [{sql: "INSERT INTO t VALUES (:i, :f, :s, :b, :o, :l, :u, :e, :participant)"}]
`)
	calls, err := c.Calls(work(t, `{"operations": [{"name": "op", "arguments":
		{"i": 1e3, "f": 1, "s": "x", "b": true, "o": {"a": 12345678901234567890.5}, "l": [1, "<"], "u": 2.5}}]}`), "id", "site")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"i": int64(1000), "f": float64(1), "s": "x", "b": true, "u": 2.5, "e": nil, "tx": "id", "participant": "site",
		"o": json.RawMessage(`{"a":12345678901234567890.5}`), "l": json.RawMessage(`[1,"<"]`),
	}
	if !reflect.DeepEqual(calls[0].Arguments, want) {
		t.Errorf("got  %#v\nwant %#v", calls[0].Arguments, want)
	}
}

func TestCallsRefused(t *testing.T) {
	c := load(t, KindPostgres, pharmacyYAML)
	for name, text := range map[string]string{
		"none":             `{"operations": []}`,
		"unknown":          `{"operations": [{"name": "secret-operation"}]}`,
		"missing":          `{"operations": [{"name": "in-stock"}]}`,
		"unknown argument": `{"operations": [{"name": "in-stock", "arguments": {"drug": "a", "secret": 1}}]}`,
		"type":             `{"operations": [{"name": "in-stock", "arguments": {"drug": 5}}]}`,
		"no parameters":    `{"operations": [{"name": "heartbeat", "arguments": {"secret": 5}}]}`,
		"a list":           `{"operations": [{"name": "heartbeat", "arguments": [5]}]}`,
		"huge number":      `{"operations": [{"name": "dispense", "arguments": {"order": "o", "patient": "p", "drug": "d", "quantity": 1e999999}}]}`,
		"beyond 64 bits":   `{"operations": [{"name": "dispense", "arguments": {"order": "o", "patient": "p", "drug": "d", "quantity": 9223372036854775808}}]}`,
		"sql":              `{"operations": [{"sql": "DELETE FROM secret"}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.Calls(work(t, text), "id", "site")
			if !errors.Is(err, ErrCall) {
				t.Fatalf("got %v, want %v", err, ErrCall)
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("%q quotes what the client sent", err)
			}
		})
	}
}

func TestRawSQL(t *testing.T) {
	c := load(t, KindMySQL, "raw: true")
	calls, err := c.Calls(work(t, `{"operations": [{"sql": "UPDATE t SET a = ?", "arguments": [1, "x", null, 2.5, {"a": 1}], "rows": 2}]}`), "id", "site")
	if err != nil {
		t.Fatal(err)
	}
	want := []any{int64(1), "x", nil, 2.5, json.RawMessage(`{"a":1}`)}
	op := calls[0].Operation
	if !reflect.DeepEqual(calls[0].Positional, want) || !op.Raw || op.Statements[0].SQL != "UPDATE t SET a = ?" || *op.Statements[0].Rows != 2 {
		t.Errorf("got %#v, %#v", calls[0].Positional, op)
	}
	if !c.TakesSQL() {
		t.Error("a raw catalogue takes no SQL")
	}
	if c := load(t, KindEmbedded, "raw: true"); c.TakesSQL() || len(c.Published()) != 4 {
		t.Errorf("a raw embedded store: SQL %v, operations %v", c.TakesSQL(), c.Published())
	}
}

func TestBuiltins(t *testing.T) {
	c, err := OpenCatalogue().ForKind(KindEmbedded)
	if err != nil {
		t.Fatal(err)
	}
	one, yes := int64(1), true
	for name, want := range map[string]Act{
		`"put", "arguments": {"key": "a/{b}", "value": {"x": "{y}"}, "if_version": 1}`:  {Kind: ActPut, Key: "a/{b}", Value: json.RawMessage(`{"x":"{y}"}`), IfVersion: &one},
		`"delete", "arguments": {"key": "a"}`:                                           {Kind: ActDelete, Key: "a"},
		`"add", "arguments": {"key": "a", "field": "f", "by": -2.5, "max": 9}`:          {Kind: ActAdd, Key: "a", Field: "f", By: "-2.5", Max: "9"},
		`"check", "arguments": {"key": "a", "exists": true, "field": "f", "equals": 0}`: {Kind: ActCheck, Key: "a", Exists: &yes, Field: "f", Equals: json.RawMessage(`0`)},
	} {
		calls, err := c.Calls(work(t, `{"operations": [{"name": `+name+`}]}`), "id", "site")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		acts, err := calls[0].Acts()
		if err != nil || len(acts) != 1 || !reflect.DeepEqual(acts[0], want) {
			t.Errorf("%s: got %+v, %v", name, acts, err)
		}
	}
	for _, bad := range []string{
		`"put", "arguments": {"key": "a", "value": 1}`, `"put", "arguments": {"key": "", "value": {}}`, `"add", "arguments": {"key": "a", "field": "f"}`,
		`"check", "arguments": {"key": "a"}`, `"check", "arguments": {"key": "a", "min": 1}`, `"check", "arguments": {"key": "a", "field": "f", "equals": null}`,
	} {
		if _, err := c.Calls(work(t, `{"operations": [{"name": `+bad+`}]}`), "id", "site"); !errors.Is(err, ErrCall) {
			t.Errorf("%s: got %v", bad, err)
		}
	}
}

func TestPublished(t *testing.T) {
	got, err := json.Marshal(load(t, KindPostgres, pharmacyYAML).Published())
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(got), "UPDATE") || strings.Contains(string(got), "stock/") {
		t.Errorf("%s shows what an operation does", got)
	}
	want := `{"name":"heartbeat","parameters":{"additionalProperties":false,"type":"object"}}`
	if !strings.Contains(string(got), want) {
		t.Errorf("got %s, want in it %s", got, want)
	}
}

func TestBadCatalogues(t *testing.T) {
	for name, c := range map[string]struct{ kind, yaml, want string }{
		"unknown key":        {KindPostgres, "operations:\n  a:\n    statments: []\n", "[3:5]"},
		"unknown key named":  {KindPostgres, "operations:\n  a:\n    statments: []\n", "statments"},
		"unknown top key":    {KindPostgres, "operation: {}\n", "operation"},
		"unknown record key": {KindEmbedded, "operations: {a: {records: [{add: {key: k, feld: f, by: 1}}]}}", "feld"},
		"twice":              {KindPostgres, "operations:\n  a: {statements: [{sql: SELECT 1}]}\n  a: {statements: [{sql: SELECT 1}]}\n", "a"},
		"not yaml":           {KindPostgres, "operations: [\n", "catalogue is wrong"},
		"two documents":      {KindPostgres, "operations: {}\n---\noperations: {}\n", "more than one document"},
		"empty":              {KindPostgres, "", "lists no operation"},
		"bad name":           {KindPostgres, "operations: {Ab: {statements: [{sql: SELECT 1}]}}", "operation Ab"},
		"bad schema":         {KindPostgres, "operations: {a: {parameters: {type: object, required: 5}, statements: [{sql: SELECT 1}]}}", "operation a: parameters are no JSON Schema"},
		"remote schema":      {KindPostgres, "operations: {a: {parameters: {$ref: 'file:///etc/passwd'}, statements: [{sql: SELECT 1}]}}", "operation a"},
		"not an object":      {KindPostgres, "operations: {a: {parameters: {type: string}, statements: [{sql: SELECT 1}]}}", "of type object"},
		"old draft":          {KindPostgres, "operations: {a: {parameters: {$schema: 'http://json-schema.org/draft-07/schema#'}, statements: [{sql: SELECT 1}]}}", "2020-12"},
		"reserved":           {KindPostgres, "operations: {a: {parameters: {properties: {tx: {}}}, statements: [{sql: SELECT 1}]}}", "tx is built in"},
		"no statements":      {KindPostgres, "operations: {a: {records: [{delete: {key: a}}]}}", "no statements"},
		"unknown parameter":  {KindMySQL, "operations: {a: {statements: [{sql: 'SELECT :drug'}]}}", ":drug"},
		"two statements":     {KindMySQL, "operations: {a: {statements: [{sql: SELECT 1; COMMIT}]}}", "second statement"},
		"writing reader":     {KindMySQL, "operations: {a: {read_only: true, statements: [{sql: DELETE FROM t}]}}", "read_only"},
		"no records":         {KindEmbedded, "operations: {a: {statements: [{sql: SELECT 1}]}}", "no records"},
		"two in one":         {KindEmbedded, "operations: {a: {records: [{delete: {key: a}, put: {key: b, value: {}}}]}}", "one of put"},
		"typo":               {KindEmbedded, "operations: {a: {parameters: {required: [drug], properties: {drug: {type: string}}}, records: [{delete: {key: 'a/{durg}'}}]}}", "{durg}"},
		"optional in a key":  {KindEmbedded, "operations: {a: {parameters: {properties: {drug: {type: string}}}, records: [{delete: {key: 'a/{drug}'}}]}}", "drug must be required"},
		"brace":              {KindEmbedded, "operations: {a: {records: [{delete: {key: 'a{'}}]}}", "braces"},
		"by text":            {KindEmbedded, "operations: {a: {records: [{add: {key: k, field: f, by: x}}]}}", "by must be a number"},
		"by of text type":    {KindEmbedded, "operations: {a: {parameters: {required: [n], properties: {n: {type: string}}}, records: [{add: {key: k, field: f, by: '{n}'}}]}}", "type integer"},
		"value":              {KindEmbedded, "operations: {a: {records: [{put: {key: k, value: 5}}]}}", "mapping"},
		"empty check":        {KindEmbedded, "operations: {a: {records: [{check: {key: k}}]}}", "demands nothing"},
		"writing check":      {KindEmbedded, "operations: {a: {read_only: true, records: [{delete: {key: k}}]}}", "read_only"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ParseCatalogue([]byte(c.yaml))
			if err == nil {
				_, err = got.ForKind(c.kind)
			}
			if !errors.Is(err, ErrCatalogue) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want in it %q", err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), "\n") {
				t.Errorf("%q is not one line", err)
			}
		})
	}
}

func FuzzParseCatalogue(f *testing.F) {
	f.Add([]byte(pharmacyYAML))
	f.Add([]byte("raw: true"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := ParseCatalogue(data)
		if err != nil {
			return
		}
		for _, kind := range []string{KindEmbedded, KindPostgres, KindMySQL} {
			if checked, err := c.ForKind(kind); err == nil {
				checked.Published()
			}
		}
	})
}
