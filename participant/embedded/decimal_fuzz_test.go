package embedded

import (
	"encoding/json"
	"math/big"
	"testing"
)

// FuzzDecimal adds and compares any two numbers as exact fractions do.
func FuzzDecimal(f *testing.F) {
	for _, seed := range [][2]string{
		{"1", "-1"},
		{"9223372036854775807", "1"},
		{"-9223372036854775808", "-1"},
		{"0.1", "0.2"},
		{"1e20", "-1e20"},
		{"1.5e-7", "1E+3"},
		{"-0", "0.000"},
		{"1e999999999", "0x10"},
		{"1_000", "1/3"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		x, ok := parseDecimal(a)
		y, also := parseDecimal(b)
		if !ok || !also {
			return
		}
		p, q := x.big(), y.big()
		for name, c := range map[string]struct {
			got  decimal
			want *big.Rat
		}{"sum": {x.plus(y), new(big.Rat).Add(p, q)}, "difference": {x.minus(y), new(big.Rat).Sub(p, q)}} {
			if c.got.big().Cmp(c.want) != 0 {
				t.Fatalf("%s of %s and %s: %s", name, a, b, c.got)
			}
		}
		if x.less(y) != (p.Cmp(q) < 0) || x.sign() != p.Sign() {
			t.Fatalf("%s and %s are not ordered", a, b)
		}
		text := x.String()
		if !json.Valid([]byte(text)) {
			t.Fatalf("%q became %q", a, text)
		}
		if again, ok := parseDecimal(text); len(text) <= maxText && (!ok || again.big().Cmp(p) != 0) {
			t.Fatalf("%q became %q", a, text)
		}
	})
}
