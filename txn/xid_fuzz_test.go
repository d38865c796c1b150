package txn

import (
	"errors"
	"strings"
	"testing"
)

// FuzzParseXID reads any text of a database that others use too: what is taken for ours is written back as it was.
func FuzzParseXID(f *testing.F) {
	for _, seed := range []string{
		"medcommit.abc.0123456789abcdefghijklmnop.emr", "medcommit.abc.0123456789abcdefghijklmnop.a.b-c_d", "medcommit.a.b.c",
		"medcommit..0123456789abcdefghijklmnop.emr", "other.abc.0123456789abcdefghijklmnop.emr", "medcommit.abc.0123456789abcdefghijklmnop.EMR\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		x, err := ParseXID(text)
		if err != nil {
			if !errors.Is(err, ErrBadName) || text != "" && len(text) > 3 && strings.Contains(err.Error(), text) {
				t.Fatalf("refused with %v", err)
			}
			return
		}
		if x.String() != text {
			t.Fatalf("%q became %q", text, x.String())
		}
		if x.GTRID()+"."+x.BQUAL() != text || len(x.GTRID()) > 64 || len(x.BQUAL()) > 64 || len(text) > 190 {
			t.Fatalf("%q does not fit a database", text)
		}
	})
}
