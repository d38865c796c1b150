package sim

import "github.com/medcommit/medcommit/txn"

// acts are the kinds of trouble that come at a moment; the others are in the schedule's conditions.
const acts faults = 1<<faultCut | 1<<faultExpire | 1<<faultQueue | 1<<faultCrash | 1<<faultCrashSite | 1<<faultZombie | 1<<faultElect |
	1<<faultWithdraw | 1<<faultWish | 1<<faultTwice | 1<<faultReuse | 1<<faultPoison | 1<<faultRestore | 1<<faultOperator

// trouble lets one thing go wrong, of a kind that this schedule has.
func (w *world) trouble() {
	if w.faults&acts == 0 {
		return
	}
	k := fault(w.rng.below(int(faultCount)))
	for !(w.faults & acts).has(k) {
		k = (k + 1) % faultCount
	}
	p := w.pick()
	if w.rng.chance(2) {
		w.hot = p
	}
	switch k {
	case faultCut, faultQueue:
		if p != nil {
			w.suspend(p)
		}
	case faultExpire:
		if p != nil && p.link.sess != nil {
			w.trace("session %d of %s expires", p.link.sess.id, p)
			w.zk.expire(p.link.sess)
		}
	case faultCrash, faultCrashSite:
		if p != nil && (p.coord != nil) == (k == faultCrash) {
			w.crash(p)
		}
	case faultZombie:
		if p != nil && !p.zombie {
			p.zombie = true
			w.trace("%s is taken for dead", p)
			w.restart(p.name)
		}
	case faultElect:
		if d := w.desk(); d != nil {
			w.elect(d, w.rival(d))
		}
	case faultWithdraw:
		w.withdraw()
	case faultWish:
		w.wish()
	case faultOperator:
		w.settleByHand()
	case faultPoison:
		w.poison()
	case faultRestore:
		w.restore()
	case faultTwice, faultReuse:
		w.order(w.ids)
	}
}

// rival gives now and then the election node of the leader, to be removed by an early take-over.
func (w *world) rival(d *process) string {
	if l := w.leader(); l != nil && l != d && w.rng.chance(2) {
		return l.elected
	}
	return ""
}

// repair does what an operator or a supervisor does: starts what is down, elects, ends sessions that nobody uses, delivers what was
// on its way.
func (w *world) repair() {
	switch w.rng.below(5) {
	case 0:
		w.startMissing()
	case 1:
		if w.leader() == nil {
			if d := w.desk(); d != nil {
				w.elect(d, "")
			}
		}
	case 2, 3:
		w.strays()
	case 4:
		for _, n := range w.names {
			if w.rng.chance(2) {
				clear(w.sites[n].poisoned)
			}
		}
	}
}

func (w *world) startMissing() {
	for _, d := range w.desks {
		if w.running(d) == nil && w.rng.chance(2) {
			w.startCoordinator(d)
		}
	}
	for _, n := range w.names {
		if w.running(n) == nil && w.rng.chance(2) {
			w.startSite(w.sites[n])
		}
	}
}

func (w *world) restart(name string) {
	if s := w.sites[name]; s != nil {
		w.startSite(s)
		return
	}
	w.startCoordinator(name)
}

// strays lets what is on its way without a client arrive, or ends a session that nobody uses.
func (w *world) strays() {
	for _, s := range w.zk.sessions {
		if !s.alive || !w.rng.chance(2) {
			continue
		}
		if len(s.limbo) > 0 {
			w.arrive(s)
			return
		}
		if s.doomed {
			w.trace("session %d expires", s.id)
			w.zk.expire(s)
			return
		}
	}
}

// arrive carries out the oldest multi that was sent over a connection that has broken since.
func (w *world) arrive(s *session) {
	m := s.limbo[0]
	s.limbo = s.limbo[1:]
	view := s.view
	w.carryMulti(s, m)
	s.view = view
}

// withdraw has an operator free a branch.
func (w *world) withdraw() {
	from := w.rng.below(len(w.processes) + 1)
	for i := range w.processes {
		p := w.processes[(from+i)%len(w.processes)]
		if p.site == nil {
			continue
		}
		for _, x := range p.site.db.list() {
			if t := w.judge.trials[x.Key]; t != nil && t.decision == nil {
				w.trace("an operator withdraws %s at %s", x.Key, p)
				w.hot = p
				w.step(p, txn.Withdraw{Key: x.Key})
				return
			}
		}
	}
}

// wish has a client ask for an abort.
func (w *world) wish() {
	d := w.leader()
	if d == nil || len(w.judge.order) == 0 {
		return
	}
	k := w.judge.order[w.rng.below(len(w.judge.order))]
	w.trace("a client wants %s aborted", k)
	w.step(d, txn.AbortWish{Key: k})
}

// poison makes a branch unfinishable for a while.
func (w *world) poison() {
	n := w.names[w.rng.below(len(w.names))]
	if len(w.judge.order) > 0 {
		w.sites[n].poisoned[w.judge.order[w.rng.below(len(w.judge.order))]] = true
	}
}

// restore makes a backup of a database, or, where there is one, stops the site and puts it back.
func (w *world) restore() {
	s := w.sites[w.names[w.rng.below(len(w.names))]]
	if s.backup == nil {
		s.backup = s.db.backup()
		w.trace("the database of %s is backed up", s.name)
		return
	}
	for _, p := range append([]*process(nil), w.processes...) {
		if p.site == s {
			w.crash(p)
		}
	}
	w.endCalls(s)
	s.db, s.backup, s.restored = s.backup, nil, true
	w.trace("the database of %s is restored", s.name)
}

// strike hits a process right after a write of its own was applied, before it hears of it.
func (w *world) strike(p *process) {
	crash := fault(faultCrash)
	if p.site != nil {
		crash = faultCrashSite
	}
	switch {
	case w.faults.has(crash) && w.rng.chance(2):
		w.crash(p)
	case w.faults.has(faultCut) && w.rng.chance(2):
		w.suspend(p)
	case w.faults.has(faultExpire):
		w.zk.expire(p.link.sess)
	}
}
