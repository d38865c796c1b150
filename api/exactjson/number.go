package exactjson

import (
	"strconv"
	"strings"

	"github.com/gowebpki/jcs"

	"github.com/medcommit/medcommit/txn"
)

// maxWritten is how many digits of a number are written out with its zeros.
const maxWritten = 100

// inRange tells whether a JSON number is one to compute with, and within the range of a double.
func inRange(literal string) bool {
	if !txn.ValidNumber(literal) {
		return false
	}
	_, err := strconv.ParseFloat(literal, 64)
	return err == nil
}

// appendNumber writes a number as RFC 8785 does where that keeps its value, else in full.
func appendNumber(dst []byte, literal string) []byte {
	if plain(literal) {
		return append(dst, literal...)
	}
	exact := parseDecimal(literal)
	f, err := strconv.ParseFloat(literal, 64)
	if err == nil {
		short, err := jcs.NumberToJSON(f)
		if err == nil && parseDecimal(short) == exact {
			return append(dst, short...)
		}
	}
	return exact.append(dst)
}

// plain tells whether the literal is an integer of up to 15 digits, which is its own canonical form.
func plain(literal string) bool {
	digits := strings.TrimPrefix(literal, "-")
	if len(digits) > 15 || literal == "-0" {
		return false
	}
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return false
		}
	}
	return true
}

// decimal is a number as its digits, without zeros at either end, times ten to the power of exp. Equal numbers are equal decimals.
type decimal struct {
	negative bool
	digits   string
	exp      int
}

func parseDecimal(literal string) decimal {
	var d decimal
	literal, d.negative = strings.CutPrefix(literal, "-")
	if i := strings.IndexAny(literal, "eE"); i >= 0 {
		d.exp, _ = strconv.Atoi(literal[i+1:]) // inRange has seen it
		literal = literal[:i]
	}
	whole, fraction, _ := strings.Cut(literal, ".")
	d.exp -= len(fraction)
	d.digits = strings.TrimLeft(whole+fraction, "0")
	if d.digits == "" {
		return decimal{}
	}
	short := strings.TrimRight(d.digits, "0")
	d.exp += len(d.digits) - len(short)
	d.digits = short
	return d
}

// append writes a decimal in full where that is not absurdly long, so that an integer looks like one.
func (d decimal) append(dst []byte) []byte {
	if d.negative {
		dst = append(dst, '-')
	}
	point := len(d.digits) + d.exp // where the decimal point stands, in digits from the left
	switch {
	case d.exp >= 0 && point <= maxWritten:
		return append(append(dst, d.digits...), strings.Repeat("0", d.exp)...)
	case d.exp < 0 && point > 0:
		return append(append(append(dst, d.digits[:point]...), '.'), d.digits[point:]...)
	case d.exp < 0 && point > -6:
		return append(append(append(dst, "0."...), strings.Repeat("0", -point)...), d.digits...)
	}
	return strconv.AppendInt(append(append(dst, d.digits...), 'e'), int64(d.exp), 10)
}
