package embedded

import (
	"math/big"
	"strconv"
	"strings"
)

// decimal is an exact number: sums of what clients wrote as decimals do not depend on their order. Whole numbers of 64 bits, the
// common case, cost no allocation.
type decimal struct {
	n   int64
	rat *big.Rat // set where n is not enough
}

// maxText bounds a stored number's text; what clients may write is far below it (txn.ValidNumber).
const maxText = 4096

// parseDecimal reads the text of a JSON number.
func parseDecimal(text string) (decimal, bool) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return decimal{n: n}, true
	}
	if text == "" || len(text) > maxText || strings.Trim(text, "+-.0123456789eE") != "" {
		return decimal{}, false
	}
	if i := strings.IndexAny(text, "eE"); i >= 0 {
		if e, err := strconv.Atoi(text[i+1:]); err != nil || e < -maxText || e > maxText {
			return decimal{}, false
		}
	}
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		return decimal{}, false
	}
	return small(r), true
}

func small(r *big.Rat) decimal {
	if r.IsInt() && r.Num().IsInt64() {
		return decimal{n: r.Num().Int64()}
	}
	return decimal{rat: r}
}

func (d decimal) big() *big.Rat {
	if d.rat != nil {
		return d.rat
	}
	return new(big.Rat).SetInt64(d.n)
}

func (d decimal) plus(e decimal) decimal {
	if d.rat == nil && e.rat == nil {
		if sum := d.n + e.n; (sum > d.n) == (e.n > 0) {
			return decimal{n: sum}
		}
	}
	return small(new(big.Rat).Add(d.big(), e.big()))
}

func (d decimal) minus(e decimal) decimal {
	if d.rat == nil && e.rat == nil {
		if diff := d.n - e.n; (diff < d.n) == (e.n > 0) {
			return decimal{n: diff}
		}
	}
	return small(new(big.Rat).Sub(d.big(), e.big()))
}

func (d decimal) less(e decimal) bool {
	if d.rat == nil && e.rat == nil {
		return d.n < e.n
	}
	return d.big().Cmp(e.big()) < 0
}

func (d decimal) sign() int {
	switch {
	case d.rat != nil:
		return d.rat.Sign()
	case d.n < 0:
		return -1
	case d.n > 0:
		return 1
	}
	return 0
}

// String gives the number as JSON, all digits written out.
func (d decimal) String() string {
	if d.rat == nil {
		return strconv.FormatInt(d.n, 10)
	}
	if d.rat.IsInt() {
		return d.rat.Num().String()
	}
	digits, _ := d.rat.FloatPrec()
	return d.rat.FloatString(digits)
}

func (d decimal) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

func (d *decimal) UnmarshalText(b []byte) error {
	parsed, ok := parseDecimal(string(b))
	if !ok {
		return errNumber
	}
	*d = parsed
	return nil
}
