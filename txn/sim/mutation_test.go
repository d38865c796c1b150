package sim

import "testing"

// TestMutations switches each rule off and wants random schedules to find the loss: a rule that no schedule misses is either
// superfluous or not tested.
func TestMutations(t *testing.T) {
	for m := noMutation + 1; m < mutations; m++ {
		t.Run(m.String(), func(t *testing.T) {
			f := search(*seed, *mutants, m, func(*Failure) bool { return true })
			if f == nil {
				t.Fatalf("%d schedules did not miss the rule", *mutants)
			}
			t.Logf("seed %d: %s", f.Seed, f.Text)
		})
	}
}
