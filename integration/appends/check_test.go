package appends

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// scenario writes a history in short: one event a line, "PROCESS TYPE STEPS…", a step being KEY+VALUE or KEY=V,V (KEY= is an empty
// list, KEY? a read that is not answered). Words at the end: "everywhere", "final". The process names the transaction.
func scenario(t *testing.T, text string) []Op {
	t.Helper()
	var b strings.Builder
	i := 0
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		fmt.Fprintf(&b, "{:index %d :time %d :type :%s :process %s :f :txn :id \"T%s\" :value [", i, i*10, words[1], words[0], words[0])
		rest := ""
		for _, w := range words[2:] {
			switch key, after, _ := strings.Cut(w, "="); {
			case w == "everywhere":
				rest = " :state :committed"
			case w == "final":
				rest = " :final true"
			case strings.HasSuffix(w, "?"):
				fmt.Fprintf(&b, "[:r %q nil]", strings.TrimSuffix(w, "?"))
			case strings.Contains(w, "="):
				fmt.Fprintf(&b, "[:r %q [%s]]", key, after)
			default:
				key, value, _ := strings.Cut(w, "+")
				fmt.Fprintf(&b, "[:append %q %s]", key, value)
			}
		}
		fmt.Fprintf(&b, "]%s}\n", rest)
		i++
	}
	history, err := Read(strings.NewReader(b.String()))
	if err != nil {
		t.Fatalf("%v in\n%s", err, b.String())
	}
	return history
}

// planted are histories with what must be found in them, and nothing else: violations, then in brackets what is only reported.
var planted = []struct{ name, want, text string }{
	{"nothing wrong", "", `
		1 invoke a/1+1 b/1+2
		1 ok a/1+1 b/1+2 everywhere
		2 invoke a/1? a/1+3 b/1+4
		2 ok a/1=1 a/1+3 b/1+4
		3 invoke a/1+5 b/1+6
		3 fail a/1+5 b/1+6
		9 invoke a/1? final
		9 ok a/1=1,3 final
		9 invoke b/1? final
		9 ok b/1=2,4 final`},
	{"an unknown outcome may be either", "", `
		1 invoke a/1+1 b/1+2
		1 info a/1+1 b/1+2
		2 invoke a/1+3 b/1+4
		2 info a/1+3 b/1+4
		9 invoke a/1? b/1? final
		9 ok a/1=3 b/1=4 final`},
	{"a lost append", "lost-append", `
		1 invoke a/1+1
		1 ok a/1+1
		9 invoke a/1? final
		9 ok a/1= final`},
	{"a lost transaction", "lost-append", `
		1 invoke a/1+1 b/1+2
		1 ok a/1+1 b/1+2
		9 invoke a/1? b/1? final
		9 ok a/1= b/1= final`},
	{"lost after it was seen", "lost-append read-went-back", `
		1 invoke a/1+1
		1 info a/1+1
		2 invoke a/1?
		2 ok a/1=1
		9 invoke a/1? final
		9 ok a/1= final`},
	{"an aborted append at the end", "aborted-append", `
		1 invoke a/1+1
		1 fail a/1+1
		9 invoke a/1? final
		9 ok a/1=1 final`},
	{"an aborted append for a moment", "aborted-append read-went-back", `
		1 invoke a/1+1
		2 invoke a/1?
		2 ok a/1=1
		1 fail a/1+1
		9 invoke a/1? final
		9 ok a/1= final`},
	{"an acknowledged transaction at one site only", "split-transaction", `
		1 invoke a/1+1 b/1+2
		1 ok a/1+1 b/1+2
		9 invoke a/1? b/1? final
		9 ok a/1=1 b/1= final`},
	{"a transaction of unknown outcome at one site only", "split-transaction", `
		1 invoke a/1+1 b/1+2
		1 info a/1+1 b/1+2
		9 invoke a/1? b/1? final
		9 ok a/1= b/1=2 final`},
	{"a transaction that never ended, at one site only", "split-transaction", `
		1 invoke a/1+1 b/1+2
		9 invoke a/1? b/1? final
		9 ok a/1= b/1=2 final`},
	{"one of three sites", "split-transaction", `
		1 invoke a/1+1 b/1+2 c/1+3
		1 ok a/1+1 b/1+2 c/1+3
		9 invoke a/1? b/1? c/1? final
		9 ok a/1=1 b/1=2 c/1= final`},
	{"executed twice", "duplicate-element", `
		1 invoke a/1+1
		1 ok a/1+1
		9 invoke a/1? final
		9 ok a/1=1,1 final`},
	{"out of thin air", "unknown-element", `
		1 invoke a/1+1
		1 ok a/1+1
		9 invoke a/1? final
		9 ok a/1=1,7 final`},
	{"in another list", "lost-append unknown-element", `
		1 invoke a/1+1
		1 ok a/1+1
		9 invoke a/1? a/2? final
		9 ok a/1= a/2=1 final`},
	{"two orders", "incompatible-order", `
		1 invoke a/1+1
		1 ok a/1+1
		2 invoke a/1+2
		2 ok a/1+2
		3 invoke a/1?
		3 ok a/1=2
		9 invoke a/1? final
		9 ok a/1=1,2 final`},
	{"went back in the middle", "read-went-back", `
		1 invoke a/1+1
		1 ok a/1+1
		3 invoke a/1?
		3 ok a/1=1
		4 invoke a/1?
		4 ok a/1=
		9 invoke a/1? final
		9 ok a/1=1 final`},
	{"reads at once may differ", "", `
		1 invoke a/1+1
		1 ok a/1+1
		3 invoke a/1?
		4 invoke a/1?
		4 ok a/1=1
		3 ok a/1=
		9 invoke a/1? final
		9 ok a/1=1 final`},
	{"not seen though finished everywhere", "stale-read", `
		1 invoke a/1+1
		1 ok a/1+1 everywhere
		3 invoke a/1?
		3 ok a/1=
		9 invoke a/1? final
		9 ok a/1=1 final`},
	{"not seen as it was only decided", "", `
		1 invoke a/1+1
		1 ok a/1+1
		3 invoke a/1?
		3 ok a/1=
		9 invoke a/1? final
		9 ok a/1=1 final`},
	{"its own append not read", "internal", `
		1 invoke a/1+1 a/1?
		1 ok a/1+1 a/1=
		9 invoke a/1? final
		9 ok a/1=1 final`},
	{"its own append read", "", `
		1 invoke a/1+1 a/1?
		1 ok a/1+1 a/1=1
		9 invoke a/1? final
		9 ok a/1=1 final`},
	{"half of a transaction's appends to one list", "[G-single] intermediate-read", `
		1 invoke a/1+1 a/1+2
		3 invoke a/1?
		3 ok a/1=1
		1 ok a/1+1 a/1+2
		9 invoke a/1? final
		9 ok a/1=1,2 final`},
	{"nobody looked", "unread-list", `
		1 invoke a/1+1 b/1+2
		1 ok a/1+1 b/1+2
		9 invoke a/1? final
		9 ok a/1=1 final`},
	{"appends in two orders", "G0", `
		1 invoke a/1+1 b/1+2
		2 invoke a/1+3 b/1+4
		1 ok a/1+1 b/1+2
		2 ok a/1+3 b/1+4
		9 invoke a/1? b/1? final
		9 ok a/1=1,3 b/1=4,2 final`},
	{"appends in two orders, of unknown outcome", "G0", `
		1 invoke a/1+1 b/1+2
		2 invoke a/1+3 b/1+4
		1 info a/1+1 b/1+2
		2 info a/1+3 b/1+4
		9 invoke a/1? b/1? final
		9 ok a/1=1,3 b/1=4,2 final`},
	{"three transactions round", "G0", `
		1 invoke a/1+1 b/1+2
		2 invoke b/1+3 c/1+4
		3 invoke c/1+5 a/1+6
		1 ok a/1+1 b/1+2
		2 ok b/1+3 c/1+4
		3 ok c/1+5 a/1+6
		9 invoke a/1? b/1? c/1? final
		9 ok a/1=6,1 b/1=2,3 c/1=4,5 final`},
	{"each read the other's append", "G1c", `
		1 invoke a/1+1 b/1? b/2+9
		2 invoke b/1+2 a/1? a/2+8
		1 ok a/1+1 b/1=2 b/2+9
		2 ok b/1+2 a/1=1 a/2+8
		9 invoke a/1? b/1? a/2? b/2? final
		9 ok a/1=1 b/1=2 a/2=8 b/2=9 final`},
	{"against real time", "G0-realtime", `
		1 invoke a/1+1
		1 ok a/1+1
		2 invoke a/1+2
		2 ok a/1+2
		9 invoke a/1? final
		9 ok a/1=2,1 final`},
	{"against real time by way of two lists", "G0-realtime", `
		1 invoke a/1+1
		2 invoke a/1+2 b/1+3
		1 ok a/1+1
		3 invoke b/1+4
		2 ok a/1+2 b/1+3
		3 ok b/1+4
		9 invoke a/1? b/1? final
		9 ok a/1=2,1 b/1=4,3 final`},
	{"an update lost", "G-single", `
		1 invoke a/1? a/1+1
		2 invoke a/1? a/1+2
		1 ok a/1= a/1+1
		2 ok a/1= a/1+2
		9 invoke a/1? final
		9 ok a/1=1,2 final`},
	{"each read too little of the other's list", "G2", `
		1 invoke a/1? b/1+2
		2 invoke b/1? a/1+1
		1 ok a/1= b/1+2
		2 ok b/1= a/1+1
		9 invoke a/1? b/1? final
		9 ok a/1=1 b/1=2 final`},
	{"too little read of what was acknowledged before", "G-single-realtime", `
		1 invoke a/1+1 b/1+2
		1 ok a/1+1 b/1+2
		2 invoke a/1? c/1+3
		2 ok a/1= c/1+3
		9 invoke a/1? b/1? c/1? final
		9 ok a/1=1 b/1=2 c/1=3 final`},
	{"seen from outside before another site had finished", "[G-single]", `
		1 invoke a/1+1 b/1+2
		2 invoke a/2+3 b/1+4
		1 ok a/1+1 b/1+2
		2 ok a/2+3 b/1+4
		3 invoke a/1? a/2?
		3 ok a/1= a/2=3
		9 invoke a/1? a/2? b/1? final
		9 ok a/1=1 a/2=3 b/1=2,4 final`},
	{"two looks from outside that do not agree", "[G2]", `
		1 invoke a/1+1
		2 invoke a/2+2
		3 invoke a/1? a/2?
		4 invoke a/1? a/2?
		1 ok a/1+1
		2 ok a/2+2
		3 ok a/1=1 a/2=
		4 ok a/1= a/2=2
		9 invoke a/1? a/2? final
		9 ok a/1=1 a/2=2 final`},
}

func TestPlanted(t *testing.T) {
	for _, p := range planted {
		t.Run(p.name, func(t *testing.T) {
			report, err := Check(scenario(t, p.text))
			if err != nil {
				t.Fatal(err)
			}
			var found []string
			for _, a := range report.Anomalies {
				if a.Promised {
					found = append(found, a.Kind.String())
				} else {
					found = append(found, "["+a.Kind.String()+"]")
				}
			}
			slices.Sort(found)
			if got := strings.Join(found, " "); got != p.want {
				t.Errorf("found %q, want %q\n%s", got, p.want, report)
			}
		})
	}
}

func TestEveryKindIsPlanted(t *testing.T) {
	for k, name := range kinds {
		if Kind(k) == G1crt { // a read never contradicts real time alone: the read and what it read end in turn, or it is G1c
			continue
		}
		if !slices.ContainsFunc(planted, func(p struct{ name, want, text string }) bool {
			return slices.Contains(strings.Fields(p.want), name)
		}) {
			t.Errorf("no history plants %s", name)
		}
	}
}

func TestHistoriesThatAreNone(t *testing.T) {
	for name, text := range map[string]string{
		"ends what has not begun":   "1 ok a/1+1",
		"begins twice":              "1 invoke a/1+1\n1 invoke a/1+2",
		"goes on after the unknown": "1 invoke a/1+1\n1 info a/1+1\n1 invoke a/1+2",
		"ends with other steps":     "1 invoke a/1+1\n1 ok a/1+2",
		"an answer without a list":  "1 invoke a/1?\n1 ok a/1?",
		"one value for two":         "1 invoke a/1+1\n1 ok a/1+1\n2 invoke a/1+1\n2 ok a/1+1",
	} {
		if _, err := Check(scenario(t, text)); !errors.Is(err, ErrHistory) {
			t.Errorf("%s: %v", name, err)
		}
	}
	one := scenario(t, "1 invoke a/1+1\n1 ok a/1+1")
	one[1].Index = 5
	if _, err := Check(one); !errors.Is(err, ErrHistory) {
		t.Errorf("a gap in the indices: %v", err)
	}
	one[1].Index, one[1].Time = 1, -1
	if _, err := Check(one); !errors.Is(err, ErrHistory) {
		t.Errorf("time goes back: %v", err)
	}
}

func TestCounts(t *testing.T) {
	report, err := Check(scenario(t, planted[0].text))
	if err != nil {
		t.Fatal(err)
	}
	report.Anomalies = nil
	if got, want := fmt.Sprintf("%+v", report), fmt.Sprintf("%+v", Report{Committed: 2, Failed: 1, Looks: 2, Validated: 1, Lists: 2, Elements: 4}); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
