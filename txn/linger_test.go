package txn

import (
	"testing"
	"time"
)

func TestLinger(t *testing.T) {
	var l Linger
	want := func(what string, records int, least, most time.Duration) {
		t.Helper()
		if got := l.For(records); got < least || got > most {
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
