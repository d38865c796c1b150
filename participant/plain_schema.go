package participant

import (
	"math/big"
	"reflect"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// plainSchema is a schema that demands nothing of its arguments but what is here: that they are among the properties, that those
// required are there, and each one's type, length and bounds.
type plainSchema struct {
	properties map[string]plainProperty
	required   []string
}

type plainProperty struct {
	types        plainType
	float        bool // a number is a float64
	short, long  int  // a text's least and greatest length in characters
	small, large int64
}

// plainType is a set of JSON's types.
type plainType uint8

const (
	plainNull plainType = 1 << iota
	plainBoolean
	plainInteger // of numbers, whole ones are all that is read here
	plainString
)

var plainTypes = map[string]plainType{
	"null": plainNull, "boolean": plainBoolean, "integer": plainInteger, "number": plainInteger, "string": plainString,
}

// What else a schema may say and be plain: nothing of it is checked.
var plainSilent = map[string]bool{
	"DraftVersion": true, "Location": true, "ID": true, "Anchor": true, "Title": true, "Description": true, "Default": true,
	"Comment": true, "ReadOnly": true, "WriteOnly": true, "Examples": true, "Deprecated": true,
}

// saysOnly tells whether a schema holds no other member than those; one that a later release of the library adds counts as another.
func saysOnly(s *jsonschema.Schema, members ...string) bool {
	v := reflect.ValueOf(s).Elem()
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if !f.IsExported() || plainSilent[f.Name] || v.Field(i).IsZero() {
			continue
		}
		found := false
		for _, m := range members {
			found = found || m == f.Name
		}
		if !found {
			return false
		}
	}
	return true
}

// plainSchema gives p as a plain schema, or nil where it is none.
func (p *parameters) plainSchema() *plainSchema {
	s := p.schema
	if !saysOnly(s, "Types", "Properties", "Required", "AdditionalProperties") || s.AdditionalProperties != any(false) {
		return nil
	}
	plain := &plainSchema{properties: make(map[string]plainProperty, len(s.Properties)), required: s.Required}
	for name, sub := range s.Properties {
		property, ok := plainPropertyOf(sub)
		if !ok {
			return nil
		}
		property.float = p.may(name, "number")
		plain.properties[name] = property
	}
	return plain
}

func plainPropertyOf(s *jsonschema.Schema) (p plainProperty, ok bool) {
	const anyLength = int(^uint(0) >> 1)
	p = plainProperty{long: anyLength, small: -1 << 63, large: 1<<63 - 1}
	if !saysOnly(s, "Types", "MinLength", "MaxLength", "Minimum", "Maximum") {
		return p, false
	}
	if s.Types == nil || s.Types.IsEmpty() {
		return p, false
	}
	for _, t := range s.Types.ToStrings() {
		p.types |= plainTypes[t]
	}
	if s.MinLength != nil {
		p.short = *s.MinLength
	}
	if s.MaxLength != nil {
		p.long = *s.MaxLength
	}
	return p, whole(s.Minimum, &p.small) && whole(s.Maximum, &p.large)
}

// whole puts a bound into n where there is one; false: it is none of an int64.
func whole(bound *big.Rat, n *int64) bool {
	if bound == nil {
		return true
	}
	*n = bound.Num().Int64()
	return bound.IsInt() && bound.Num().IsInt64()
}

// take checks arguments and gives them as Call.Arguments holds them; false: the long way is to say what is wrong.
func (s *plainSchema) take(given []plainArgument) (map[string]any, bool) {
	out := make(map[string]any, len(s.properties)+2)
	for name := range s.properties {
		out[name] = nil
	}
	for i := range given {
		p, known := s.properties[string(given[i].name)]
		if !known || !p.takes(given[i].value) {
			return nil, false
		}
		for _, before := range given[:i] {
			if string(before.name) == string(given[i].name) {
				return nil, false
			}
		}
		value := given[i].value
		if n, ok := value.(int64); ok && p.float {
			value = float64(n)
		}
		out[string(given[i].name)] = value
	}
	for _, name := range s.required {
		if !contains(given, name) {
			return nil, false
		}
	}
	return out, true
}

func contains(given []plainArgument, name string) bool {
	for i := range given {
		if string(given[i].name) == name {
			return true
		}
	}
	return false
}

func (p *plainProperty) takes(value any) bool {
	switch v := value.(type) {
	case nil:
		return p.types&plainNull != 0
	case bool:
		return p.types&plainBoolean != 0
	case int64:
		return p.types&plainInteger != 0 && p.small <= v && v <= p.large
	case string:
		if p.types&plainString == 0 {
			return false
		}
		n := utf8.RuneCountInString(v)
		return p.short <= n && n <= p.long
	}
	return false
}
