package exactjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"unicode/utf8"
)

// MaxDepth is how deep objects and arrays may nest.
const MaxDepth = 64

// What Parse finds. None quotes the text.
var (
	// ErrSyntax says that the text is not JSON, or that something follows it.
	ErrSyntax = errors.New("is not JSON")
	// ErrUnicode says that the text is not UTF-8, or escapes half of a surrogate pair.
	ErrUnicode = errors.New("is not Unicode")
	// ErrDepth says that the text nests deeper than MaxDepth.
	ErrDepth = errors.New("nests too deep")
	// ErrDuplicate says that an object has two members of one name.
	ErrDuplicate = errors.New("has two members of one name")
	// ErrNumber says that a number is longer than 100 characters or outside the range of a double.
	ErrNumber = errors.New("has a number out of range")
)

// Error says where in the text one of the sentinel errors was found.
type Error struct {
	Location string // ".branches[1].id", empty for the whole text
	Offset   int64  // bytes read, for ErrSyntax
	Err      error
}

func (e *Error) Error() string { return "the text" + e.Location + " " + e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// Parse reads one JSON value: nil, bool, string, json.Number, []any, or map[string]any. It answers anything else with an *Error.
func Parse(text []byte) (any, error) {
	if !utf8.Valid(text) || !pairedSurrogates(text) {
		return nil, &Error{Err: ErrUnicode}
	}
	p := &parser{dec: json.NewDecoder(bytes.NewReader(text))}
	p.dec.UseNumber()
	v, err := p.value(0)
	if err != nil {
		return nil, err
	}
	if _, err := p.dec.Token(); err != io.EOF {
		return nil, p.fault(ErrSyntax)
	}
	return v, nil
}

type parser struct {
	dec  *json.Decoder
	path []byte
}

func (p *parser) fault(err error) error {
	return &Error{Location: string(p.path), Offset: p.dec.InputOffset(), Err: err}
}

func (p *parser) value(depth int) (any, error) {
	t, err := p.dec.Token()
	if err != nil {
		return nil, p.fault(ErrSyntax)
	}
	switch t := t.(type) {
	case json.Delim:
		if depth == MaxDepth {
			return nil, p.fault(ErrDepth)
		}
		if t == '{' {
			return p.object(depth + 1)
		}
		return p.array(depth + 1)
	case json.Number:
		if !inRange(string(t)) {
			return nil, p.fault(ErrNumber)
		}
	}
	return t, nil
}

func (p *parser) object(depth int) (any, error) {
	object := map[string]any{}
	parent := len(p.path)
	for p.dec.More() {
		t, err := p.dec.Token()
		name, ok := t.(string)
		if err != nil || !ok {
			return nil, p.fault(ErrSyntax)
		}
		p.path = append(append(p.path, '.'), Clip(name)...)
		if _, twice := object[name]; twice {
			return nil, p.fault(ErrDuplicate)
		}
		if object[name], err = p.value(depth); err != nil {
			return nil, err
		}
		p.path = p.path[:parent]
	}
	return object, p.closing()
}

func (p *parser) array(depth int) (any, error) {
	array := []any{}
	parent := len(p.path)
	for p.dec.More() {
		p.path = append(strconv.AppendInt(append(p.path, '['), int64(len(array)), 10), ']')
		v, err := p.value(depth)
		if err != nil {
			return nil, err
		}
		array = append(array, v)
		p.path = p.path[:parent]
	}
	return array, p.closing()
}

func (p *parser) closing() error {
	if _, err := p.dec.Token(); err != nil {
		return p.fault(ErrSyntax)
	}
	return nil
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
