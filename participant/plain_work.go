package participant

import (
	"unicode/utf8"
)

// Most work is a few operations whose arguments are texts, whole numbers and truth values, written compactly, for schemas that say
// little more than types. Reading that the long way scans it five times and made up a third of a site's time. What is read here is read
// and checked in one go, and exactly as the long way does it (a fuzz test compares them); whatever is not of that form, or wrong, is
// left to the long way, which says what is wrong.

// plainCalls is Calls of a payload of that form; false: it is none, or not in order.
func (c *Catalogue) plainCalls(payload []byte, tx, participant string) ([]Call, bool) {
	r := plainReader{b: payload}
	if !r.has(`{"operations":[{`) {
		return nil, false
	}
	var calls []Call
	for {
		call, ok := c.plainCall(&r)
		if !ok {
			return nil, false
		}
		call.Arguments[ParameterTx] = tx
		call.Arguments[ParameterParticipant] = participant
		calls = append(calls, call)
		if r.has(`},{`) {
			continue
		}
		return calls, r.has(`}]}`) && len(r.b) == 0
	}
}

// plainCall reads an operation up to its closing brace; the members may come in either order.
func (c *Catalogue) plainCall(r *plainReader) (call Call, ok bool) {
	var space [8]plainArgument
	given, read := space[:0], false
	if r.has(`"arguments":`) {
		if given, read = r.arguments(given); !read || !r.has(`,`) {
			return Call{}, false
		}
	}
	if !r.has(`"name":`) {
		return Call{}, false
	}
	name, ok := r.text()
	if !ok || len(name) == 0 {
		return Call{}, false
	}
	if !read && r.has(`,"arguments":`) {
		if given, ok = r.arguments(given); !ok {
			return Call{}, false
		}
	}
	op := c.Operations[string(name)]
	if op == nil || op.parameters.plain == nil {
		return Call{}, false
	}
	arguments, ok := op.parameters.plain.take(given)
	return Call{Operation: op, Arguments: arguments}, ok
}

// plainArgument is one that was read: the value is nil, an int64, a string or a bool.
type plainArgument struct {
	name  []byte
	value any
}

type plainReader struct{ b []byte }

func (r *plainReader) has(s string) bool {
	if len(r.b) < len(s) || string(r.b[:len(s)]) != s {
		return false
	}
	r.b = r.b[len(s):]
	return true
}

// arguments reads a whole object of plain values.
func (r *plainReader) arguments(given []plainArgument) ([]plainArgument, bool) {
	if !r.has(`{`) {
		return nil, false
	}
	if r.has(`}`) {
		return given, true
	}
	for {
		name, ok := r.text()
		if !ok || !r.has(`:`) {
			return nil, false
		}
		value, ok := r.value()
		if !ok {
			return nil, false
		}
		given = append(given, plainArgument{name, value})
		if r.has(`,`) {
			continue
		}
		return given, r.has(`}`)
	}
}

// text reads a string in which nothing is escaped, without its quotes.
func (r *plainReader) text() ([]byte, bool) {
	if len(r.b) == 0 || r.b[0] != '"' {
		return nil, false
	}
	for i := 1; i < len(r.b); i++ {
		switch c := r.b[i]; {
		case c == '"':
			s := r.b[1:i]
			r.b = r.b[i+1:]
			return s, utf8.Valid(s)
		case c == '\\' || c < ' ':
			return nil, false
		}
	}
	return nil, false
}

func (r *plainReader) value() (any, bool) {
	switch {
	case len(r.b) == 0:
		return nil, false
	case r.b[0] == '"':
		s, ok := r.text()
		return string(s), ok
	case r.has(`true`):
		return true, true
	case r.has(`false`):
		return false, true
	case r.has(`null`):
		return nil, true
	}
	return r.integer()
}

// integer reads a whole number of at most 15 digits, which a float64 holds too; what follows it must be one argument's end.
func (r *plainReader) integer() (any, bool) {
	i, sign := 0, int64(1)
	if r.b[0] == '-' {
		i, sign = 1, -1
	}
	first, n := i, int64(0)
	for ; i < len(r.b) && '0' <= r.b[i] && r.b[i] <= '9'; i++ {
		n = n*10 + int64(r.b[i]-'0')
		if i-first >= 15 {
			return nil, false
		}
	}
	if i == first || r.b[first] == '0' && i > first+1 || sign < 0 && n == 0 {
		return nil, false
	}
	r.b = r.b[i:]
	return sign * n, true
}
