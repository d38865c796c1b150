package sim

import (
	"time"

	"github.com/medcommit/medcommit/txn"
)

// settle lets everything that is under way come to rest, without a fault and without time passing.
func (w *world) settle() {
	was := w.calm
	w.calm = true
	for round := 0; w.failure == nil && w.settleOnce(); round++ {
		if round > 400 {
			w.stuck("the cluster does not come to rest")
		}
	}
	w.calm = was
}

// settleOnce moves everything on once and tells whether anything was there to be moved.
func (w *world) settleOnce() bool {
	moved := false
	for i := 0; i < len(w.processes); i++ {
		p := w.processes[i]
		for w.failure == nil && p.alive && w.settleProcess(p) {
			moved = true
			if w.drowsy && w.rng.chance(80) {
				p.link.held = true // it falls asleep in the middle of it
			}
		}
	}
	for i := 0; i < len(w.calls) && w.failure == nil; {
		if c := w.calls[i]; !w.over && (c.slow || c.done && c.by.link.held) || !c.done && w.gated(c.by, c.effect) {
			i++
			continue
		}
		w.advance(i)
		moved = true
	}
	return moved
}

// gated tells whether a scenario keeps an effect waiting.
func (w *world) gated(p *process, e txn.Effect) bool { return w.gate != nil && w.gate(p, e) }

func (w *world) settleProcess(p *process) bool {
	l := &p.link
	switch {
	case l.held:
		return false
	case len(l.answers) > 0:
		a := l.answers[0]
		l.answers = append(l.answers[:0:0], l.answers[1:]...)
		w.hear(p, a)
		return true
	case l.sess == nil:
		w.open(p)
		return true
	case l.state == linkDown:
		if !w.over {
			return false
		}
		w.resume(p)
		return true
	case !l.sess.alive:
		if !w.over && l.sess.view < l.sess.died {
			return false
		}
		w.learnExpired(p)
		return true
	}
	for i, e := range l.asked {
		if !w.gated(p, e) {
			w.carry(p, i)
			return true
		}
	}
	if w.over || w.rng.chance(4) {
		l.sess.view = w.zk.head
	}
	if w.mutation == noSync {
		l.sess.floor = w.zk.head
	}
	return w.readMore(p)
}

// elapse lets time pass in calm weather.
func (w *world) elapse(d time.Duration) {
	w.now += d
	for i := 0; i < len(w.processes) && w.failure == nil; i++ {
		p := w.processes[i]
		if p.link.held {
			continue
		}
		w.tick(p)
		w.flush(p)
	}
	w.settle()
}

// calmDown ends all faults: one process of each name runs, what was on its way has arrived, sessions that nobody uses are over.
func (w *world) calmDown() {
	w.calm, w.over, w.gate, w.stricken = true, true, nil, 0
	w.faults &= 1 << faultLate // what is late still ends
	for _, p := range append([]*process(nil), w.processes...) {
		p.link.held = false
		if p.zombie {
			w.crash(p)
		}
	}
	for _, s := range w.zk.sessions {
		for s.alive && len(s.limbo) > 0 && w.failure == nil {
			w.arrive(s)
		}
		if s.doomed {
			w.zk.expire(s)
		}
	}
	for _, n := range w.names {
		clear(w.sites[n].poisoned)
	}
	w.clearPostponed()
	w.supervise()
	w.leadOn()
}

// supervise starts what does not run, also after a process has ended itself because it took another's place.
func (w *world) supervise() {
	for i := 0; w.failure == nil; i++ {
		down := false
		for _, n := range w.names {
			if w.running(n) == nil {
				down = true
				w.startSite(w.sites[n])
			}
		}
		for _, d := range w.desks {
			if w.running(d) == nil {
				down = true
				w.startCoordinator(d)
			}
		}
		if !down {
			return
		}
		if i > 3 {
			w.stuck("a process ends again and again")
		}
		w.settle()
	}
}

// leadOn sees to it that somebody leads.
func (w *world) leadOn() {
	for i := 0; w.failure == nil; i++ {
		if l := w.leader(); l != nil {
			return
		}
		if i > 10 {
			w.stuck("nobody comes to lead")
			return
		}
		w.elect(w.running(w.desks[i%len(w.desks)]), "")
		w.settle()
	}
}

// conclude is the continuation without faults, after every schedule: everything must come to its end, new work must commit, and
// nothing must be left.
func (w *world) conclude() {
	if w.failure != nil {
		return
	}
	w.calmDown()
	w.turn(10, 200*time.Millisecond)
	w.fresh()
	w.turn(4, 3*time.Second) // for what could not be finished the last time, and is tried again after ten seconds
	w.judge.allTold()
	w.turn(4, w.retention/2+w.sweepAfter)
	w.turn(6, 2*time.Second)
	w.judge.nothingLeft()
}

// turn lets time pass several times; somebody always leads.
func (w *world) turn(times int, d time.Duration) {
	for range times {
		if w.failure != nil {
			return
		}
		w.elapse(d)
		w.supervise()
		w.leadOn()
		w.adopt()
		w.resubmit()
	}
}

func (w *world) resubmit() {
	for i := 0; i < len(w.clients); i++ {
		if c := w.clients[i]; c.again && c.at.alive {
			w.submit(c)
			w.settle()
		}
	}
}

// adopt has an operator say, of each site that saw a restore, that it goes on.
func (w *world) adopt() {
	for _, n := range w.names {
		if s := w.sites[n]; s.noticed {
			w.zk.adopt(n)
		}
	}
	w.settle()
}

// fresh submits one transaction to all sites, which has to commit.
func (w *world) fresh() {
	if w.failure != nil {
		return
	}
	b := &body{id: "fresh", digest: "fresh", timeout: 60_000}
	for _, n := range w.names {
		b.sites = append(b.sites, n)
		b.payloads = append(b.payloads, []byte{byte(workTake), 0})
	}
	w.last = w.request(w.running(w.desks[0]), b)
	w.settle()
	w.leadOn() // who was deposed without hearing of it, and had nothing to write since, has heard of it now
}
