package txn

// decisionState is what was read of the decision log.
type decisionState struct {
	follows bool
	readTo  Pos  // entries before it were read, or were gone
	blind   bool // one of them could not be: absence from the decisions proves nothing
	slots   []*decisionSlot
}

// decisionSlot is one entry of the decision log that this site has not wholly applied; slots stand in log order.
type decisionSlot struct {
	pos  Pos
	open int
}

func (p *Participant) readDecisions(entries []Entry) {
	for _, e := range entries {
		if e.Pos.Before(p.decisions.readTo) {
			continue
		}
		p.decisions.readTo = e.Pos.Next()
		slot := &decisionSlot{pos: e.Pos}
		if e.Segment == nil {
			p.unreadable(slot)
		} else {
			p.applied.others += len(e.Segment.Decisions)
			for i := range e.Segment.Decisions {
				p.decide(&e.Segment.Decisions[i], slot)
			}
		}
		if slot.open > 0 && !slot.pos.Before(p.applied.written.At) {
			p.decisions.slots = append(p.decisions.slots, slot)
		}
	}
	p.wantInbox()
}

// decide takes the first decision of a key; later ones are ignored (R3).
func (p *Participant) decide(d *Decision, slot *decisionSlot) {
	recorded, concerned := d.Concerns(p.cfg.Name)
	if !concerned {
		return
	}
	if d.Verdict != VerdictCommit && d.Verdict != VerdictAbort {
		p.unreadable(slot)
		return
	}
	b := p.branches[d.Key]
	if b == nil {
		b = &branch{key: d.Key}
		p.branches[d.Key] = b
	}
	if b.verdict != VerdictNone {
		return
	}
	b.verdict, b.recorded, b.decided = d.Verdict, recorded.Vote, slot.pos
	b.clouded = false
	if !slot.pos.Before(p.applied.written.At) {
		b.slot = slot
		slot.open++
	}
	for _, s := range b.segments {
		s.open--
		p.dropDecided(s)
	}
	b.segments = nil
	if b.segment != nil {
		b.segment.decided(slot.pos)
	} else if !b.known {
		p.inbox.early = append(p.inbox.early, b)
	}
	p.carryOut(b)
}

// end is the first decision that this site has not applied.
func (d *decisionState) end() Pos {
	for len(d.slots) > 0 && d.slots[0].open == 0 {
		d.slots[0] = nil
		d.slots = d.slots[1:]
	}
	if len(d.slots) > 0 {
		return d.slots[0].pos
	}
	return d.readTo
}
