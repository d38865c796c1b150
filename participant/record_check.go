package participant

import (
	"errors"
	"fmt"

	"github.com/medcommit/medcommit/txn"
)

// checkRecords checks what a catalogue's records say, so that nothing but a client's values is left to go wrong later.
func (o *Operation) checkRecords() error {
	if len(o.Records) == 0 {
		return errors.New("it has no records, which this site's embedded store needs")
	}
	for i, r := range o.Records {
		c := recordChecker{operation: o}
		c.record(r)
		if c.err != nil {
			return fmt.Errorf("record %d: %w", i+1, c.err)
		}
		if o.ReadOnly && r.Check == nil {
			return fmt.Errorf("record %d: it does more than check, and the operation is declared read_only", i+1)
		}
	}
	return nil
}

type recordChecker struct {
	operation *Operation
	err       error
}

func (c *recordChecker) fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf(format, args...)
	}
}

func (c *recordChecker) record(r Record) {
	if n := set(r.Put) + set(r.Delete) + set(r.Add) + set(r.Check); n != 1 {
		c.fail("it must be one of put, delete, add, check")
		return
	}
	switch {
	case r.Put != nil:
		c.text("key", r.Put.Key)
		c.object(r.Put.Value)
		c.number("if_version", r.Put.IfVersion)
	case r.Delete != nil:
		c.text("key", r.Delete.Key)
		c.number("if_version", r.Delete.IfVersion)
	case r.Add != nil:
		c.add(r.Add)
	default:
		c.check(r.Check)
	}
}

func (c *recordChecker) add(r *AddRecord) {
	c.text("key", r.Key)
	c.text("field", r.Field)
	if r.By == nil {
		c.fail("add: by is missing")
	}
	c.number("by", r.By)
	c.number("min", r.Min)
	c.number("max", r.Max)
	for _, name := range names(r.By) {
		if !c.operation.parameters.certain(name) {
			c.fail("by: parameter %s must be required, for nothing can be added without it", name)
		}
	}
}

func (c *recordChecker) check(r *CheckRecord) {
	c.text("key", r.Key)
	asked := r.Equals != nil || r.Min != nil || r.Max != nil
	switch {
	case asked && r.Field == "":
		c.fail("check: equals, min and max need a field")
	case !asked && r.Field != "":
		c.fail("check: field needs equals, min or max")
	case !asked && r.Exists == nil && r.Version == nil:
		c.fail("check: it demands nothing")
	}
	if r.Field != "" {
		c.text("field", r.Field)
	}
	c.number("version", r.Version)
	c.value("equals", r.Equals)
	c.number("min", r.Min)
	c.number("max", r.Max)
}

// text checks a string whose parameters must all have a value.
func (c *recordChecker) text(member, s string) {
	if s == "" {
		c.fail("%s is missing", member)
	}
	c.value(member, s)
	for _, name := range names(s) {
		if !c.operation.parameters.certain(name) {
			c.fail("%s: parameter %s must be required, for it is part of a text", member, name)
		}
	}
}

func (c *recordChecker) object(v any) {
	switch v := v.(type) {
	case map[string]any:
		c.value("value", v)
	case string:
		c.value("value", v)
		pieces, err := splitTemplate(v)
		if err != nil || len(pieces) != 1 || pieces[0].Name == "" || !c.operation.parameters.may(pieces[0].Name, "object") {
			c.fail("value must be a mapping, or one parameter of type object")
		}
	default:
		c.fail("value must be a mapping")
	}
}

// value checks that every placeholder in v is a parameter, and that those inside of longer texts have a value.
func (c *recordChecker) value(member string, v any) {
	switch v := v.(type) {
	case string:
		pieces, err := splitTemplate(v)
		if err != nil {
			c.fail("%s: %w", member, err)
		}
		for _, p := range pieces {
			switch {
			case p.Name == "":
			case !c.operation.parameters.known(p.Name):
				c.fail("%s: {%s} is not among the parameters", member, p.Name)
			case len(pieces) > 1 && !c.operation.parameters.certain(p.Name):
				c.fail("%s: parameter %s must be required, for it is part of a text", member, p.Name)
			}
		}
	case map[string]any:
		for _, e := range v {
			c.value(member, e)
		}
	case []any:
		for _, e := range v {
			c.value(member, e)
		}
	}
}

// number checks a number, a placeholder, or "-{x}".
func (c *recordChecker) number(member string, v any) {
	if v == nil {
		return
	}
	if text, ok := numberText(v); ok {
		if !txn.ValidNumber(text) {
			c.fail("%s is out of range", member)
		}
		return
	}
	s, ok := v.(string)
	if ok && len(s) > 1 && s[:2] == "-{" {
		s = s[1:]
	}
	pieces, err := splitTemplate(s)
	if !ok || err != nil || len(pieces) != 1 || pieces[0].Name == "" {
		c.fail("%s must be a number or one placeholder", member)
		return
	}
	c.value(member, s)
	p := c.operation.parameters
	if c.err == nil && !p.may(pieces[0].Name, "integer") && !p.may(pieces[0].Name, "number") {
		c.fail("%s: parameter %s must be of type integer or number", member, pieces[0].Name)
	}
}

// names gives the parameters that a template uses.
func names(v any) []string {
	s, ok := v.(string)
	if !ok {
		return nil
	}
	if len(s) > 1 && s[:2] == "-{" {
		s = s[1:]
	}
	pieces, err := splitTemplate(s)
	if err != nil {
		return nil
	}
	return SQLNames(pieces)
}

func set[T any](p *T) int {
	if p == nil {
		return 0
	}
	return 1
}
