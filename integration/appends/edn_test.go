package appends

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

func TestWhatIsWrittenIsRead(t *testing.T) {
	history := []Op{
		{Index: 0, Time: 5, Process: 3, ID: "a-1", Steps: []Step{{Key: "emr/1"}, {Key: "emr/1", Append: true, Value: 7}}},
		{Index: 1, Time: 9, Type: OK, Process: 3, ID: "a-1", Everywhere: true, Steps: []Step{{Key: "emr/1", Known: true, List: []int64{1, -2}}, {Key: "emr/1", Append: true, Value: 7}}},
		{Index: 2, Time: 9, Process: 4, Final: true, Steps: []Step{{Key: `o"d\d`}}},
		{Index: 3, Time: 10, Type: OK, Process: 4, Final: true, Steps: []Step{{Key: `o"d\d`, Known: true}}},
		{Index: 4, Time: 11, Type: Fail, Process: 4, Error: "vote: version\n", Steps: []Step{}},
	}
	var b strings.Builder
	for _, op := range history {
		b.WriteString(op.Line())
	}
	got, err := Read(strings.NewReader(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	history[4].Steps = nil
	if !reflect.DeepEqual(got, history) {
		t.Errorf("%+v\nwas read of\n%s", got, b.String())
	}
	const line = `{:index 1, :time 9, :type :ok, :process 3, :f :txn, :value [[:r "emr/1" [1 -2]] [:append "emr/1" 7]], :id "a-1", :state :committed}`
	if want := line + "\n"; history[1].Line() != want {
		t.Errorf("%s is not %s", history[1].Line(), want)
	}
}

func TestLinesThatAreNone(t *testing.T) {
	for _, text := range []string{
		"5", "{", `{"a" 1}`, "{:index 1} 2", "{:index 1 :index 1}",
		"{:type :ok}", "{:type :maybe, :f :txn}", "{:type :ok, :f :write}",
		"{:index 0, :time 0, :process x, :type :ok, :f :txn, :value []}",
		"{:index 0, :time 0, :process 0, :type :ok, :f :txn, :value 7}",
		"{:index 0, :time 0, :process 0, :type :ok, :f :txn, :value [7]}",
		`{:index 0, :time 0, :process 0, :type :ok, :f :txn, :value [[:w "a" 7]]}`,
		`{:index 0, :time 0, :process 0, :type :ok, :f :txn, :value [[:append "a" nil]]}`,
		`{:index 0, :time 0, :process 0, :type :ok, :f :txn, :value [[:r "a" 7]]}`,
		`{:index 0, :time 0, :process 0, :type :ok, :f :txn, :value [[:r "a" ["x"]]]}`,
		`{:index 0, :time 0, :process 0, :type :ok, :f :txn, :value [[:r 5 [1]]]}`,
		`{:id "open`, `{:id "\q"}`, "{:a [1", ":",
	} {
		if _, err := Read(strings.NewReader(text)); !errors.Is(err, ErrHistory) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
