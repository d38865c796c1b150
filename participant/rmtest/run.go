package rmtest

import "testing"

// Run runs the suite. fresh is called once for each test.
func Run(t *testing.T, fresh func(t *testing.T) Harness) {
	for _, c := range cases(fresh(t)) {
		t.Run(c.name, func(t *testing.T) { c.test(newRig(t, fresh)) })
	}
	t.Run("refusals", func(t *testing.T) {
		for i, refusal := range fresh(t).Refusals {
			t.Run(refusal.Name, func(t *testing.T) { refuse(newRig(t, fresh), i) })
		}
	})
}

// testCase is one test of the suite; it applies where the database can suffer what it needs.
type testCase struct {
	name    string
	applies bool
	test    func(*rig)
}

// cases are the tests that apply to a database.
func cases(h Harness) []testCase {
	several := !h.Exclusive
	killable := h.Kill != nil
	all := []testCase{
		{"commits what was prepared", true, commits},
		{"rolls back what was prepared", true, rollsBack},
		{"executes the calls in order", true, executesInOrder},
		{"repeated and crossed commit and rollback", true, repeatedAndCrossed},
		{"an unknown branch is not committed", true, unknownBranch},
		{"a prepared branch is not executed again", true, preparedTwice},
		{"a committed branch is not executed again", true, preparedAfterCommit},
		{"two processes prepare one branch", several, preparedByTwo},
		{"a read-only branch holds nothing", true, readOnly},
		{"a failed check votes to abort", true, failedCheck},
		{"a check in a writing branch", true, checkInWritingBranch},

		{"lock waits are bounded", true, lockWaitBounded},
		{"a rolled-back branch lets the next one in", true, lockReleased},
		{"a cancelled wait ends", true, cancelled},
		{"phase two has connections of its own", true, phaseTwoGetsThrough},
		{"many at once", true, manyAtOnce},

		{"a branch outlives its process", true, outlivesProcess},
		{"a living predecessor's branch is committed", several, livingPredecessor},
		{"a stopped predecessor's work is ended", several, stoppedPredecessor},
		{"two participants on one database", true, twoParticipants},
		{"foreign branches are only listed", h.Foreign != nil, foreign},
		{"committed by hand", h.ByHand != nil, committedByHand},
		{"rolled back by hand", h.ByHand != nil, rolledBackByHand},
		{"the site row", true, siteRow},

		{"a branch outlives a kill of the database", killable, outlivesKill},
		{"a database that is down", killable, databaseDown},
		{"opening while the database is down", killable, openWhileDown},
		{"a lost answer, prepared", h.NewThrough != nil, lostAnswerPrepared},
		{"a lost request, not prepared", h.NewThrough != nil, lostRequest},
		{"a lost connection while work waits", h.NewThrough != nil, lostWhileWaiting},
	}
	var apply []testCase
	for _, c := range all {
		if c.applies {
			apply = append(apply, c)
		}
	}
	return apply
}
