package txn

// reconcile puts together what was read; from here on the site works.
func (p *Participant) reconcile(votes LogListed, listed []XID) {
	p.phase = phaseRunning
	p.takeVotes(votes)
	orphans := p.takeListed(listed)
	p.takeUnfinished()
	p.takeSettled()
	if p.decisions.blind {
		p.cloud(nil)
	}
	for _, s := range p.inbox.inOrder() {
		for _, b := range s.branches {
			p.arrive(b)
		}
	}
	p.presume(orphans)
	p.dropStrays()
	p.wantInbox()
	p.comparePast()
	p.scan.next = p.now + p.cfg.ScanEvery
	if p.scan.soon {
		p.scan.next = p.now
	}
	p.emit(Ready{}) // also where the session started over: its caller takes it to recover since
}

// takeListed marks what the database has prepared and gives the branches that no log knows.
func (p *Participant) takeListed(listed []XID) (orphans []*branch) {
	for _, x := range listed {
		if !p.mine(x) {
			continue
		}
		b := p.branches[x.Key]
		if b == nil {
			b = &branch{key: x.Key}
			p.branches[x.Key] = b
		}
		p.foundPrepared(b)
		if b.segment == nil && b.verdict == VerdictNone {
			orphans = append(orphans, b)
		}
	}
	return orphans
}

// takeUnfinished goes on with the branches that "applied" has passed without their being finished.
func (p *Participant) takeUnfinished() {
	for _, u := range p.applied.written.Unfinished {
		b := p.branches[u.Key]
		gone := b == nil || b.verdict == VerdictNone && b.segment == nil
		if gone && u.Lost && u.Key.Valid() { // only history knows it: what was lost after it was complete is retired all the same
			p.takePast(u.Key)
			continue
		}
		if b == nil || b.verdict == VerdictNone {
			p.applied.restless = true // it is over: say so
			continue
		}
		b.passed, b.lost = true, u.Lost
		p.applied.unfinished = append(p.applied.unfinished, b)
	}
}

// dropStrays forgets branches of former sessions that no log knows and nobody works on.
func (p *Participant) dropStrays() {
	for key, b := range p.branches {
		if !b.orphan() || b.clouded {
			continue
		}
		if b.prepared {
			p.scan.soon = true // prepared after the listing
		}
		delete(p.branches, key)
	}
}

func (p *Participant) mine(x XID) bool {
	return x.Cluster == p.cfg.Cluster && x.Participant == p.cfg.Name
}
