package participant

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// A template is a string of a catalogue's record: text with {name} placeholders; {{ and }} stand for the braces themselves.

var errBraces = errors.New("braces hold no parameter's name; write {{ and }} for the braces themselves")

// splitTemplate splits a template into text and names, as SplitSQL does a statement.
func splitTemplate(s string) ([]Piece, error) {
	var out []Piece
	var text strings.Builder
	for s != "" {
		i := strings.IndexAny(s, "{}")
		if i < 0 {
			text.WriteString(s)
			break
		}
		text.WriteString(s[:i])
		if rest := s[i:]; strings.HasPrefix(rest, "{{") || strings.HasPrefix(rest, "}}") {
			text.WriteByte(rest[0])
			s = rest[2:]
			continue
		}
		end := strings.IndexByte(s[i:], '}')
		if s[i] == '}' || end < 2 || strings.ContainsAny(s[i+1:i+end], "{ \t\n") {
			return nil, errBraces
		}
		if text.Len() > 0 {
			out = append(out, Piece{Text: text.String()})
			text.Reset()
		}
		out = append(out, Piece{Name: s[i+1 : i+end]})
		s = s[i+end+1:]
	}
	if text.Len() > 0 {
		out = append(out, Piece{Text: text.String()})
	}
	return out, nil
}

// fillText fills a template in as text.
func fillText(s string, arguments map[string]any) (string, error) {
	pieces, err := splitTemplate(s)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, p := range pieces {
		if p.Name == "" {
			b.WriteString(p.Text)
			continue
		}
		text, err := textOf(arguments[p.Name])
		if err != nil {
			return "", fmt.Errorf("parameter %s: %w", p.Name, err)
		}
		b.WriteString(text)
	}
	return b.String(), nil
}

// fillValue fills in every string of a value. A string that is one placeholder takes the argument's own type.
func fillValue(v any, arguments map[string]any) (any, error) {
	switch v := v.(type) {
	case string:
		pieces, err := splitTemplate(v)
		if err == nil && len(pieces) == 1 && pieces[0].Name != "" {
			return arguments[pieces[0].Name], nil
		}
		return fillText(v, arguments)
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, e := range v {
			filled, err := fillValue(e, arguments)
			if err != nil {
				return nil, err
			}
			out[name] = filled
		}
		return out, nil
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			filled, err := fillValue(e, arguments)
			if err != nil {
				return nil, err
			}
			out[i] = filled
		}
		return out, nil
	}
	return v, nil
}

// fillNumber fills in a number: one as it is, "{x}", or "-{x}", its negative. Nil is none.
func fillNumber(v any, arguments map[string]any) (json.Number, error) {
	negative := false
	if s, ok := v.(string); ok && strings.HasPrefix(s, "-{") {
		negative, v = true, s[1:]
	}
	filled, err := fillValue(v, arguments)
	if err != nil || filled == nil {
		return "", err
	}
	text, ok := numberText(filled)
	if !ok {
		return "", errors.New("it is no number")
	}
	if !negative {
		return json.Number(text), nil
	}
	if strings.HasPrefix(text, "-") {
		return json.Number(text[1:]), nil
	}
	return json.Number("-" + text), nil
}

// fillVersion fills in a version. Nil is none.
func fillVersion(v any, arguments map[string]any) (*int64, error) {
	n, err := fillNumber(v, arguments)
	if err != nil || n == "" {
		return nil, err
	}
	version, err := n.Int64()
	if err != nil {
		return nil, errors.New("it is no version")
	}
	return &version, nil
}

// numberText gives a number of any of the types that YAML and arguments have.
func numberText(v any) (string, bool) {
	switch v := v.(type) {
	case int64:
		return strconv.FormatInt(v, 10), true
	case uint64:
		return strconv.FormatUint(v, 10), true
	case int:
		return strconv.Itoa(v), true
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64), true
	case json.Number:
		return string(v), true
	}
	return "", false
}

func textOf(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case bool:
		return strconv.FormatBool(v), nil
	case json.RawMessage:
		return string(v), nil
	}
	if text, ok := numberText(v); ok {
		return text, nil
	}
	return "", errors.New("it has no value")
}
