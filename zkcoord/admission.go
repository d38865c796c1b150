package zkcoord

import (
	"slices"
	"strings"
	"sync"

	"github.com/medcommit/medcommit/txn"
)

// always is how many undecided transactions over one set of participants are taken in while there is room at all: what a site works
// on at once by default.
const always = 64

// admission bounds the undecided transactions that one coordinator takes in, in all and over each set of participants, so that a
// site that is slow or silent does not keep out those that do not need it: transactions over one set may be as many as there is
// room left for others (the dynamic thresholds of Choudhury and Hahne, 1998). One slow set thus takes half of the room, n of them
// leave an n+1st part of it, and a limit need not be chosen. It goes by sets, not by participants, for who of a set is slow cannot
// be told from its being undecided, and the others of it have done nothing wrong.
type admission struct {
	limit int

	mu    sync.Mutex
	total int
	over  map[string]int // by set
}

func newAdmission(limit int) *admission { return &admission{limit: limit, over: map[string]int{}} }

// participantSet names the set of the participants of branches.
func participantSet(branches []txn.HandedBranch) string {
	names := make([]string, len(branches))
	for i := range branches {
		names[i] = branches[i].Participant
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// look tells why a transaction over that set would not be taken in now.
func (a *admission) look(set string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.refusal(set)
}

func (a *admission) refusal(set string) error {
	room := a.limit - a.total
	switch {
	case room <= 0:
		return txn.ErrTooMany
	case a.over[set] >= max(always, room):
		return txn.ErrParticipantsBusy
	}
	return nil
}

// enter takes a transaction in, or tells why not.
func (a *admission) enter(set string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.refusal(set); err != nil {
		return err
	}
	a.total++
	a.over[set]++
	return nil
}

// leave is called once for each transaction that was taken in, when it is decided.
func (a *admission) leave(set string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.total--
	a.over[set]--
	if a.over[set] == 0 {
		delete(a.over, set)
	}
}

// count is how many are in.
func (a *admission) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.total
}
