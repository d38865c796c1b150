package zkcoord

import (
	"bytes"
	"encoding/json"
	"testing"
)

// TestCompactJSON compares with what it is defined as: what json.Compact leaves as it is.
func TestCompactJSON(t *testing.T) {
	for _, text := range []string{
		`{}`, `{"a":1}`, `{"a": 1}`, ` {}`, `{} `, "{}\n", `{"a b":"c\td "}`, `{"a":"\""}`, `{"a":"\\" }`, `{"a":"\\","b":" \" "}`, `{"a":"`,
		`{"a":"\`, `{"a":1}{}`, ``, ` `, `"`, `nul`, `null`, `[1,2,[3]]`, `[1, 2]`, "[1,\t2]", `{"a":"é "}`, "\"\xff \"", "\"\u2028\"",
	} {
		var compact bytes.Buffer
		want := json.Compact(&compact, []byte(text)) == nil && compact.String() == text
		if got := compactJSON([]byte(text)); got != want {
			t.Errorf("%q is compact: %t", text, got)
		}
	}
}
