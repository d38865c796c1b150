package exactjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"unicode/utf8"
)

// MaxDepth is how deep objects and arrays may nest.
const MaxDepth = 64

// MaxValues is how many values a text may hold: each takes up to a hundred times the memory of its two bytes.
const MaxValues = 500_000

// What Parse finds. None quotes the text.
var (
	// ErrSyntax says that the text is not JSON, or that something follows it.
	ErrSyntax = errors.New("is not JSON")
	// ErrUnicode says that the text is not UTF-8, or escapes half of a surrogate pair.
	ErrUnicode = errors.New("is not Unicode")
	// ErrDepth says that the text nests deeper than MaxDepth.
	ErrDepth = errors.New("nests too deep")
	// ErrMany says that the text holds more than MaxValues values.
	ErrMany = errors.New("has too many values")
	// ErrDuplicate says that an object has two members of one name.
	ErrDuplicate = errors.New("has two members of one name")
	// ErrNumber says that a number is longer than 400 characters or outside the range of a double.
	ErrNumber = errors.New("has a number out of range")
)

// Error says where in the text one of the sentinel errors was found.
type Error struct {
	Location string // ".branches[1].id", empty for the whole text
	Offset   int64  // bytes that were in order, for ErrSyntax
	Err      error
}

func (e *Error) Error() string { return "the text" + e.Location + " " + e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// Parse reads one JSON value: nil, bool, string, json.Number, []any, or map[string]any. It answers anything else with an *Error.
func Parse(text []byte) (any, error) {
	if !utf8.Valid(text) || !pairedSurrogates(text) {
		return nil, &Error{Err: ErrUnicode}
	}
	if !json.Valid(text) {
		return nil, &Error{Offset: validUpTo(text), Err: ErrSyntax}
	}
	p := &parser{text: text}
	return p.value(0)
}

// validUpTo tells how many bytes of a text that is not JSON could be the beginning of one.
func validUpTo(text []byte) int64 {
	var syntax *json.SyntaxError
	if errors.As(json.Unmarshal(text, new(json.RawMessage)), &syntax) {
		return syntax.Offset
	}
	return 0
}

// parser takes a text apart that encoding/json has found valid, so it need not look for faults of syntax itself.
type parser struct {
	text   []byte
	pos    int
	path   []byte
	values int
}

func (p *parser) fault(err error) error { return &Error{Location: string(p.path), Err: err} }

// next skips white space and gives the byte that follows.
func (p *parser) next() byte {
	for {
		switch c := p.text[p.pos]; c {
		case ' ', '\t', '\n', '\r':
			p.pos++
		default:
			return c
		}
	}
}

// skip skips white space and one byte, and gives it.
func (p *parser) skip() byte {
	c := p.next()
	p.pos++
	return c
}

func (p *parser) value(depth int) (any, error) {
	c := p.next()
	if p.values++; p.values > MaxValues {
		return nil, p.fault(ErrMany)
	}
	if depth == MaxDepth && (c == '{' || c == '[') {
		return nil, p.fault(ErrDepth)
	}
	switch c {
	case '{':
		return p.object(depth + 1)
	case '[':
		return p.array(depth + 1)
	case '"':
		return p.string(), nil
	case 't':
		p.pos += len("true")
		return true, nil
	case 'f':
		p.pos += len("false")
		return false, nil
	case 'n':
		p.pos += len("null")
		return nil, nil
	}
	return p.number()
}

func (p *parser) object(depth int) (any, error) {
	object := map[string]any{}
	parent := len(p.path)
	p.skip()
	for p.next() != '}' {
		name := p.string()
		p.path = append(append(p.path, '.'), Clip(name)...)
		if _, twice := object[name]; twice {
			return nil, p.fault(ErrDuplicate)
		}
		p.skip() // the colon
		v, err := p.value(depth)
		if err != nil {
			return nil, err
		}
		object[name] = v
		p.path = p.path[:parent]
		if p.next() == ',' {
			p.skip()
		}
	}
	p.skip()
	return object, nil
}

func (p *parser) array(depth int) (any, error) {
	array := []any{}
	parent := len(p.path)
	p.skip()
	for p.next() != ']' {
		p.path = append(strconv.AppendInt(append(p.path, '['), int64(len(array)), 10), ']')
		v, err := p.value(depth)
		if err != nil {
			return nil, err
		}
		array = append(array, v)
		p.path = p.path[:parent]
		if p.next() == ',' {
			p.skip()
		}
	}
	p.skip()
	return array, nil
}

// string reads a string that begins at the position.
func (p *parser) string() string {
	start, escaped := p.pos, false
	for p.pos++; p.text[p.pos] != '"'; p.pos++ {
		if p.text[p.pos] == '\\' {
			escaped = true
			p.pos++
		}
	}
	p.pos++
	if !escaped {
		return string(p.text[start+1 : p.pos-1])
	}
	var s string
	if err := json.Unmarshal(p.text[start:p.pos], &s); err != nil {
		panic("exactjson: a valid text holds an invalid string: " + err.Error())
	}
	return s
}

func (p *parser) number() (any, error) {
	start := p.pos
	for p.pos < len(p.text) && bytes.IndexByte([]byte("+-.eE0123456789"), p.text[p.pos]) >= 0 {
		p.pos++
	}
	literal := string(p.text[start:p.pos])
	if !inRange(literal) {
		return nil, p.fault(ErrNumber)
	}
	return json.Number(literal), nil
}

// Clip shortens a member's name for a location or a message.
func Clip(name string) string {
	const most = 64
	if len(name) <= most {
		return name
	}
	cut := most
	for !utf8.RuneStart(name[cut]) {
		cut--
	}
	return name[:cut] + "…"
}

// pairedSurrogates tells whether every \uD800 to \uDFFF in a JSON text is half of a pair.
func pairedSurrogates(text []byte) bool {
	for i := bytes.IndexByte(text, '\\'); i >= 0 && i < len(text); {
		size, r := escape(text[i:])
		switch {
		case r >= 0xDC00 && r < 0xE000:
			return false
		case r >= 0xD800 && r < 0xDC00:
			low, second := escape(text[i+size:])
			if second < 0xDC00 || second >= 0xE000 {
				return false
			}
			size += low
		}
		next := bytes.IndexByte(text[i+size:], '\\')
		if next < 0 {
			return true
		}
		i += size + next
	}
	return true
}

// escape measures the escape that text begins with, and gives the code unit of a \uXXXX, else 0.
func escape(text []byte) (size int, unit uint64) {
	if len(text) == 0 || text[0] != '\\' {
		return 0, 0
	}
	if len(text) == 1 {
		return 1, 0
	}
	if text[1] != 'u' || len(text) < 6 {
		return 2, 0
	}
	unit, err := strconv.ParseUint(string(text[2:6]), 16, 16)
	if err != nil {
		return 2, 0
	}
	return 6, unit
}
