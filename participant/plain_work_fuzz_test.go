package participant

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/medcommit/medcommit/txn"
)

// plainCatalogue has schemas that are plain, and some that are not.
func plainCatalogue(t testing.TB) *Catalogue {
	t.Helper()
	operations := map[string]*Operation{}
	for name, schema := range map[string]string{
		"move":  `{"required":["account","amount"],"properties":{"account":{"type":"integer"},"amount":{"type":"number"},"note":{"type":["string","null"]}}}`,
		"limit": `{"properties":{"n":{"type":"integer","minimum":-3,"maximum":9},"f":{"type":"number","maximum":2.5},"t":{"type":"string","minLength":2,"maxLength":3}}}`,
		"half":  `{"properties":{"n":{"type":"integer","minimum":1,"maximum":4},"t":{"type":"string","minLength":2,"maxLength":3},"b":{"type":"boolean"}}}`,
		"enum":  `{"properties":{"n":{"enum":[1,2]}}}`,
		"open":  `{"additionalProperties":true,"properties":{"n":{"type":"integer"}}}`,
		"none":  `{}`,
	} {
		operations[name] = &Operation{
			Parameters: json.RawMessage(schema), Records: []Record{{Put: &PutRecord{Key: "k", Value: map[string]any{}}}},
		}
	}
	c, err := (&Catalogue{Raw: true, Operations: operations}).ForKind(KindEmbedded)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func longCalls(c *Catalogue, payload []byte) ([]Call, error) {
	var work txn.WorkRequest
	if err := json.Unmarshal(payload, &work); err != nil {
		return nil, err
	}
	return c.Calls(work, "tx", "site")
}

// TestPlainWorkIsTaken sees to it that what is common goes the short way, and what is refused does not.
func TestPlainWorkIsTaken(t *testing.T) {
	c := plainCatalogue(t)
	for payload, plain := range map[string]bool{
		`{"operations":[{"arguments":{"account":7,"amount":-5},"name":"move"}]}`:                                  true,
		`{"operations":[{"name":"move","arguments":{"account":7,"amount":5,"note":"Ä"}},{"name":"none"}]}`:        true,
		`{"operations":[{"name":"half","arguments":{"n":4,"t":"äöü","b":true}}]}`:                                 true,
		`{"operations":[{"name":"add","arguments":{"by":-1,"create":true,"field":"balance","key":"account/1"}}]}`: true,
		`{"operations":[{"name":"half","arguments":{"n":5}}]}`:                                                    false,
		`{"operations":[{"name":"half","arguments":{"n":0}}]}`:                                                    false,
		`{"operations":[{"name":"half","arguments":{"t":"äöüß"}}]}`:                                               false,
		`{"operations":[{"name":"half","arguments":{"t":"a"}}]}`:                                                  false,
		`{"operations":[{"name":"half","arguments":{"x":1}}]}`:                                                    false,
		`{"operations":[{"name":"half","arguments":{"n":true}}]}`:                                                 false,
		`{"operations":[{"name":"move","arguments":{"account":7}}]}`:                                              false,
		`{"operations":[{"name":"limit","arguments":{"n":1}}]}`:                                                   false,
		`{"operations":[{"name":"enum","arguments":{"n":1}}]}`:                                                    false,
		`{"operations":[{"name":"open","arguments":{"n":1}}]}`:                                                    false,
		`{"operations":[{"name":"none","arguments":{"n":1}}]}`:                                                    false,
		`{"operations":[{"name":"none","sql":"SELECT 1"}]}`:                                                       false,
	} {
		if _, ok := c.plainCalls([]byte(payload), "tx", "site"); ok != plain {
			t.Errorf("%s: plain %t", payload, ok)
		}
	}
}

// FuzzPlainWork compares both ways of reading work.
func FuzzPlainWork(f *testing.F) {
	c := plainCatalogue(f)
	for _, seed := range []string{
		`{"operations":[{"arguments":{"account":7,"amount":-5,"note":null},"name":"move"}]}`,
		`{"operations":[{"name":"move","arguments":{"account":7,"amount":5,"note":"Ä"}},{"name":"none"}]}`,
		`{"operations":[{"name":"half","arguments":{"n":4,"t":"abc","b":true}},{"name":"limit","arguments":{"f":2}}]}`,
		`{"operations":[{"name":"add","arguments":{"by":-1,"create":true,"field":"balance","key":"account/1","max":123456789012345}}]}`,
		`{"operations":[{"name":"half","arguments":{"n":4,"n":5}}]}`,
		`{"operations":[{"name":"move","arguments":{"account":-0,"amount":0}}]}`,
		`{"operations":[{"name":"none","arguments":{}}]}`,
		"{\"operations\":[{\"name\":\"half\",\"arguments\":{\"t\":\"a\xff\"}}]}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		short, ok := c.plainCalls(payload, "tx", "site")
		if !ok {
			return
		}
		long, err := longCalls(c, payload)
		if err != nil {
			t.Fatalf("%q is taken, and refused the long way: %v", payload, err)
		}
		if !reflect.DeepEqual(short, long) {
			t.Fatalf("%q is read as %v, the long way as %v", payload, short, long)
		}
	})
}

func BenchmarkWork(b *testing.B) {
	c := plainCatalogue(b)
	payload := []byte(`{"operations":[{"name":"move","arguments":{"account":71,"amount":-500}}]}`)
	b.Run("plain", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, ok := c.plainCalls(payload, "tx", "site"); !ok {
				b.Fatal("it is not plain")
			}
		}
	})
	b.Run("long", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := longCalls(c, payload); err != nil {
				b.Fatal(err)
			}
		}
	})
}
