package sim

import (
	"testing"

	"github.com/medcommit/medcommit/txn"
)

func TestProbe(t *testing.T) {
	n := map[string]int{}
	for s := uint64(1); s <= 6000; s++ {
		w := newSchedule(s, noHorizon, false)
		w.run()
		for id, ts := range w.judge.ids {
			_ = id
			commits := 0
			for _, x := range ts {
				if x.decision != nil && x.decision.Verdict == txn.VerdictCommit {
					commits++
				}
			}
			if commits > 1 {
				n["ids committed twice"]++
			}
			for i, x := range ts {
				for _, y := range ts[i+1:] {
					if x.forgotten && x.retired && y.forgottenBefore {
						n["appended after the first was forgotten"]++
					}
					if x.forgotten && y.asked < x.retiredAt && y.forgottenBefore {
						n["asked before retired, appended after forgotten"]++
					}
				}
			}
		}
		n["late horizon"] += w.judge.lateHorizon
	}
	t.Log(n)
}
