package zkcoord

import (
	"testing"
	"time"
)

func TestTheGreaterPartOfTheCrowdDoesNotWait(t *testing.T) {
	var c crowd
	now := time.Unix(1, 0)
	for _, step := range []struct {
		after              time.Duration
		waiting, undecided int
		more               bool
		why                string
	}{
		{0, 1, 1, false, "the first of all"},
		{0, 15, 16, false, "all the others"},
		{0, 8, 12, true, "four have heard of their decisions and come again"},
		{0, 7, 16, true, "the smaller part of all joins the others"},
		{0, 8, 16, false, "half of all"},
		{crowdFor, 8, 8, true, "as many as there were before may come again"},
		{crowdFor, 8, 8, false, "for so long nobody else has come"},
		{0, 9, 9, false, "there are more than ever"},
	} {
		now = now.Add(step.after)
		if got := c.more(step.waiting, step.undecided, now); got != step.more {
			t.Errorf("%s: %d of %d wait for more: %v", step.why, step.waiting, step.undecided, got)
		}
	}
}
