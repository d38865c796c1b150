package txn

import (
	"testing"
	"time"
)

func TestLinger(t *testing.T) {
	var l Linger
	want := func(what string, records int, least, most time.Duration) {
		t.Helper()
		if got := l.wait(records); got < least || got > most {
			t.Errorf("%s: %v", what, got)
		}
	}
	want("nothing was sent", 1, 0, 0)
	l.Sent(2)
	want("few are sent", 1, 0, 0)
	l.Sent(100)
	want("many are sent", 1, longestLinger, longestLinger)
	want("as many have come again", 100, 0, 0)
	l.Sent(3)
	want("a small one among them", 1, longestLinger, longestLinger)
	l.Sent(30)
	for range 4 {
		l.Sent(1)
	}
	want("they get fewer", 1, shortestLinger, 2*shortestLinger)
	for range 10 {
		l.Sent(1)
	}
	want("one client is left", 1, 0, 0)
}

func TestLingerCountsFromTheFirstRecord(t *testing.T) {
	var l Linger
	l.Sent(100)
	start := time.Unix(1, 0)
	for _, c := range []struct {
		records int
		at      time.Duration
		want    time.Duration
	}{
		{0, 0, longestLinger},
		{1, time.Millisecond, longestLinger},
		{2, 2 * time.Millisecond, longestLinger - time.Millisecond},
		{2, time.Millisecond + longestLinger, 0},
		{3, 10 * time.Millisecond, longestLinger}, // the next batch
		{100, 11 * time.Millisecond, 0},
	} {
		if got := l.Rest(c.records, start.Add(c.at)); got != c.want {
			t.Errorf("%d after %v: %v, not %v", c.records, c.at, got, c.want)
		}
	}
}
