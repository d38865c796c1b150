package txn

import "testing"

// An id that an undecided submission seems to mean, with another digest, is answered "reused" only when all logs were read: that
// submission may be a duplicate of what was not read here yet, or be long gone (R3).
func TestR3AnIDIsReusedOnlyWhereTheLogsSaySo(t *testing.T) {
	for _, c := range []struct {
		name string
		meet func(*coordinatorRig, Pos) // while history is being read
		want SubmitResult
	}{
		{"it is reused", func(*coordinatorRig, Pos) {}, SubmitIDReuse},
		{"what is in the way is a duplicate of the same request", func(r *coordinatorRig, _ Pos) {
			first := Past{
				Submission: Submission{Key: "k9", ID: "x", Digest: "d", Participants: []string{"a"}},
				Decision:   Decision{Key: "k9", ID: "x", Verdict: VerdictCommit},
			}
			r.append(historyLog, &Segment{History: []Past{first}})
			r.step()
		}, SubmitPast},
		{"what is in the way is gone and forgotten", func(r *coordinatorRig, pos Pos) { r.vanish(transactionsLog, pos) }, SubmitAccepted},
		{"the session is lost meanwhile", func(r *coordinatorRig, _ Pos) { r.step(SessionLost{}) }, SubmitUnavailable},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newCoordinatorRig(t, CoordinatorConfig{})
			other := Submission{Key: "k0", ID: "x", Digest: "other", Participants: []string{"a"}, Timeout: 600_000}
			pos := r.append(transactionsLog, &Segment{Submissions: []Submission{other}})
			r.step()
			r.hold = func(e Effect) bool { q, ok := e.(ReadToEnd); return ok && q.Log == historyLog }
			r.submit(1, "k1", "x", "a")
			if got := r.answered(1); got != 0 {
				t.Fatalf("answered %v before the logs were read", got)
			}
			r.submit(2, "k2", "x", "a") // it comes too late for that reading, and has the next
			c.meet(r, pos)
			for r.hold = func(Effect) bool { return false }; len(r.held) > 0; r.step() {
				held := r.held
				r.held = nil
				for _, e := range held {
					r.carryOut(e)
				}
			}
			if got := r.answered(1); got != c.want {
				t.Errorf("answered %v, not %v", got, c.want)
			}
			if r.answered(2) == 0 {
				t.Error("the second is not answered")
			}
		})
	}
}
