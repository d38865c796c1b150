package txn

import (
	"strconv"
	"strings"
)

// maxDigits bounds the length and the exponent of a number's text.
const maxDigits = 400

// ValidNumber tells whether the text of a JSON number is one to compute with: of at most 400 bytes, with an exponent of at most
// 400 either way. A short text such as 1e999999 stands for a million digits; it is to be refused before anything, a JSON Schema
// validator too, makes them.
func ValidNumber(text string) bool {
	if len(text) > maxDigits {
		return false
	}
	i := strings.IndexAny(text, "eE")
	if i < 0 {
		return true
	}
	e, err := strconv.Atoi(text[i+1:])
	return err == nil && -maxDigits <= e && e <= maxDigits
}
