package exactjson

import (
	"encoding/json"
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/gowebpki/jcs"
)

func TestParseRefusesWhatEncodingJSONMends(t *testing.T) {
	deep := strings.Repeat("[", MaxDepth+1) + strings.Repeat("]", MaxDepth+1)
	many := "[" + strings.Repeat("0,", MaxValues) + "0]"
	for text, want := range map[string]error{
		``:                       ErrSyntax,
		`{`:                      ErrSyntax,
		`{}{}`:                   ErrSyntax,
		`{} x`:                   ErrSyntax,
		`[1,]`:                   ErrSyntax,
		`{"a":1,}`:               ErrSyntax,
		`{"a" 1}`:                ErrSyntax,
		`[1 2]`:                  ErrSyntax,
		`01`:                     ErrSyntax,
		`NaN`:                    ErrSyntax,
		"\"\x01\"":               ErrSyntax,
		"\"\xff\"":               ErrUnicode,
		`"\ud800"`:               ErrUnicode,
		`"\udc00"`:               ErrUnicode,
		`"\ud800\n"`:             ErrUnicode,
		`"\ud800\ud800"`:         ErrUnicode,
		deep:                     ErrDepth,
		many:                     ErrMany,
		`{"a":1,"a":2}`:          ErrDuplicate,
		`{"a":1,"\u0061":2}`:     ErrDuplicate,
		`1e309`:                  ErrNumber,
		`1e-401`:                 ErrNumber,
		`1e99999999999999999999`: ErrNumber,
		strings.Repeat("9", 401): ErrNumber,
	} {
		_, err := Parse([]byte(text))
		if !errors.Is(err, want) {
			t.Errorf("%.40q: got %v, want %v", text, err, want)
		}
	}
}

func TestParseNamesThePlace(t *testing.T) {
	_, err := Parse([]byte(`{"branches":[{"x":1},{"arguments":{"a":1,"a":"secret"}}]}`))
	var e *Error
	if !errors.As(err, &e) || e.Location != ".branches[1].arguments.a" {
		t.Fatalf("got %#v", err)
	}
	if strings.Contains(err.Error(), "secret") {
		t.Error("the error holds a value")
	}
}

func TestCanonicalIsRFC8785(t *testing.T) {
	for _, text := range []string{
		`{"b":1,"a":[true,false,null,{}],"€":"x","\ud83d\ude00":1,"\ufb33":2,"":3}`,
		`["\u0000\u001f\b\t\n\f\r\"\\\/</script>\u20ac\ud83d\ude00\u007f"]`,
		`[0,-0,0.0,1.0,2e1,20,1e21,1e-7,0.000001,123456789012345,333333333.33333329,4.50,1E30,-1.5e-9]`,
		`{"aa":1,"a":2,"a\u0000":3,"\ud83d\ude01":4,"\ud83d\ude00":5}`,
	} {
		v, err := Parse([]byte(text))
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		got := string(Append(nil, v))
		want, err := jcs.Transform([]byte(text))
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if strings.Contains(text, "333333333.33333329") { // a double rounds it: here it stays as it was written
			want = []byte(strings.Replace(string(want), "333333333.3333333", "333333333.33333329", 1))
		}
		if got != string(want) {
			t.Errorf("%s\n got %s\nwant %s", text, got, want)
		}
	}
}

func TestNumbersKeepTheirValue(t *testing.T) {
	for literal, want := range map[string]string{
		"9007199254740993":          "9007199254740993",
		"9007199254740993.0":        "9007199254740993",
		"9007199254740992":          "9007199254740992",
		"1152921504606846976":       "1152921504606846976",
		"-9223372036854775808":      "-9223372036854775808",
		"12345678901234567890":      "12345678901234567890",
		"1.2345678901234567890e19":  "12345678901234567890",
		"0.1234567890123456789":     "0.1234567890123456789",
		"0.00001234567890123456789": "0.00001234567890123456789",
		"12.000":                    "12",
		"-0":                        "0",
		"1e-330":                    "1e-330",
		"12345678901234567890e-40":  "1234567890123456789e-39",
		"1e21":                      "1e+21",
	} {
		if got := string(appendNumber(nil, literal)); got != want {
			t.Errorf("%s: got %s, want %s", literal, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{"branches":[{"participant":"a","operations":[]}]}`, `[1.5e3,"\ud83d\ude00",{"a":null}]`, `"\\ud800"`, `[-0.0e-0]`, `{"a":1,"a":2}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		v, err := Parse(text)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("error of type %T", err)
			}
			if errors.Is(err, ErrSyntax) && json.Valid(text) {
				t.Fatalf("refused as syntax: %q", text)
			}
			return
		}
		if !json.Valid(text) {
			t.Fatalf("accepted: %q", text)
		}
		first := Append(nil, v)
		again, err := Parse(first)
		if err != nil {
			t.Fatalf("canonical form %q: %v", first, err)
		}
		if second := Append(nil, again); string(second) != string(first) {
			t.Fatalf("not stable: %q, then %q", first, second)
		}
		if literal, ok := v.(json.Number); ok {
			a, _ := new(big.Rat).SetString(string(literal))
			b, _ := new(big.Rat).SetString(string(first))
			if a.Cmp(b) != 0 {
				t.Fatalf("%s became %s", literal, first)
			}
		}
	})
}
