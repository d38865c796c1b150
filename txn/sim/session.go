package sim

import "github.com/medcommit/medcommit/txn"

// carry has the server carry out the i-th thing that the process asked.
func (w *world) carry(p *process, i int) {
	l := &p.link
	e := l.asked[i]
	l.asked = append(l.asked[:i:i], l.asked[i+1:]...)
	s := l.sess
	if m, ok := e.(txn.Multi); ok {
		if !s.alive {
			l.asked = append(l.asked, e)
			w.learnExpired(p)
			return
		}
		if !w.over && moves(m.Ops, txn.HorizonPath) && w.rng.chance(3) {
			w.rush(p)
		}
		s.limbo = nil // the session has moved: what an older connection sent is refused from now on
		l.answers = append(l.answers, w.carryMulti(s, m))
		if w.stricken > 0 && w.rng.chance(w.stricken) {
			w.strike(p)
		}
		return
	}
	if !s.alive && s.view >= s.died {
		w.learnExpired(p)
		return
	}
	w.catchUp(s)
	w.carryRead(p, e, s.view)
}

// rush lets the submissions of others that are on the wire arrive now, those of sleepers too.
func (w *world) rush(p *process) {
	for _, q := range w.processes {
		if q == p || q.link.state != linkUp || !q.link.sess.alive {
			continue
		}
		for i, e := range q.link.asked {
			if m, ok := e.(txn.Multi); ok && submits(m.Ops) {
				w.carry(q, i)
				break
			}
		}
	}
}

// moves tells whether a multi sets a node.
func moves(ops []txn.Op, path string) bool {
	for i := range ops {
		if ops[i].Kind == txn.OpSet && ops[i].Path == path {
			return true
		}
	}
	return false
}

// carryMulti applies a multi and gives its answer.
func (w *world) carryMulti(s *session, m txn.Multi) answer {
	places, index, fault := w.zk.apply(s, m.Ops)
	w.traceMulti(s, m, places, index, fault)
	if !(w.mutation == noSync && onlyChecks(m.Ops)) {
		s.view = max(s.view, w.zk.head)
	}
	if fault != txn.OpErrNone {
		return answer{txn.MultiFailed{Token: m.Token, Index: index, Err: fault}, s.view}
	}
	return answer{txn.MultiDone{Token: m.Token, Appended: places}, s.view}
}

func onlyChecks(ops []txn.Op) bool {
	for i := range ops {
		if ops[i].Kind != txn.OpCheck {
			return false
		}
	}
	return true
}

// catchUp brings the server up to date, where servers do not lag.
func (w *world) catchUp(s *session) {
	if !w.faults.has(faultLag) && s.alive && !(w.mutation == noSync) {
		s.view = w.zk.head
	}
}

func (w *world) carryRead(p *process, e txn.Effect, v zxid) {
	l := &p.link
	tell := func(ev txn.Event) { l.answers = append(l.answers, answer{ev, v}) }
	switch e := e.(type) {
	case txn.ReadNode:
		st := w.zk.lookup(e.Path).at(v)
		tell(txn.NodeRead{Token: e.Token, Path: e.Path, Exists: st.exists, Version: st.version, Data: st.data})
	case txn.ListNode:
		tell(txn.NodeListed{Token: e.Token, Path: e.Path, Children: w.zk.children(e.Path, v)})
	case txn.FindPast:
		tell(w.zk.findPast(e, v))
	case txn.ListPast:
		tell(w.zk.listPast(e, v))
	case txn.ListLog:
		out := txn.LogListed{Token: e.Token, Log: e.Log, Gen: 1}
		if lf := w.zk.logs[e.Log]; lf != nil {
			out.Entries = lf.list(v)
			if g, _ := lf.open(v); g != nil {
				out.Gen = g.num
			}
		}
		tell(out)
	case txn.ReadToEnd:
		w.readToEnd(p, e, v)
	default:
		w.violate("effect %T is not known", e)
	}
}

// readToEnd gives the process all that the followed log holds at v, and then says so.
func (w *world) readToEnd(p *process, e txn.ReadToEnd, v zxid) {
	l := &p.link
	if p.mutant.listed > 0 && (e.Log.Kind == txn.Inbox || e.Log.Kind == txn.Decisions) {
		v = min(v, p.mutant.listed)
	}
	end := txn.Pos{Gen: 1}
	if lf := w.zk.logs[e.Log]; lf != nil {
		_, end = lf.open(v)
	}
	f := l.followOf(e.Log)
	if f == nil {
		return // it was unfollowed since
	}
	l.answers = append(l.answers, answer{txn.LogEnd{Token: e.Token, Log: e.Log, Through: end}, v})
	if entries := f.take(v, 1<<30); len(entries) > 0 {
		w.hear(p, answer{txn.Entries{Log: e.Log, Entries: entries}, v})
	}
}

// hear gives the process one event.
func (w *world) hear(p *process, a answer) {
	if s := p.link.sess; s != nil {
		s.floor = max(s.floor, a.at)
	}
	w.step(p, a.event)
}

// suspend breaks the connection. What was sent and not answered is "perhaps": it was applied, or it still will be, or not.
func (w *world) suspend(p *process) {
	l := &p.link
	if l.state != linkUp {
		return
	}
	l.state = linkDown
	w.trace("%s is disconnected", p)
	asked := l.asked
	l.asked = nil
	for i := range l.answers {
		switch e := l.answers[i].event.(type) {
		case txn.MultiDone:
			w.maybeLose(l, i, e.Token)
		case txn.MultiFailed:
			w.maybeLose(l, i, e.Token)
		}
	}
	for _, e := range asked {
		if m, ok := e.(txn.Multi); ok && !(w.faults.has(faultQueue) && w.rng.chance(2)) {
			w.lose(p, m)
			continue
		}
		l.asked = append(l.asked, e)
	}
}

// maybeLose replaces an answer that is on its way by the news that it was lost.
func (w *world) maybeLose(l *link, i int, t txn.Token) {
	if w.rng.chance(2) {
		l.answers[i] = answer{event: txn.MultiLost{Token: t}}
	}
}

// lose answers a multi that was sent over a connection that broke.
func (w *world) lose(p *process, m txn.Multi) {
	l := &p.link
	unsent := false
	switch s := l.sess; {
	case !s.alive:
	case w.rng.chance(2):
		s.limbo = append(s.limbo, m)
	case w.rng.chance(2):
		view := s.view
		w.carryMulti(s, m)
		s.view = view
	default:
		unsent = w.rng.chance(2)
	}
	l.answers = append(l.answers, answer{event: txn.MultiLost{Token: m.Token, Unsent: unsent}})
}

// resume connects a suspended session again, to a server that may be older than what the session lost; or finds it expired.
func (w *world) resume(p *process) {
	l := &p.link
	if l.state != linkDown {
		return
	}
	if !l.sess.alive {
		w.learnExpired(p)
		return
	}
	l.state = linkUp
	if w.faults.has(faultLag) {
		l.sess.view = l.sess.floor + zxid(w.rng.below(int(w.zk.head-l.sess.floor)+1))
	} else {
		l.sess.view = w.zk.head
	}
	w.trace("%s is connected again, at %d of %d", p, l.sess.view, w.zk.head)
}

// learnExpired ends the session for the process. What the client library had queued may run under the session that the library
// opens by itself before the driver closes it.
func (w *world) learnExpired(p *process) {
	l := &p.link
	w.trace("%s learns that its session is over", p)
	l.state = linkEnding
	if w.mutation == noDiscard && p.part != nil && p.ready {
		w.hideEnd(p)
		return
	}
	kept := l.answers[:0:0]
	for _, a := range l.answers {
		switch a.event.(type) {
		case txn.MultiDone, txn.MultiFailed, txn.MultiLost:
			kept = append(kept, a)
		}
	}
	l.answers = kept
	if w.rng.chance(2) {
		l.answers = append(l.answers, answer{event: txn.SessionLost{}})
		w.drainAsked(p)
	} else {
		w.drainAsked(p)
		l.answers = append(l.answers, answer{event: txn.SessionLost{}})
	}
	l.follows, l.watches, l.sess = nil, nil, nil
}

func (w *world) drainAsked(p *process) {
	l := &p.link
	var stray *session
	for _, e := range l.asked {
		m, ok := e.(txn.Multi)
		if !ok {
			continue
		}
		lost := answer{event: txn.MultiLost{Token: m.Token}}
		if w.faults.has(faultQueue) && w.rng.chance(2) {
			if stray == nil {
				stray = w.zk.connect()
				stray.doomed = true
				w.trace("the library of %s opens a session of its own: %d", p, stray.id)
			}
			switch {
			case w.rng.chance(3):
				lost = w.carryMulti(stray, m)
			case w.rng.chance(2) || submits(m.Ops):
				w.carryMulti(stray, m)
			default:
				stray.limbo = append(stray.limbo, m)
			}
		}
		l.answers = append(l.answers, lost)
	}
	l.asked = nil
}

// submits tells whether a multi is a submission's. Nothing fences one that arrives after its coordinator has a new session, so a
// driver must see to it that it does not: it lets the library dial no more once the session is over.
func submits(ops []txn.Op) bool {
	for i := range ops {
		if ops[i].Kind == txn.OpAppend && ops[i].Log.Kind == txn.Transactions {
			return true
		}
	}
	return false
}

// open gives the process a new session, once all of the last one is answered.
func (w *world) open(p *process) {
	l := &p.link
	if l.sess != nil || len(l.answers) > 0 {
		return
	}
	l.state, l.sess = linkUp, w.zk.connect()
	w.trace("%s has session %d", p, l.sess.id)
	w.enrol(p)
	if p.mutant.hidden {
		w.hideBegin(p)
		return
	}
	w.step(p, txn.SessionUp{Nonce: w.nonce()})
}
