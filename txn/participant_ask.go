package txn

// Questions: an effect with a token, and what to do with its answer. The answers that a discarded session still waited for are
// nobody's.

// ask gives the token of a question whose answer goes to then.
func ask[E Event](p *Participant, then func(E)) Token {
	p.token++
	if p.answers == nil {
		p.answers = map[Token]func(Event){}
	}
	p.answers[p.token] = func(e Event) {
		if answer, ok := e.(E); ok {
			then(answer)
		}
	}
	return p.token
}

func (p *Participant) answer(t Token, e Event) {
	then, ok := p.answers[t]
	if !ok {
		return
	}
	delete(p.answers, t)
	then(e)
}

// multi asks for ops at once or none.
func (p *Participant) multi(ops []Op, then func(multiResult)) {
	p.emit(Multi{Token: ask(p, func(e Event) {
		switch e := e.(type) {
		case MultiDone:
			then(multiResult{done: true, appended: e.Appended})
		case MultiFailed:
			then(multiResult{failed: true, index: e.Index, err: e.Err})
		case MultiLost:
			then(multiResult{unsent: e.Unsent})
		}
	}), Ops: ops})
}

// fencedMulti is a multi that happens only in this incarnation (R5): ops come after the check. Where the check fails the session
// starts over and then is never called. The index in the result counts the check as 0.
func (p *Participant) fencedMulti(ops []Op, then func(multiResult)) {
	p.multi(ops, func(r multiResult) {
		if r.failed && r.index == 0 && r.err != OpErrTooLarge {
			p.start()
			return
		}
		then(r)
	})
}

// fence is the first operation of every multi after the bump.
func (p *Participant) fence() Op {
	return Op{Kind: OpCheck, Path: IncarnationPath(p.cfg.Name), Version: p.incarnation}
}

// touch completes a write of this session's own; only then is "not there" conclusive (R6).
func (p *Participant) touch(then func()) {
	p.fencedMulti([]Op{p.fence()}, func(r multiResult) {
		if !r.done {
			p.later(0, func() { p.touch(then) })
			return
		}
		then()
	})
}

func (p *Participant) readToEnd(l Log, then func(LogEnd)) {
	p.emit(ReadToEnd{Token: ask(p, then), Log: l})
}

func (p *Participant) listLog(l Log, then func(LogListed)) {
	p.emit(ListLog{Token: ask(p, then), Log: l})
}

func (p *Participant) readNode(path string, then func(NodeRead)) {
	p.emit(ReadNode{Token: ask(p, then), Path: path})
}

func (p *Participant) listNode(path string, then func(NodeListed)) {
	p.emit(ListNode{Token: ask(p, then), Path: path})
}

func (p *Participant) inboxLog() Log     { return Log{Kind: Inbox, Participant: p.cfg.Name} }
func (p *Participant) votesLog() Log     { return Log{Kind: Votes, Participant: p.cfg.Name} }
func (p *Participant) decisionsLog() Log { return Log{Kind: Decisions} }
