package postgres

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5/pgtype"
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

// parameter gives a value in text format with the type to declare; type 0 lets the server infer it.
func parameter(v any, t typing) (value []byte, oid uint32, err error) {
	switch v := v.(type) {
	case nil:
		return nil, 0, nil
	case string:
		value, oid = []byte(v), pgtype.TextOID
		if t == typingByValue {
			oid = 0
		}
	case int64:
		value, oid = strconv.AppendInt(nil, v, 10), pgtype.Int8OID
	case float64:
		// numeric takes the shortest decimal form exactly, and becomes float8 by itself where one is wanted.
		value, oid = strconv.AppendFloat(nil, v, 'g', -1, 64), pgtype.NumericOID
	case bool:
		value, oid = strconv.AppendBool(nil, v), pgtype.BoolOID
	case json.RawMessage:
		value, oid = v, pgtype.JSONBOID
	default:
		return nil, 0, fmt.Errorf("bind argument: no parameter type for %T", v)
	}
	if t == typingByPlace {
		oid = 0
	}
	return value, oid, nil
}
