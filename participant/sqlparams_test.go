package participant

import (
	"errors"
	"strings"
	"testing"
)

// render puts the pieces together again, with <name> for a parameter.
func render(pieces []Piece) string {
	var b strings.Builder
	for _, p := range pieces {
		if p.Name != "" {
			b.WriteString("<" + p.Name + ">")
			continue
		}
		b.WriteString(p.Text)
	}
	return b.String()
}

func TestSplitSQL(t *testing.T) {
	for name, c := range map[string]struct {
		dialect   Dialect
		sql, want string
	}{
		"plain":             {DialectPostgres, "SELECT 1", "SELECT 1"},
		"parameters":        {DialectPostgres, "UPDATE t SET q=q-:q WHERE d=:drug AND q>=:q;", "UPDATE t SET q=q-<q> WHERE d=<drug> AND q>=<q>"},
		"cast":              {DialectPostgres, "SELECT :a::jsonb, x::int", "SELECT <a>::jsonb, x::int"},
		"assignment":        {DialectMySQL, "SELECT @x:=:y", "SELECT @x:=<y>"},
		"string":            {DialectPostgres, "SELECT ':a', 'it''s :b', :c", "SELECT ':a', 'it''s :b', <c>"},
		"postgres slash":    {DialectPostgres, `SELECT '\', :a`, `SELECT '\', <a>`},
		"mysql slash":       {DialectMySQL, `SELECT '\', :a', :b`, `SELECT '\', :a', <b>`},
		"e string":          {DialectPostgres, `SELECT E'\', :a', :b`, `SELECT E'\', :a', <b>`},
		"no e string":       {DialectPostgres, `SELECT date'\', :b`, `SELECT date'\', <b>`},
		"identifier":        {DialectPostgres, `SELECT ":a" FROM t`, `SELECT ":a" FROM t`},
		"backtick":          {DialectMySQL, "SELECT `:a``:b`, :c", "SELECT `:a``:b`, <c>"},
		"line comment":      {DialectPostgres, "SELECT 1 -- :a\n, :b", "SELECT 1 -- :a\n, <b>"},
		"mysql minus minus": {DialectMySQL, "SELECT 5--:a", "SELECT 5--<a>"},
		"hash":              {DialectMySQL, "SELECT 1 # :a\n, :b", "SELECT 1 # :a\n, <b>"},
		"json operator":     {DialectPostgres, "SELECT x #> :a", "SELECT x #> <a>"},
		"block comment":     {DialectMySQL, "SELECT /* :a /* */ :b", "SELECT /* :a /* */ <b>"},
		"nested comment":    {DialectPostgres, "SELECT /* /* :a */ :b */ :c", "SELECT /* /* :a */ :b */ <c>"},
		"dollar":            {DialectPostgres, "SELECT $$:a$$, $x$ $$ :b $x$, :c", "SELECT $$:a$$, $x$ $$ :b $x$, <c>"},
		"native":            {DialectPostgres, "SELECT $1, :c", "SELECT $1, <c>"},
		"dollar in a name":  {DialectPostgres, "SELECT a$b$, :c", "SELECT a$b$, <c>"},
		"slice":             {DialectPostgres, "SELECT a[1:2]", "SELECT a[1:2]"},
		"end":               {DialectPostgres, "SELECT :a ; -- done", "SELECT <a> "},
	} {
		t.Run(name, func(t *testing.T) {
			pieces, err := SplitSQL(c.dialect, c.sql)
			if err != nil {
				t.Fatal(err)
			}
			if got := render(pieces); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestSplitSQLRefuses(t *testing.T) {
	for _, sql := range []string{"", " ; ", "-- nothing", "SELECT 'a", `SELECT "a`, "SELECT /* a", "SELECT $x$ a", "SELECT 1; COMMIT", "SELECT 1;;"} {
		if _, err := SplitSQL(DialectPostgres, sql); !errors.Is(err, ErrStatement) {
			t.Errorf("%q: got %v, want %v", sql, err, ErrStatement)
		}
	}
	for _, sql := range []string{"SELECT 1 /*! ; COMMIT */", "SELECT 1 /*M!100000 ; COMMIT */", "SELECT `a"} {
		if _, err := SplitSQL(DialectMySQL, sql); !errors.Is(err, ErrStatement) {
			t.Errorf("%q: got %v, want %v", sql, err, ErrStatement)
		}
	}
}

func FuzzSplitSQL(f *testing.F) {
	f.Add("UPDATE t SET q=q-:q WHERE d=':x' -- :y\n AND $$:z$$ /* :a */")
	f.Add("SELECT `a` # :b\n, E'\\':c'")
	f.Fuzz(func(t *testing.T, sql string) {
		for _, d := range []Dialect{DialectPostgres, DialectMySQL} {
			pieces, err := SplitSQL(d, sql)
			if err != nil {
				continue
			}
			// Nothing but the end, from the semicolon on, may get lost, and names stand where they stood.
			var b strings.Builder
			for _, p := range pieces {
				if p.Name != "" {
					b.WriteByte(':')
				}
				b.WriteString(p.Text + p.Name)
			}
			if !strings.HasPrefix(sql, b.String()) {
				t.Fatalf("%s: %q became %q", d, sql, b.String())
			}
		}
	})
}
