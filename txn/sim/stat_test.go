package sim

import "testing"

func TestStat(t *testing.T) {
	n := map[string]int{}
	for s := uint64(1); s <= 1000; s++ {
		w := newSchedule(s, noMutation, false)
		w.boot()
		if w.rng.chance(2) {
			w.settle()
			w.leadOn()
		}
		w.disturb(80 + w.rng.below(300))
		for _, t := range w.judge.trials {
			if t.decision != nil {
				n["early decided"]++
				if t.decision.Verdict.String() == "commit" {
					n["early commit"]++
				}
			}
			if t.retired {
				n["early retired"]++
			}
			if t.forgotten {
				n["early forgotten"]++
			}
		}
		n["virtual ms"] += int(w.now.Milliseconds())
		n["zxids"] += int(w.zk.head)
		n["early steps"] += w.steps
		w.conclude()
		n["steps"] += w.steps
		for _, c := range w.clients {
			n["told "+c.told.String()]++
		}
		for _, t := range w.judge.trials {
			if t.decision == nil {
				n["undecided"]++
				continue
			}
			n[t.decision.Verdict.String()]++
			if t.decision.Reason != nil {
				n["abort "+t.decision.Reason.Code.String()]++
			}
			if t.retired {
				n["retired"]++
			}
			if t.forgotten {
				n["forgotten"]++
			}
		}
		n["starts"] += w.starts
	}
	t.Log(n)
}
