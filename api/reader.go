package api

import (
	"slices"
	"strconv"

	"github.com/medcommit/medcommit/api/exactjson"
	"github.com/medcommit/medcommit/api/problem"
)

// maxFields is how many bad fields one answer names.
const maxFields = 100

// reader takes a JSON value apart and collects what is wrong with it.
type reader struct {
	fields []problem.Field
	// malformed says that something is wrong whatever the sites' catalogues say.
	malformed bool
}

// bad notes what is wrong by itself.
func (r *reader) bad(location, message string) {
	r.malformed = true
	r.unfit(location, message)
}

// unfit notes what does not fit a catalogue as it is now.
func (r *reader) unfit(location, message string) {
	if len(r.fields) < maxFields {
		r.fields = append(r.fields, problem.Field{Location: location, Message: message})
	}
}

// object wants an object that has no other members than those known.
func (r *reader) object(v any, location string, known ...string) (map[string]any, bool) {
	object, ok := v.(map[string]any)
	if !ok {
		r.bad(location, "must be an object")
		return nil, false
	}
	var unknown []string
	for name := range object {
		if !slices.Contains(known, name) {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	for _, name := range unknown {
		r.bad(location+"."+exactjson.Clip(name), "is not known")
	}
	return object, true
}

// array wants a member that is an array.
func (r *reader) array(object map[string]any, location, name string) ([]any, bool) {
	v, given := object[name]
	if !given {
		r.bad(location+"."+name, "is required")
		return nil, false
	}
	array, ok := v.([]any)
	if !ok {
		r.bad(location+"."+name, "must be an array")
	}
	return array, ok
}

// optionalString gives a member that is a string; given tells whether there is one.
func (r *reader) optionalString(object map[string]any, location, name string) (text string, given bool) {
	v, given := object[name]
	if !given {
		return "", false
	}
	text, ok := v.(string)
	if !ok {
		r.bad(location+"."+name, "must be a string")
	}
	return text, ok
}

// requiredString wants a member that is a string.
func (r *reader) requiredString(object map[string]any, location, name string) (string, bool) {
	if _, given := object[name]; !given {
		r.bad(location+"."+name, "is required")
		return "", false
	}
	return r.optionalString(object, location, name)
}

func item(location string, i int) string { return location + "[" + strconv.Itoa(i) + "]" }
