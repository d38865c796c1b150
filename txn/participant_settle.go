package txn

// settle is an operator's wish. What is decided is tried again at once; a forced roll-back of an undecided branch is a withdrawal
// and no heuristic (R9); everything else that is forced is heuristic, and compared with the decision (R13).
func (p *Participant) settle(e Settle) {
	b := p.branches[e.Key]
	if p.phase != phaseRunning || b == nil || !b.known || b.finished || b.call != callNone {
		return
	}
	switch {
	case b.verdict == e.Verdict:
		p.carryOut(b)
	case !e.Force || e.Verdict == VerdictNone:
	case b.verdict == VerdictNone && e.Verdict == VerdictAbort:
		p.wishWithdrawal(e.Key)
	case b.verdict == VerdictNone && !b.prepared || b.withdrawn:
	default:
		b.settled = e.Verdict
		p.finish(b, e.Verdict)
	}
}

// mismatched ends a branch that was settled against its decision: it stays reported.
func (p *Participant) mismatched(b *branch) {
	b.lost = true
	p.stick(b)
}
