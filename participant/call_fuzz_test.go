package participant

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/medcommit/medcommit/txn"
)

// FuzzCalls reads any payload of an inbox: what the catalogue takes can be executed or is refused, and no error tells a value.
func FuzzCalls(f *testing.F) {
	const secret = "s3cret"
	for _, seed := range []string{
		`{"operations":[{"name":"dispense","arguments":{"order":"o-1","patient":"s3cret","drug":"d","quantity":20}}]}`,
		`{"operations":[{"name":"put","arguments":{"key":"s3cret","value":{"n":1e400}}}]}`,
		`{"operations":[{"name":"add","arguments":{"key":"k","field":"n","by":-1.5e-7,"min":0}}]}`,
		`{"operations":[{"name":"check","arguments":{"key":"k","field":"n","equals":[1,{"a":null}]}}]}`,
		`{"operations":[{"sql":"SELECT 1","arguments":["s3cret",9007199254740993],"rows":1}]}`,
		`{"operations":[{}]}`, `{"operations":null}`, `[]`, `null`,
	} {
		f.Add([]byte(seed))
	}
	var catalogues []*Catalogue
	for _, c := range []struct{ kind, yaml string }{{KindEmbedded, pharmacyYAML}, {KindPostgres, pharmacyYAML}, {KindMySQL, pharmacyYAML + "\nraw: true\n"}} {
		parsed, err := ParseCatalogue([]byte(c.yaml))
		if err != nil {
			f.Fatal(err)
		}
		checked, err := parsed.ForKind(c.kind)
		if err != nil {
			f.Fatal(err)
		}
		catalogues = append(catalogues, checked)
	}
	open, err := OpenCatalogue().ForKind(KindEmbedded)
	if err != nil {
		f.Fatal(err)
	}
	catalogues = append(catalogues, open)
	f.Fuzz(func(t *testing.T, payload []byte) {
		var work txn.WorkRequest
		if json.Unmarshal(payload, &work) != nil {
			return
		}
		for _, c := range catalogues {
			calls, err := c.Calls(work, "rx-1", "pharmacy")
			for i := 0; err == nil && i < len(calls); i++ {
				if calls[i].Operation.builtin != 0 || len(calls[i].Operation.Records) > 0 {
					_, err = calls[i].Acts()
				}
			}
			if err != nil && (!errors.Is(err, ErrCall) || strings.Contains(err.Error(), secret) && !named(work, secret)) {
				t.Fatalf("refused with %v", err)
			}
		}
	})
}

// named tells whether text is part of an operation's or an argument's name, which may be shown.
func named(work txn.WorkRequest, text string) bool {
	for _, o := range work.Operations {
		var members map[string]json.RawMessage
		_ = json.Unmarshal(o.Arguments, &members)
		for name, value := range members {
			if strings.Contains(name, text) || len(value) > 0 && value[0] == '{' && strings.Contains(string(value), text) {
				return true
			}
		}
		if strings.Contains(o.Name, text) {
			return true
		}
	}
	return false
}
