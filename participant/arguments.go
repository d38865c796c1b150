package participant

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"strconv"

	"github.com/medcommit/medcommit/txn"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Why arguments do not fit; both are wrapped in ErrCall with the operation's name and never say more of the client's data.
var (
	errArguments = errors.New("the arguments do not fit its parameters")
	errNumber    = errors.New("a number is out of range")
)

// decode checks arguments against the schema and gives them as Call.Arguments holds them. Absent ones are there as nil.
func (p *parameters) decode(raw json.RawMessage) (map[string]any, error) {
	if trimmed := bytes.TrimSpace(raw); len(trimmed) == 0 || string(trimmed) == "null" {
		raw = json.RawMessage("{}")
	}
	doc, err := decodeJSON(raw)
	if err != nil {
		return nil, err
	}
	if err := p.schema.Validate(doc); err != nil {
		return nil, errArguments // the validator's own text quotes values
	}
	given, ok := doc.(map[string]any)
	if !ok {
		return nil, errArguments
	}
	out := make(map[string]any, len(p.properties)+2)
	for name := range p.properties {
		out[name] = nil
	}
	for name, v := range given {
		if out[name], err = argument(v, p.may(name, "number")); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// decodeJSON reads one JSON value whose numbers stay as they were written. It refuses numbers that no database holds, before
// anything computes with them: a short text such as 1e999999 is a number of a million digits.
func decodeJSON(raw []byte) (any, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return nil, errArguments
	}
	if !plainNumbers(doc) {
		return nil, errNumber
	}
	return doc, nil
}

func plainNumbers(v any) bool {
	switch v := v.(type) {
	case json.Number:
		return txn.ValidNumber(string(v))
	case []any:
		for _, e := range v {
			if !plainNumbers(e) {
				return false
			}
		}
	case map[string]any:
		for _, e := range v {
			if !plainNumbers(e) {
				return false
			}
		}
	}
	return true
}

// argument gives a decoded JSON value its Go type. Whole numbers are int64, exact; where the schema says "number" all are float64
// but whole ones that it would round.
func argument(v any, float bool) (any, error) {
	switch v := v.(type) {
	case nil, string, bool:
		return v, nil
	case json.Number:
		return number(string(v), float)
	}
	return marshal(v)
}

func number(text string, float bool) (any, error) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && (!float || !exact(n)) {
		return n, nil
	}
	if !float {
		if r, ok := new(big.Rat).SetString(text); ok && r.IsInt() {
			if !r.Num().IsInt64() {
				return nil, errNumber
			}
			return r.Num().Int64(), nil
		}
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(f, 0) {
		return nil, errNumber
	}
	return f, nil
}

// exact tells whether a float64 holds n and its neighbours.
func exact(n int64) bool { return -1<<53 < n && n < 1<<53 }

// marshal writes JSON without the escapes that are meant for HTML pages.
func marshal(v any) (json.RawMessage, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return json.RawMessage(bytes.TrimRight(b.Bytes(), "\n")), nil
}
