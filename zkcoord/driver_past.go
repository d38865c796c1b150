package zkcoord

import "github.com/medcommit/medcommit/txn"

// eachPast gives take the entries of history from a place on, one after the other, for all of it may be more than fits into memory,
// as far as wants says. It tells whether it came so far; what cannot be read it reports itself.
func (s *session) eachPast(from txn.Pos, wants func(at txn.Pos) bool, take func(*txn.Segment)) bool {
	log := txn.Log{Kind: txn.History}
	gens, err := s.generations(s.ctx, log)
	if err != nil {
		s.unreadable(log.Path(), err)
		return false
	}
	for _, gen := range gens {
		places, _, err := s.places(s.ctx, log, gen)
		if err != nil {
			s.unreadable(log.GenerationPath(gen), err)
			return false
		}
		for _, at := range places {
			if at.Before(from) {
				continue
			}
			if !wants(at) {
				return true
			}
			entry, err := s.entry(s.ctx, log, at)
			if err != nil {
				s.unreadable(log.EntryPath(at), err)
				return false
			}
			if entry != nil {
				take(entry.Segment)
			}
		}
	}
	return true
}

// findPast looks through all of history.
func (s *session) findPast(e txn.FindPast) {
	wanted := make(map[txn.Key]bool, len(e.Keys))
	for _, k := range e.Keys {
		wanted[k] = true
	}
	found := txn.PastFound{Token: e.Token, Verdicts: map[txn.Key]txn.Verdict{}}
	all := func(txn.Pos) bool { return true }
	if s.eachPast(txn.Pos{}, all, func(segment *txn.Segment) { addPast(&found, wanted, segment) }) {
		s.say(found)
	}
}

func addPast(found *txn.PastFound, wanted map[txn.Key]bool, segment *txn.Segment) {
	if segment == nil {
		found.Blind = true
		return
	}
	for i := range segment.History {
		if d := &segment.History[i].Decision; wanted[d.Key] {
			found.Verdicts[d.Key] = d.Verdict
		}
	}
}

// pastAtOnce is at how many keys an answer to ListPast ends.
const pastAtOnce = 1000

// listPast gives the commits of some entries of history, and where the rest begins.
func (s *session) listPast(e txn.ListPast) {
	listed := txn.PastListed{Token: e.Token, End: true}
	wants := func(at txn.Pos) bool {
		if len(listed.Keys) >= pastAtOnce {
			listed.Next, listed.End = at, false
		}
		return listed.End
	}
	if s.eachPast(e.From, wants, func(segment *txn.Segment) { listed.Add(segment, e.Participant) }) {
		s.say(listed)
	}
}
