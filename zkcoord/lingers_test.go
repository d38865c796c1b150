package zkcoord

import (
	"testing"
	"time"

	"github.com/medcommit/medcommit/txn"
)

func TestTheGreaterPartOfTheCrowdDoesNotWait(t *testing.T) {
	var c crowd
	now := time.Unix(1, 0)
	for _, step := range []struct {
		after              time.Duration
		waiting, undecided int
		coming             int
		others             bool
		why                string
	}{
		{0, 1, 1, 0, false, "the first of all"},
		{0, 15, 16, 0, false, "all the others"},
		{0, 8, 12, 0, true, "four have heard of their decisions and come again"},
		{0, 7, 16, 9, true, "the smaller part of all joins the others"},
		{0, 8, 16, 0, false, "half of all"},
		{crowdFor, 8, 8, 0, true, "as many as there were before may come again"},
		{crowdFor, 8, 8, 0, false, "for so long nobody else has come"},
		{0, 9, 9, 0, false, "there are more than ever"},
	} {
		now = now.Add(step.after)
		q := txn.Queue{Records: step.waiting}
		if c.look(&q, step.undecided, now); q.Coming != step.coming || q.Blind != step.others {
			t.Errorf("%s: %d of %d wait for %d, and for others: %v", step.why, step.waiting, step.undecided, q.Coming, q.Blind)
		}
	}
}
