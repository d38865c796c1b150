package problem

import (
	"errors"
	"testing"

	"github.com/medcommit/medcommit/txn"
)

func TestEveryProblemIsWhole(t *testing.T) {
	seen := map[string]bool{}
	for n := BadRequest; n <= Internal; n++ {
		p := New(n, "why", Field{"body.id", "is bad"})
		if p.Name() != n || p.Type != "/problems/"+n.String() || p.Title == "" || p.Status < 400 || seen[p.Type] {
			t.Errorf("%d: %+v", n, p)
		}
		seen[p.Type] = true
		if want := p.Title + ": why; body.id is bad"; p.Error() != want {
			t.Errorf("got %q, want %q", p.Error(), want)
		}
	}
}

func TestForeignProblemsAreUnknown(t *testing.T) {
	for _, typ := range []string{"", "about:blank", "/problems/", "/problems/other", "https://example.org/problems/aborted"} {
		if p := (&Problem{Type: typ}); p.Name() != Unknown || p.Unwrap() != nil {
			t.Errorf("%q: %s", typ, p.Name())
		}
	}
}

func TestProblemsStandForErrors(t *testing.T) {
	var err error = New(ParticipantDrained, "")
	if !errors.Is(err, txn.ErrParticipantDrained) || errors.Is(err, txn.ErrParticipantUnavailable) {
		t.Errorf("got %v", err)
	}
}
