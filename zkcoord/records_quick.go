package zkcoord

import "encoding"

// quick reads a record that is written as this program writes it: the members that it knows, in their order, without white space,
// escapes or characters beyond ASCII. What it accepts it reads as encoding/json does (a fuzz test compares them); all else, a record
// of a newer program with more members among it, it gives up on, and encoding/json reads that.
type quick struct {
	b     []byte // what is still to be read
	bad   bool   // it gave up
	names []string
}

// give up; what is read then does not matter.
func (q *quick) fail() { q.b, q.bad = nil, true }

// has consumes s where it comes next.
func (q *quick) has(s string) bool {
	if len(q.b) < len(s) || string(q.b[:len(s)]) != s {
		return false
	}
	q.b = q.b[len(s):]
	return true
}

func (q *quick) must(s string) {
	if !q.has(s) {
		q.fail()
	}
}

// raw reads a string, without its quotes.
func (q *quick) raw() []byte {
	if len(q.b) == 0 || q.b[0] != '"' {
		q.fail()
		return nil
	}
	for i := 1; i < len(q.b); i++ {
		switch c := q.b[i]; {
		case c == '"':
			s := q.b[1:i]
			q.b = q.b[i+1:]
			return s
		case c == '\\' || c < ' ' || c > '~':
			q.fail()
			return nil
		}
	}
	q.fail()
	return nil
}

func (q *quick) text() string { return string(q.raw()) }

// knownNames bounds what name remembers.
const knownNames = 16

// name reads a string of which there are few: a participant's or a coordinator's name.
func (q *quick) name() string {
	raw := q.raw()
	for _, known := range q.names {
		if known == string(raw) {
			return known
		}
	}
	s := string(raw)
	if len(q.names) < knownNames {
		q.names = append(q.names, s)
	}
	return s
}

func (q *quick) enum(v encoding.TextUnmarshaler) {
	if raw := q.raw(); !q.bad && v.UnmarshalText(raw) != nil {
		q.fail()
	}
}

// number reads an integer of at most 18 digits.
func (q *quick) number() int64 {
	i, sign := 0, int64(1)
	if len(q.b) > 0 && q.b[0] == '-' {
		i, sign = 1, -1
	}
	first, n := i, int64(0)
	for ; i < len(q.b) && '0' <= q.b[i] && q.b[i] <= '9'; i++ {
		n = n*10 + int64(q.b[i]-'0')
		if i-first >= 18 {
			q.fail()
			return 0
		}
	}
	if i == first || q.b[first] == '0' && i > first+1 {
		q.fail()
		return 0
	}
	q.b = q.b[i:]
	return sign * n
}

func (q *quick) number32() int32 {
	n := q.number()
	if int64(int32(n)) != n {
		q.fail()
	}
	return int32(n)
}

// list reads an array, and gives false for null; each reads one element.
func (q *quick) list(each func()) bool {
	if q.has("null") {
		return false
	}
	q.must("[")
	if q.has("]") {
		return true
	}
	for !q.bad {
		each()
		if !q.has(",") {
			break
		}
	}
	q.must("]")
	return true
}
