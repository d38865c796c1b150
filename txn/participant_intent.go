package txn

import "slices"

// What force is about to do is named in "applied" before the database is asked (R13). A crash after the database has done it
// and before that is known would hide it otherwise: a branch that was committed by hand and is then decided to abort looks, to a
// new session, like one that was never prepared. Once written the intent is carried out, whatever is decided in between.

// intends writes the intent and tells whether it is durable.
func (p *Participant) intends(b *branch, v Verdict) bool {
	named := func(s Settled) bool { return s.Key == b.key && s.Verdict == v }
	if !p.named(b) {
		p.applied.settled = append(p.applied.settled, Settled{Key: b.key, Verdict: v, Decision: b.verdict, Begun: true})
		p.applied.restless = true
	}
	return slices.ContainsFunc(p.applied.settled, named) && slices.ContainsFunc(p.applied.written.Settled, named)
}

// named tells whether "applied" is to name the branch as settled by hand, or as about to be.
func (p *Participant) named(b *branch) bool {
	return slices.ContainsFunc(p.applied.settled, func(s Settled) bool { return s.Key == b.key })
}

// dropIntent takes an intent back that came to nothing.
func (p *Participant) dropIntent(b *branch) {
	if b.settled != VerdictNone && !b.finished {
		return
	}
	was := len(p.applied.settled)
	p.applied.settled = slices.DeleteFunc(p.applied.settled, func(s Settled) bool { return s.Key == b.key && s.Begun })
	if len(p.applied.settled) != was {
		p.applied.restless = true
	}
}

// noteSettled names a branch that was ended by hand, in the place of its intent.
func (p *Participant) noteSettled(b *branch) {
	done := Settled{Key: b.key, Verdict: b.settled, Decision: b.verdict}
	for i := range p.applied.settled {
		if p.applied.settled[i].Key == b.key {
			p.applied.settled[i] = done
			return
		}
	}
	p.applied.settled = append(p.applied.settled, done)
}
