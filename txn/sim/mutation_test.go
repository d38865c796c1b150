package sim

import "testing"

// TestMutations switches each rule off and wants random schedules to find the loss: a rule that no schedule misses is either
// superfluous or not tested.
func TestMutations(t *testing.T) {
	for m := noMutation + 1; m < mutations; m++ {
		t.Run(m.String(), func(t *testing.T) {
			f := search(*seed, *mutants, m)
			if f == nil {
				t.Fatalf("%d schedules did not miss the rule", *mutants)
			}
			t.Logf("seed %d: %s", f.Seed, f.Text)
		})
	}
}

// BenchmarkMutations counts, of a thousand schedules with a rule switched off, those that lose something and those that do not end.
func BenchmarkMutations(b *testing.B) {
	for m := noMutation; m < mutations; m++ {
		b.Run(m.String(), func(b *testing.B) {
			lost, stuck := 0, 0
			for i := range b.N {
				switch f := runMutated(*seed+uint64(i), m, false); {
				case f == nil:
				case f.Stuck:
					stuck++
				default:
					lost++
				}
			}
			b.ReportMetric(1000*float64(lost)/float64(b.N), "lost/1000")
			b.ReportMetric(1000*float64(stuck)/float64(b.N), "stuck/1000")
		})
	}
}
