package postgres

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5/pgtype"
	"github.com/medcommit/medcommit/participant"
)

// typing is how the types of parameters are told to the server.
type typing uint8

// The typings, in the order in which they are tried. Text that the server types by its place fits dates, uuids and enums as well;
// where the place says nothing it must be told that it is text; and where numbers meet a column of another type, they go as text.
const (
	typingByValue typing = iota // numbers, booleans and JSON by their Go types, text by its place
	typingStrict                // text as text too
	typingByPlace               // everything by its place
	typings
)

// declared gives the types to declare for values; 0 lets the server infer one.
func declared(values []any, t typing) []uint32 {
	types := make([]uint32, len(values))
	for i, v := range values {
		switch v.(type) {
		case string:
			types[i] = pgtype.TextOID
		case int64:
			types[i] = pgtype.Int8OID
		case float64:
			types[i] = pgtype.NumericOID // exact, and float8 by itself where one is wanted
		case bool:
			types[i] = pgtype.BoolOID
		case json.RawMessage:
			types[i] = pgtype.JSONBOID
		}
		if t == typingByPlace || t == typingByValue && types[i] == pgtype.TextOID {
			types[i] = 0
		}
	}
	return types
}

// encode gives a value in text format; nil is NULL.
func encode(v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case string:
		return []byte(v), nil
	case int64:
		return strconv.AppendInt(nil, v, 10), nil
	case float64:
		return strconv.AppendFloat(nil, v, 'g', -1, 64), nil
	case bool:
		return strconv.AppendBool(nil, v), nil
	case json.RawMessage:
		return v, nil
	}
	return nil, fmt.Errorf("bind argument: %w: no parameter type for %T", participant.ErrStatement, v)
}
