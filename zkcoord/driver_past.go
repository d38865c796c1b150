package zkcoord

import "github.com/medcommit/medcommit/txn"

// findPast looks through history, one entry after the other: all of it may be more than fits into memory.
func (s *session) findPast(e txn.FindPast) {
	log := txn.Log{Kind: txn.History}
	wanted := make(map[txn.Key]bool, len(e.Keys))
	for _, k := range e.Keys {
		wanted[k] = true
	}
	found := txn.PastFound{Token: e.Token, Verdicts: map[txn.Key]txn.Verdict{}}
	gens, err := s.generations(s.ctx, log)
	if err != nil {
		s.unreadable(log.Path(), err)
		return
	}
	for _, gen := range gens {
		places, _, err := s.places(s.ctx, log, gen)
		if err != nil {
			s.unreadable(log.GenerationPath(gen), err)
			return
		}
		for _, at := range places {
			entry, err := s.entry(s.ctx, log, at)
			if err != nil {
				s.unreadable(log.EntryPath(at), err)
				return
			}
			if entry != nil {
				addPast(&found, wanted, entry.Segment)
			}
		}
	}
	s.say(found)
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
	log := txn.Log{Kind: txn.History}
	listed := txn.PastListed{Token: e.Token}
	gens, err := s.generations(s.ctx, log)
	if err != nil {
		s.unreadable(log.Path(), err)
		return
	}
	for _, gen := range gens {
		places, _, err := s.places(s.ctx, log, gen)
		if err != nil {
			s.unreadable(log.GenerationPath(gen), err)
			return
		}
		for _, at := range places {
			if at.Before(e.From) {
				continue
			}
			if len(listed.Keys) >= pastAtOnce {
				listed.Next = at
				s.say(listed)
				return
			}
			entry, err := s.entry(s.ctx, log, at)
			if err != nil {
				s.unreadable(log.EntryPath(at), err)
				return
			}
			if entry != nil {
				listed.Add(entry.Segment, e.Participant)
			}
		}
	}
	listed.End = true
	s.say(listed)
}
