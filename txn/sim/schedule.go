package sim

import (
	"fmt"
	"time"

	"github.com/medcommit/medcommit/txn"
)

// Run runs the schedule of a seed and gives what it found, or nil.
func Run(seed uint64) *Failure { return runMutated(seed, noMutation, false) }

// Show runs it again and writes down what happens.
func Show(seed uint64) *Failure { return runMutated(seed, noMutation, true) }

func runMutated(seed uint64, m mutation, tracing bool) *Failure {
	w := newSchedule(seed, m, tracing)
	w.run()
	if w.failure != nil {
		w.failure.Trace = w.log
	}
	return w.failure
}

// newSchedule makes the world of a seed.
func newSchedule(seed uint64, m mutation, tracing bool) *world {
	r := newRNG(seed ^ 0x5eed)
	w := newWorld(seed, 1+r.below(3), 1+r.below(3))
	w.mutation, w.zk.mutation, w.tracing = m, m, tracing
	w.choose()
	return w
}

func (w *world) run() {
	w.boot()
	if w.rng.chance(2) {
		w.settle()
		w.leadOn()
	}
	w.disturb(80 + w.rng.below(300))
	w.conclude()
}

// disturb runs the cluster for a number of steps, faults and all.
func (w *world) disturb(steps int) {
	rate := 6 + w.rng.below(40)
	if w.rng.chance(2) {
		w.stricken = 10 + w.rng.below(40)
	}
	for range steps {
		if w.failure != nil {
			return
		}
		switch {
		case w.rng.chance(rate):
			w.trouble()
		case w.rng.chance(16):
			w.repair()
		case w.rng.chance(w.leaps):
			w.leap()
		case w.rng.chance(16):
			w.order(w.ids)
		case w.rng.chance(12):
			w.pass()
		case len(w.calls) > 0 && w.rng.chance(4):
			w.database()
		default:
			for range 3 {
				if w.progress(w.pick()) {
					break
				}
			}
		}
	}
}

// leap lets everybody come far but for those who sleep: it makes long delays out of few steps.
func (w *world) leap() {
	w.sleep()
	w.drowsy = w.rng.chance(2)
	defer func() { w.drowsy = false }()
	for range w.rng.below(6) {
		w.settle()
		w.now += time.Duration(50+w.rng.below(450)) * time.Millisecond
		for i := 0; i < len(w.processes) && w.failure == nil; i++ {
			if p := w.processes[i]; !p.link.held {
				w.tick(p)
				w.flush(p)
			}
		}
		switch {
		case w.rng.chance(3):
			w.order(w.ids)
		case w.rng.chance(6):
			w.trouble()
		}
	}
	if w.rng.chance(2) {
		w.settle()
	}
}

// sleep wakes some of those who sleep, and sends others to sleep.
func (w *world) sleep() {
	for _, p := range w.processes {
		if p.link.held {
			p.link.held = !w.rng.chance(w.wakes)
			continue
		}
		p.link.held = w.rng.chance(w.sleeps)
	}
	if w.tracing {
		for _, p := range w.processes {
			if p.link.held {
				w.trace("%s sleeps", p)
			}
		}
	}
}

// pass lets time pass, and some processes notice.
func (w *world) pass() {
	w.now += time.Duration(1+w.rng.below(100)) * time.Millisecond
	if w.rng.chance(4) {
		w.now += time.Duration(w.rng.below(500)) * time.Millisecond
	}
	if p := w.pick(); p != nil && !p.link.held {
		w.tick(p)
		w.flush(p)
	}
}

// pick chooses a process, the fast ones more often, and more often one that trouble has met lately.
func (w *world) pick() *process {
	if len(w.processes) == 0 {
		return nil
	}
	if w.hot != nil && w.rng.chance(3) {
		if w.hot.alive {
			return w.hot
		}
		if p := w.running(w.hot.name); p != nil {
			return p
		}
	}
	p := w.processes[w.rng.below(len(w.processes))]
	if w.faults.has(faultSlow) {
		q := w.processes[w.rng.below(len(w.processes))]
		if q.speed > p.speed {
			p = q
		}
	}
	return p
}

// database moves one call of a process on.
func (w *world) database() {
	i := w.rng.below(len(w.calls))
	if c := w.calls[i]; c.slow && !w.rng.chance(8) || c.done && c.by.link.held {
		return
	}
	w.advance(i)
}

// progress moves one thing on between a process and ZooKeeper, and tells whether there was one.
func (w *world) progress(p *process) bool {
	if p == nil || p.link.held {
		return false
	}
	l := &p.link
	switch {
	case l.state == linkNone || l.state == linkEnding && len(l.answers) == 0:
		w.open(p)
	case len(l.answers) > 0 && (l.state != linkUp || w.rng.chance(2)):
		w.hearOne(p)
	case l.state == linkDown:
		if w.rng.chance(4) {
			w.resume(p)
		}
	case len(l.asked) > 0 && w.rng.chance(2):
		w.carry(p, w.early(len(l.asked)))
	case w.rng.chance(3) && l.sess.view < w.zk.head && l.sess.alive:
		l.sess.view += 1 + zxid(w.rng.below(int(w.zk.head-l.sess.view)))
	default:
		return w.readMore(p)
	}
	return true
}

// early chooses among n that wait, mostly the first.
func (w *world) early(n int) int {
	if n > 1 && w.rng.chance(4) {
		return w.rng.below(n)
	}
	return 0
}

func (w *world) hearOne(p *process) {
	l := &p.link
	i := w.early(len(l.answers))
	a := l.answers[i]
	l.answers = append(l.answers[:i:i], l.answers[i+1:]...)
	w.hear(p, a)
}

// readMore gives a process something of what it follows or watches, and tells whether there was anything.
func (w *world) readMore(p *process) bool {
	l := &p.link
	n := len(l.follows) + len(l.watches)
	if n == 0 || l.sess == nil || (!l.sess.alive && l.sess.view >= l.sess.died) {
		return false
	}
	w.catchUp(l.sess)
	v := l.sess.view
	from := w.rng.below(n)
	for i := range n {
		j := (from + i) % n
		if j < len(l.follows) {
			f := &l.follows[j]
			log := f.log.log
			if !f.news(v) || log.Kind == p.lazy && !w.over {
				continue
			}
			if entries := f.take(v, 1+w.rng.below(3)); len(entries) > 0 {
				w.hear(p, answer{txn.Entries{Log: log, Entries: entries}, v})
			}
			return true
		}
		t := &l.watches[j-len(l.follows)]
		if e, ok := w.fire(p, t, v); ok {
			t.told, t.at = true, v
			w.hear(p, answer{e, v})
			return true
		}
		t.at = v
	}
	return false
}

// order has a client do something.
func (w *world) order(ids int) {
	p := w.desk()
	if p == nil {
		return
	}
	for _, c := range w.clients {
		if c.again && c.at == p && p.alive {
			w.submit(c)
			return
		}
	}
	again := len(w.bodies) > 0 && w.faults.has(faultTwice) && w.rng.chance(2)
	if len(w.bodies) >= ids && !again {
		return
	}
	if again {
		b := w.bodies[w.rng.below(len(w.bodies))]
		w.request(p, b)
		return
	}
	w.request(p, w.newBody())
}

// desk chooses a coordinator's process.
func (w *world) desk() *process {
	var desks []*process
	for _, p := range w.processes {
		if p.coord != nil {
			desks = append(desks, p)
		}
	}
	if len(desks) == 0 {
		return nil
	}
	return desks[w.rng.below(len(desks))]
}

// newBody thinks of a request: some sites, and work for each.
func (w *world) newBody() *body {
	b := &body{timeout: 60_000, large: w.faults.has(faultLarge) && w.rng.chance(2)}
	b.id = fmt.Sprintf("t%d", len(w.bodies)+1)
	b.digest = fmt.Sprintf("d%d", len(w.bodies)+1)
	if w.faults.has(faultReuse) && len(w.bodies) > 0 && w.rng.chance(2) {
		b.id = w.bodies[w.rng.below(len(w.bodies))].id
	}
	if w.faults.has(faultDeadline) {
		b.timeout = int64(50 + w.rng.below(500))
	}
	n := 1 + w.rng.below(len(w.names))
	from := w.rng.below(len(w.names))
	for i := range n {
		b.sites = append(b.sites, w.names[(from+i)%len(w.names)])
		b.payloads = append(b.payloads, w.newWork())
	}
	w.bodies = append(w.bodies, b)
	return b
}

func (w *world) newWork() []byte {
	switch {
	case w.faults.has(faultRefuse) && w.rng.chance(4):
		return []byte{byte(workFails), 0}
	case w.faults.has(faultReadOnly) && w.rng.chance(3):
		return []byte{byte(workReadOnly), 0}
	}
	return []byte{byte(workTake), byte(1 + w.rng.below(3))}
}
