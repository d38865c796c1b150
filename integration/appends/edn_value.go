package appends

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// keyword is a word of EDN with a colon before it, here without.
type keyword string

// value reads one value of EDN, of the little that histories use: maps with keywords for keys, vectors, strings, keywords, whole
// numbers, true, false and nil. It gives the rest of the text.
func value(text string) (v any, rest string, err error) {
	text = space(text)
	switch {
	case text == "":
		return nil, "", errors.New("the text ends in the middle")
	case text[0] == '{':
		return mapping(text[1:])
	case text[0] == '[':
		return vector(text[1:])
	case text[0] == '"':
		return quoted(text[1:])
	}
	end := strings.IndexAny(text, " ,\t\r\n[]{}\"")
	if end < 0 {
		end = len(text)
	}
	word, rest := text[:end], text[end:]
	switch {
	case word == "nil":
		return nil, rest, nil
	case word == "true" || word == "false":
		return word == "true", rest, nil
	case len(word) > 1 && word[0] == ':':
		return keyword(word[1:]), rest, nil
	}
	n, err := strconv.ParseInt(word, 10, 64)
	if err != nil {
		return nil, "", fmt.Errorf("%q is no value", word)
	}
	return n, rest, nil
}

// space skips what separates values: commas are white space.
func space(text string) string { return strings.TrimLeft(text, " ,\t\r\n") }

func mapping(text string) (any, string, error) {
	m := map[keyword]any{}
	for {
		if text = space(text); strings.HasPrefix(text, "}") {
			return m, text[1:], nil
		}
		k, rest, err := value(text)
		if err != nil {
			return nil, "", err
		}
		name, ok := k.(keyword)
		if !ok {
			return nil, "", fmt.Errorf("%v is no key of a map", k)
		}
		if _, twice := m[name]; twice {
			return nil, "", fmt.Errorf("%s is there twice", name)
		}
		if m[name], text, err = value(rest); err != nil {
			return nil, "", err
		}
	}
}

func vector(text string) (any, string, error) {
	all := []any{}
	for {
		if text = space(text); strings.HasPrefix(text, "]") {
			return all, text[1:], nil
		}
		v, rest, err := value(text)
		if err != nil {
			return nil, "", err
		}
		all, text = append(all, v), rest
	}
}

func quoted(text string) (any, string, error) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			return b.String(), text[i+1:], nil
		case c == '\\' && i+1 < len(text):
			i++
			at := strings.IndexByte(`ntr"\`, text[i])
			if at < 0 {
				return nil, "", fmt.Errorf("\\%c means nothing", text[i])
			}
			b.WriteByte("\n\t\r\"\\"[at])
		default:
			b.WriteByte(c)
		}
	}
	return nil, "", errors.New("a string does not end")
}
