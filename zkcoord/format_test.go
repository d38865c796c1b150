package zkcoord

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"testing"

	"github.com/medcommit/medcommit/txn"
)

// A later program of the same format may have added members, to the header, to records and inside them: they are passed over.
func TestMembersOfALaterProgramArePassedOver(t *testing.T) {
	c := newCodec()
	for name, want := range samples() {
		data, err := c.encode(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.decode(rewrite(t, c, data, func(line []byte) []byte {
			var record any
			numbers := json.NewDecoder(bytes.NewReader(line))
			numbers.UseNumber()
			if err := numbers.Decode(&record); err != nil {
				t.Fatal(err)
			}
			add(record)
			more, err := json.Marshal(record)
			if err != nil {
				t.Fatal(err)
			}
			return more
		}))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for i := range want.Prepares { // the payload is a client's, and got a member too where it is readable
			got.Prepares[i].Payload = want.Prepares[i].Payload
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: came back as\n%+v, want\n%+v", name, got, want)
		}
	}
}

// add gives every object a member that nobody knows.
func add(v any) {
	switch v := v.(type) {
	case map[string]any:
		for _, member := range v {
			add(member)
		}
		v["invented_later"] = map[string]any{"a": []int{1}}
	case []any:
		for _, element := range v {
			add(element)
		}
	}
}

// rewrite changes a segment's lines, compressed or not.
func rewrite(t *testing.T, c *codec, data []byte, change func([]byte) []byte) []byte {
	t.Helper()
	packed := bytes.HasPrefix(data, []byte(zstdMagic))
	if packed {
		var err error
		if data, err = c.unpack.DecodeAll(data, nil); err != nil {
			t.Fatal(err)
		}
	}
	var lines []byte
	for line := range bytes.Lines(data) {
		lines = append(append(lines, change(bytes.TrimSuffix(line, []byte("\n")))...), '\n')
	}
	if packed {
		return c.pack.EncodeAll(lines, nil)
	}
	return lines
}

// What is written in a later format is not guessed at, whatever it looks like, and said to be newer.
func TestALaterFormatIsNotGuessedAt(t *testing.T) {
	c := newCodec()
	for name, segment := range samples() {
		data, err := c.encode(segment)
		if err != nil {
			t.Fatal(err)
		}
		later := rewrite(t, c, data, func(line []byte) []byte {
			return bytes.Replace(line, fmt.Appendf(nil, `"format":%d`, txn.FormatVersion), fmt.Appendf(nil, `"format":%d`, txn.FormatVersion+1), 1)
		})
		if got, err := c.decode(later); !errors.Is(err, txn.ErrFormat) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}
