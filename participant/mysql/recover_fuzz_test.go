package mysql

import (
	"strings"
	"testing"
)

// FuzzListed reads any line of XA RECOVER, which shows what every program on the server has prepared.
func FuzzListed(f *testing.F) {
	gtrid, bqual := "medcommit.abc.0123456789abcdefghijklmnop", "emr"
	f.Add(1, len(gtrid), len(bqual), []byte(gtrid+bqual))
	f.Add(1, len(gtrid)+1, len(bqual)-1, []byte(gtrid+bqual))
	f.Add(2, -1, 1<<30, []byte("x"))
	f.Add(1, 2, 2, []byte{0, 0xff, '\'', '\n'})
	f.Fuzz(func(t *testing.T, format, gtrid, bqual int, data []byte) {
		l := listed{format: format, gtrid: gtrid, bqual: bqual, data: data}
		name := l.name()
		x, ours := l.xid()
		if !ours {
			if strings.ContainsAny(name, "\n\x00;") || !strings.HasPrefix(name, "X'") {
				t.Fatalf("shown as %q", name)
			}
			return
		}
		if name != x.String() || x.GTRID()+x.BQUAL() != string(data) || len(x.GTRID()) != gtrid {
			t.Fatalf("%q became %q", data, name)
		}
	})
}
