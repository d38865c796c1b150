package participant

import (
	"testing"
	"time"
)

// A database that is away for an hour, and is asked two things every second, is worth a line now and then, and one when it is back.
func TestTroubleIsSaidAtGrowingIntervals(t *testing.T) {
	var database trouble
	var said []time.Duration
	begun := time.Now()
	for s := range 3600 {
		now := begun.Add(time.Duration(s) * time.Second)
		for _, what := range []string{"save", "list"} {
			if database.fails(what, now) {
				said = append(said, now.Sub(begun))
			}
		}
	}
	if len(said) < 60 || len(said) > 70 || said[0] != 0 || said[1] != 2*time.Second || said[2] != 6*time.Second {
		t.Errorf("it is said %d times, at %v", len(said), said)
	}
	if last := said[len(said)-1] - said[len(said)-2]; last != time.Minute {
		t.Errorf("the last pause is %v", last)
	}
	back := begun.Add(time.Hour)
	if again, _ := database.works("save", back); again {
		t.Error("all is well while the list fails")
	}
	if again, after := database.works("list", back); !again || after != time.Hour {
		t.Errorf("well again: %v, after %v", again, after)
	}
	if again, _ := database.works("list", back); again {
		t.Error("it is said twice that all is well")
	}
	if !database.fails("list", back) {
		t.Error("the next trouble is not said")
	}
}
