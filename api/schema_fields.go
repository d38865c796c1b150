package api

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/medcommit/medcommit/api/exactjson"
	"github.com/medcommit/medcommit/api/problem"
)

// schemaFields turns what a schema found into bad fields below location. The validator's own messages quote values; these do not.
func schemaFields(location string, e *jsonschema.ValidationError) []problem.Field {
	at := location + place(e.InstanceLocation)
	switch k := e.ErrorKind.(type) {
	case *kind.Schema, *kind.Group, *kind.AllOf, *kind.Reference:
		var fields []problem.Field
		for _, cause := range e.Causes {
			fields = append(fields, schemaFields(location, cause)...)
		}
		return fields
	case *kind.Required:
		return named(at, k.Missing, "is required")
	case *kind.DependentRequired:
		return named(at, k.Missing, "is required with "+k.Prop)
	case *kind.AdditionalProperties:
		return named(at, k.Properties, "is not known")
	}
	return []problem.Field{{Location: at, Message: schemaMessage(e.ErrorKind)}}
}

// schemaMessage says what the schema wants. All figures in it are the schema's.
func schemaMessage(k jsonschema.ErrorKind) string {
	switch k := k.(type) {
	case *kind.FalseSchema:
		return "is not known"
	case *kind.Type:
		return "must be of type " + strings.Join(k.Want, " or ")
	case *kind.Enum, *kind.Const:
		return "is not one of the allowed values"
	case *kind.Minimum:
		return "must be at least " + figure(k.Want)
	case *kind.Maximum:
		return "must be at most " + figure(k.Want)
	case *kind.ExclusiveMinimum:
		return "must be more than " + figure(k.Want)
	case *kind.ExclusiveMaximum:
		return "must be less than " + figure(k.Want)
	case *kind.MultipleOf:
		return "must be a multiple of " + figure(k.Want)
	case *kind.MinLength:
		return fmt.Sprintf("must be at least %d characters long", k.Want)
	case *kind.MaxLength:
		return fmt.Sprintf("must be at most %d characters long", k.Want)
	case *kind.Pattern:
		return "must match the pattern " + k.Want
	case *kind.Format:
		return "must have the format " + k.Want
	case *kind.MinItems:
		return fmt.Sprintf("must have at least %d items", k.Want)
	case *kind.MaxItems:
		return fmt.Sprintf("must have at most %d items", k.Want)
	case *kind.MinProperties:
		return fmt.Sprintf("must have at least %d members", k.Want)
	case *kind.MaxProperties:
		return fmt.Sprintf("must have at most %d members", k.Want)
	case *kind.UniqueItems:
		return "must not have equal items"
	case *kind.AnyOf, *kind.OneOf:
		return "fits none, or more than the one, of the alternatives"
	}
	return "does not fit the schema"
}

func named(at string, names []string, message string) []problem.Field {
	fields := make([]problem.Field, len(names))
	for i, name := range names {
		fields[i] = problem.Field{Location: at + "." + exactjson.Clip(name), Message: message}
	}
	return fields
}

// place writes a path in a JSON value as locations have it: [2].name.
func place(path []string) string {
	var b strings.Builder
	for _, step := range path {
		if _, err := strconv.ParseUint(step, 10, 31); err == nil {
			b.WriteString("[" + step + "]")
			continue
		}
		b.WriteString("." + exactjson.Clip(step))
	}
	return b.String()
}

func figure(r *big.Rat) string {
	if r.IsInt() {
		return r.Num().String()
	}
	f, _ := r.Float64()
	return strconv.FormatFloat(f, 'g', -1, 64)
}
