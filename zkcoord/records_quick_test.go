package zkcoord

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"testing"

	"github.com/medcommit/medcommit/txn"
)

// fill gives every field of a record a value that is not zero, so that a member that is not written or read is missed.
func fill(v reflect.Value, n *int) {
	*n++
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).Tag.Get("json") != "-" {
				fill(v.Field(i), n)
			}
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fill(v.Index(i), n)
		}
	case reflect.String:
		v.SetString(fmt.Sprintf("text-%d", *n))
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(int64(*n))
	case reflect.Uint8: // an enumeration
		v.SetUint(1)
	case reflect.Bool:
		v.SetBool(true)
	default:
		panic("the record has a field of kind " + v.Kind().String())
	}
}

func filled[T any]() T {
	var r T
	n := 0
	fill(reflect.ValueOf(&r).Elem(), &n)
	return r
}

// recordKind is one of the kinds of records: how it is written and read, by us and by encoding/json.
type recordKind struct {
	name  string
	full  any
	write func(any) ([]byte, error)
	quick func([]byte) (any, bool)
	slow  func([]byte) (any, error)
}

func kindOfRecord[T any](name string, full T, write func(*lineWriter, *T), read func(*quick, *T)) recordKind {
	return recordKind{
		name: name, full: full,
		write: func(r any) ([]byte, error) {
			record := r.(T)
			w := lineWriter{}
			write(&w, &record)
			return w.b, w.err
		},
		quick: func(line []byte) (any, bool) {
			var r T
			q := quick{b: line}
			read(&q, &r)
			return r, !q.bad && len(q.b) == 0
		},
		slow: func(line []byte) (any, error) {
			var r T
			err := json.Unmarshal(line, &r)
			return r, err
		},
	}
}

func recordKinds() []recordKind {
	prepare := prepareLine{Prepare: filled[txn.Prepare](), Work: json.RawMessage(`{"a":[1,"\u00e9"]}`)}
	writeLine := func(w *lineWriter, p *prepareLine) {
		writePrepare(w, &p.Prepare)
		if p.Work != nil {
			w.b = append(append(w.b, `,"work":`...), p.Work...)
		}
		w.b = append(w.b, '}')
	}
	return []recordKind{
		kindOfRecord("submission", filled[txn.Submission](), writeSubmission, readSubmission),
		kindOfRecord("prepare", prepare, writeLine, readPrepare),
		kindOfRecord("vote", filled[txn.VoteRecord](), writeVote, readVote),
		kindOfRecord("decision", filled[txn.Decision](), writeDecision, readDecision),
		kindOfRecord("past", filled[txn.Past](), writePast, readPast),
	}
}

func TestRecordsAreWrittenAsEncodingJSONWould(t *testing.T) {
	for _, k := range recordKinds() {
		for _, record := range []any{k.full, reflect.Zero(reflect.TypeOf(k.full)).Interface()} {
			want, err := json.Marshal(record)
			if err != nil {
				t.Fatal(err)
			}
			got, err := k.write(record)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s:\n%s (%v), want\n%s", k.name, got, err, want)
			}
			if back, ok := k.quick(got); !ok || !reflect.DeepEqual(back, record) {
				t.Errorf("%s: the quick reader made of\n%s\n%+v (%v)", k.name, got, back, ok)
			}
		}
	}
	odd := txn.Submission{ID: "<é\"\\\n\xff>", Participants: []string{}}
	want, err := json.Marshal(odd)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := appendRecords(nil, []txn.Submission{odd}, writeSubmission); err != nil || string(got) != string(want)+"\n" {
		t.Errorf("%s (%v), want %s", got, err, want)
	}
	if _, err := appendRecords(nil, []txn.VoteRecord{{Ballot: txn.Ballot{Vote: 200}}}, writeVote); err == nil {
		t.Error("a vote without a name was written")
	}
}

// FuzzQuickReader: what the quick reader accepts it reads as encoding/json does.
func FuzzQuickReader(f *testing.F) {
	kinds := recordKinds()
	for i, k := range kinds {
		line, err := k.write(k.full)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(i), line)
		zero, err := k.write(reflect.Zero(reflect.TypeOf(k.full)).Interface())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(i), zero)
	}
	f.Add(uint8(1), []byte(`{"key":"","id":"","timeout":0,"work":1,"plain":"eA=="}`))
	f.Add(uint8(2), []byte(`{"key":"","vote":"","at":-0}`))
	f.Fuzz(func(t *testing.T, kind uint8, line []byte) {
		k := kinds[int(kind)%len(kinds)]
		got, ok := k.quick(line)
		if !ok {
			return
		}
		want, err := k.slow(line)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %s is read as\n%+v; encoding/json reads\n%+v, %v", k.name, line, got, want, err)
		}
	})
}
