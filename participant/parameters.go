package participant

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// draft is the only dialect of JSON Schema that a catalogue may use.
const draft = "https://json-schema.org/draft/2020-12/schema"

// parameters is an operation's schema, compiled.
type parameters struct {
	schema *jsonschema.Schema
	// properties are the arguments that the schema names, wherever in it; required those that it demands in any case.
	properties map[string]*jsonschema.Schema
	required   map[string]bool
	plain      *plainSchema // the same, where it is that simple
}

// compileParameters compiles a JSON Schema of arguments; an empty one takes none. It also gives the schema to publish: the same,
// an object that refuses what it does not name.
func compileParameters(raw json.RawMessage) (*parameters, json.RawMessage, error) {
	if len(bytes.TrimSpace(raw)) == 0 {
		raw = json.RawMessage("{}")
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return nil, nil, fmt.Errorf("parameters are not JSON: %w", err)
	}
	root, ok := doc.(map[string]any)
	if !ok {
		return nil, nil, errors.New("parameters must be a JSON Schema, a mapping")
	}
	if err := closeSchema(root); err != nil {
		return nil, nil, err
	}
	schema, err := compileSchema(root)
	if err != nil {
		return nil, nil, err
	}
	p := &parameters{schema: schema, properties: map[string]*jsonschema.Schema{}, required: map[string]bool{}}
	p.collect(schema, true, 0)
	for _, name := range []string{ParameterTx, ParameterParticipant} {
		if p.properties[name] != nil {
			return nil, nil, fmt.Errorf("parameter %s is built in and cannot be declared", name)
		}
	}
	p.plain = p.plainSchema()
	published, err := json.Marshal(root)
	return p, published, err
}

// closeSchema makes the schema one of an object without members that it does not name. Where it is put together from others only
// unevaluatedProperties sees them all.
func closeSchema(root map[string]any) error {
	if d, ok := root["$schema"]; ok && d != draft {
		return errors.New("parameters: $schema must be that of draft 2020-12, or left out")
	}
	if t, ok := root["type"]; !ok {
		root["type"] = "object"
	} else if t != "object" {
		return errors.New("parameters must be of type object")
	}
	if _, ok := root["additionalProperties"]; ok {
		return nil
	}
	if _, ok := root["unevaluatedProperties"]; ok {
		return nil
	}
	word := "additionalProperties"
	for _, joined := range []string{"$ref", "$dynamicRef", "allOf", "anyOf", "oneOf", "if", "dependentSchemas"} {
		if _, ok := root[joined]; ok {
			word = "unevaluatedProperties"
		}
	}
	root[word] = false
	return nil
}

func compileSchema(root any) (*jsonschema.Schema, error) {
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	// No loader: a schema that points elsewhere would be read from disk, here and at every coordinator.
	c.UseLoader(jsonschema.SchemeURLLoader{})
	const place = "parameters:"
	if err := c.AddResource(place, root); err != nil {
		return nil, schemaError(err)
	}
	schema, err := c.Compile(place)
	if err != nil {
		return nil, schemaError(err)
	}
	return schema, nil
}

// schemaError puts the compiler's text, which is of several lines, on one; it tells of the site's own file, not of a client.
func schemaError(err error) error {
	lines := strings.Split(err.Error(), "\n")
	for i, l := range lines {
		lines[i] = strings.Trim(l, " -")
	}
	return fmt.Errorf("parameters are no JSON Schema: %s", strings.Join(lines, "; "))
}

// collect finds the arguments that s names. always is false below what need not hold.
func (p *parameters) collect(s *jsonschema.Schema, always bool, depth int) {
	if s == nil || depth > 8 {
		return
	}
	for name, sub := range s.Properties {
		if p.properties[name] == nil || p.properties[name].Types == nil {
			p.properties[name] = sub
		}
	}
	if always {
		for _, name := range s.Required {
			p.required[name] = true
		}
	}
	p.collect(s.Ref, always, depth+1)
	for _, sub := range s.AllOf {
		p.collect(sub, always, depth+1)
	}
	maybe := append(append([]*jsonschema.Schema{s.If, s.Then, s.Else}, s.AnyOf...), s.OneOf...)
	for _, sub := range s.DependentSchemas {
		maybe = append(maybe, sub)
	}
	for _, sub := range maybe {
		p.collect(sub, false, depth+1)
	}
}

func (p *parameters) known(name string) bool {
	return p.properties[name] != nil || name == ParameterTx || name == ParameterParticipant
}

// certain tells whether an argument is there in every call, and not null.
func (p *parameters) certain(name string) bool {
	if name == ParameterTx || name == ParameterParticipant {
		return true
	}
	return p.required[name] && !p.may(name, "null")
}

// may tells whether the schema of an argument says that it can be of the type; one that says nothing of types is no argument's.
func (p *parameters) may(name, typ string) bool {
	for s := p.properties[name]; s != nil; s = s.Ref {
		if s.Types == nil || s.Types.IsEmpty() {
			continue
		}
		for _, t := range s.Types.ToStrings() {
			if t == typ {
				return true
			}
		}
		return false
	}
	return false
}
