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
