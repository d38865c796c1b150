package appends

import (
	"errors"
	"fmt"
	"strings"
)

// ErrHistory says that a history is none: lines that do not parse, or do not belong together. Nothing is concluded from it.
var ErrHistory = errors.New("the history is malformed")

// Kind is what is wrong.
type Kind int

// The kinds. Those from G0 on are cycles, named as by Adya; "rt" adds the order of real time.
const (
	// Lost: an append of an acknowledged commit is not there at the end, at any site.
	Lost Kind = iota
	// Aborted: an append of an acknowledged abort is there, at the end or in the middle (G1a).
	Aborted
	// Split: of one transaction, some appends are there at the end and some are not.
	Split
	// Duplicate: an element is twice in a list.
	Duplicate
	// Unknown: an element that nobody appended there.
	Unknown
	// Order: two reads of a list of which neither begins with the other.
	Order
	// Back: a read that ended before another began had seen more of the list.
	Back
	// Stale: a read does not see what had been finished everywhere before it began.
	Stale
	// Internal: a transaction does not read what it has appended itself.
	Internal
	// Intermediate: another transaction's appends are seen in part within one list (G1b).
	Intermediate
	// Unread: nobody read the list at the end, so that nothing is known of it.
	Unread
	// G0: a cycle of appends alone.
	G0
	// G1c: a cycle of appends and reads of what was appended.
	G1c
	// G0rt and G1crt: cycles as before, but only together with the order of real time.
	G0rt
	G1crt
	// GSingle: a cycle in which one operation did not read what another appended.
	GSingle
	// GSinglert: as before, but only together with the order of real time.
	GSinglert
	// G2: a cycle with several operations that did not read what others appended.
	G2
)

var kinds = [...]string{
	"lost-append", "aborted-append", "split-transaction", "duplicate-element", "unknown-element", "incompatible-order", "read-went-back",
	"stale-read", "internal", "intermediate-read", "unread-list", "G0", "G1c", "G0-realtime", "G1c-realtime", "G-single",
	"G-single-realtime", "G2",
}

// String gives the kind's name.
func (k Kind) String() string { return kinds[k] }

// Anomaly is one thing that is wrong with a history.
type Anomaly struct {
	Kind Kind
	// Promised: medcommit promises that this does not happen. Else it is merely reported.
	Promised bool
	Key      string // of the list, empty for what concerns several
	Text     string
}

// String gives it as a line for people.
func (a Anomaly) String() string {
	if a.Key == "" {
		return fmt.Sprintf("%s: %s", a.Kind, a.Text)
	}
	return fmt.Sprintf("%s of %s: %s", a.Kind, a.Key, a.Text)
}

// Report is what a check found, and how much it had to look at.
type Report struct {
	Anomalies []Anomaly
	// Committed, Failed and Undecided count transactions by what their clients were told; Found, the undecided ones that are there.
	Committed, Failed, Undecided, Found int
	// Looks counts reads from outside, Validated reads inside committed transactions.
	Looks, Validated int
	// Lists and Elements count what is there at the end.
	Lists, Elements int
}

// Violations are the anomalies that break a promise.
func (r Report) Violations() []Anomaly {
	var all []Anomaly
	for _, a := range r.Anomalies {
		if a.Promised {
			all = append(all, a)
		}
	}
	return all
}

// String gives the report as lines for people: the counts, then every violation, then how many anomalies are merely reported.
func (r Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d transactions committed, %d aborted, %d of unknown outcome, of which %d are there; %d elements in %d lists; %d looks from outside, %d validated reads\n",
		r.Committed, r.Failed, r.Undecided, r.Found, r.Elements, r.Lists, r.Looks, r.Validated)
	reported := map[Kind]int{}
	for _, a := range r.Anomalies {
		if a.Promised {
			fmt.Fprintf(&b, "VIOLATION %s\n", a)
		} else {
			reported[a.Kind]++
		}
	}
	for k := range kinds {
		if n := reported[Kind(k)]; n > 0 {
			fmt.Fprintf(&b, "%d times %s, seen from outside: no promise is broken\n", n, Kind(k))
		}
	}
	return b.String()
}
