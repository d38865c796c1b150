package txn

import (
	"strings"
	"testing"
	"time"
)

// TestAnIdleSiteWaitsForQuiet: what was applied is said when nothing more has been applied for a while, and after applyDelay anyway.
func TestAnIdleSiteWaitsForQuiet(t *testing.T) {
	cfg := scenarioConfig()
	cfg.ApplyQuiet = 5 * time.Millisecond
	s := newScript(t, cfg)
	said := 0
	play := func(lines ...string) {
		for _, line := range lines {
			if strings.Contains(s.run(line), "save site") {
				said++
			}
		}
	}
	play("start a", "inbox g-1/0 a", "decisions g-1/0 a=abort", "worked a abort/rows", "tick 4ms", "flush")
	if said != 0 {
		t.Error("it was said at once")
	}
	play("inbox g-1/1 b", "decisions g-1/1 b=abort", "worked b abort/rows", "tick 4ms", "flush")
	if said != 0 {
		t.Error("it was said 4 ms after the last")
	}
	play("tick 1ms", "flush")
	if said != 1 {
		t.Error("it was not said after 5 ms of quiet")
	}
}

// TestQuietIsLongerThanTheUsualPause: a site that is asked again and again is not quiet between two times.
func TestQuietIsLongerThanTheUsualPause(t *testing.T) {
	const least = 5 * time.Millisecond
	for _, c := range []struct{ pause, want time.Duration }{
		{time.Millisecond, least}, // all of it is one lot
		{8 * time.Millisecond, 16 * time.Millisecond},
		{20 * time.Millisecond, applyDelay / 4},
		{time.Second, least},
	} {
		var l appliedLane
		now := time.Second
		for range 50 {
			now += c.pause
			l.gather(now)
		}
		if got := l.quiet(least).Round(time.Millisecond); got != c.want {
			t.Errorf("every %v: quiet after %v, not %v", c.pause, got, c.want)
		}
	}
	var l appliedLane
	if got := l.quiet(0); got != 0 {
		t.Errorf("without ApplyQuiet: %v", got)
	}
}
