package txn

import (
	"regexp"
	"strings"
	"testing"
)

// TestNames compares the checks with what they are defined as, for every byte at the first, a middle and the last place of texts of
// every length.
func TestNames(t *testing.T) {
	for _, c := range []struct {
		pattern string
		valid   func(string) bool
	}{
		{`^[a-z0-9][a-z0-9._-]{0,62}$`, ValidName},
		{`^[A-Za-z0-9._-]{1,64}$`, ValidID},
		{`^[a-z0-9]{26}$`, func(s string) bool { return Key(s).Valid() }},
	} {
		want := regexp.MustCompile(c.pattern)
		for length := range 67 {
			plain := []byte(strings.Repeat("a", length))
			for b := range 256 {
				for _, at := range []int{0, length / 2, length - 1} {
					s := plain
					if at >= 0 && at < length {
						s = append([]byte(nil), plain...)
						s[at] = byte(b)
					}
					if got := c.valid(string(s)); got != want.Match(s) {
						t.Fatalf("%s: %q is valid: %t", c.pattern, s, got)
					}
				}
			}
		}
	}
}
