package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/medcommit/medcommit/txn"
)

var errForeignSchema = errors.New("a schema may refer to itself only")

// schemas keeps the compiled schemas of the sites' operations. A schema that is published anew is compiled anew.
type schemas struct {
	mu       sync.RWMutex
	compiled map[operationKey]compiledSchema
}

type operationKey struct{ participant, operation string }

type compiledSchema struct {
	text   json.RawMessage
	schema *jsonschema.Schema
	err    error
}

func newSchemas() *schemas {
	return &schemas{compiled: map[operationKey]compiledSchema{}}
}

// of gives the schema of a site's operation. It takes no arguments that the schema does not name.
func (s *schemas) of(participant string, op *txn.OperationInfo) (*jsonschema.Schema, error) {
	key := operationKey{participant, op.Name}
	s.mu.RLock()
	c, ok := s.compiled[key]
	s.mu.RUnlock()
	if !ok || !bytes.Equal(c.text, op.Parameters) {
		c.text = bytes.Clone(op.Parameters)
		c.schema, c.err = compile(op.Parameters)
		s.mu.Lock()
		s.compiled[key] = c
		s.mu.Unlock()
	}
	return c.schema, c.err
}

// compile makes a schema of an operation's published parameters. Absent or empty parameters take no arguments. Formats are not
// asserted: the site, which checks again, does not either.
func compile(parameters json.RawMessage) (*jsonschema.Schema, error) {
	if len(parameters) == 0 {
		parameters = json.RawMessage(`{}`)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(parameters))
	if err != nil {
		return nil, fmt.Errorf("read schema: %w", err)
	}
	const url = "medcommit:parameters"
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.UseLoader(noLoader{})
	if err := c.AddResource(url, closed(document)); err != nil {
		return nil, fmt.Errorf("add schema: %w", err)
	}
	schema, err := c.Compile(url)
	if err != nil {
		return nil, fmt.Errorf("compile schema: %w", err)
	}
	return schema, nil
}

// closed makes a schema refuse arguments that it does not name, unless it says of itself what becomes of them.
func closed(document any) any {
	object, ok := document.(map[string]any)
	if !ok {
		return document
	}
	if _, ok := object["additionalProperties"]; ok {
		return object
	}
	if _, ok := object["unevaluatedProperties"]; ok {
		return object
	}
	object["unevaluatedProperties"] = false
	return object
}

// noLoader refuses to read schemas from files and from the network.
type noLoader struct{}

func (noLoader) Load(string) (any, error) { return nil, errForeignSchema }
