package sim

import (
	"strings"
	"testing"
	"time"

	"github.com/medcommit/medcommit/txn"
)

// scene is a scripted schedule: what is not scripted happens at once and without a fault.
type scene struct {
	*world
	t *testing.T
}

// play begins a scene: everything runs, and c1 leads.
func play(t *testing.T, desks, sites int, prepare ...func(*world)) *scene {
	t.Helper()
	w := newWorld(1, desks, sites)
	w.tracing, w.calm, w.withdrawAfter = true, true, 0
	w.retention, w.sweepAfter = time.Second, 500*time.Millisecond
	for _, p := range prepare {
		p(w)
	}
	w.boot()
	w.settle()
	w.leadOn()
	return &scene{w, t}
}

// p gives the process that runs under a name.
func (s *scene) p(name string) *process {
	s.t.Helper()
	p := s.running(name)
	if p == nil {
		s.t.Fatalf("%s does not run", name)
	}
	return p
}

// ask submits a request: "a:w:2" takes two units at site a, "b:r" reads at site b, "c:f" fails at site c.
func (s *scene) ask(desk, id string, work ...string) *client {
	b := &body{id: id, digest: strings.Join(work, ","), timeout: 60_000}
	for _, x := range work {
		b.sites = append(b.sites, x[:1])
		units := byte(0)
		if len(x) > 4 {
			units = x[4] - '0'
		}
		b.payloads = append(b.payloads, []byte{x[2], units})
	}
	c := s.request(s.p(desk), b)
	s.flush(c.at)
	return c
}

// wait has effects of a process wait until the gate is opened.
func (s *scene) wait(name string, which func(txn.Effect) bool) {
	before := s.gate
	p := s.p(name)
	s.gate = func(q *process, e txn.Effect) bool {
		return q == p && which(e) || before != nil && before(q, e)
	}
}

// open lets everything go on that had to wait.
func (s *scene) openGate() { s.gate = nil }

func (s *scene) hold(names ...string) {
	for _, n := range names {
		s.p(n).link.held = true
	}
}

func (s *scene) free() {
	for _, p := range s.processes {
		p.link.held = false
	}
}

// stop ends a process; its session lives on.
func (s *scene) stop(name string) *session {
	sess := s.p(name).link.sess
	s.crash(s.p(name))
	return sess
}

func (s *scene) start(name string) *process {
	s.restart(name)
	return s.p(name)
}

// supplant starts another process while the old one still runs, and gives the old one.
func (s *scene) supplant(name string) *process {
	old := s.p(name)
	old.zombie = true
	s.restart(name)
	return old
}

func (s *scene) lead(name string) {
	s.elect(s.p(name), "")
	s.settle()
}

// lose breaks the connection of a process: its multi that is waiting is lost, applied or not.
func (s *scene) lose(name string, applied bool) {
	s.t.Helper()
	p := s.p(name)
	for i, e := range p.link.asked {
		m, ok := e.(txn.Multi)
		if !ok {
			continue
		}
		p.link.asked = append(p.link.asked[:i:i], p.link.asked[i+1:]...)
		if applied {
			view := p.link.sess.view
			s.carryMulti(p.link.sess, m)
			p.link.sess.view = view
		}
		p.link.answers = append(p.link.answers, answer{event: txn.MultiLost{Token: m.Token}})
		p.link.state = linkDown
		return
	}
	s.t.Fatalf("%s has no multi on its way", name)
}

// end checks that everything comes to its end, and what became of a client's request.
func (s *scene) end(c *client, want told) {
	s.t.Helper()
	s.conclude()
	if s.failure != nil {
		s.t.Fatalf("%s\n%s", s.failure.Text, strings.Join(s.log, "\n"))
	}
	if c != nil && c.told != want {
		s.t.Fatalf("the client of %s is told %v, not %v\n%s", c.id, c.told, want, strings.Join(s.log, "\n"))
	}
}

// must stops a scene that is not what it is meant to be.
func (s *scene) must(ok bool, what string) {
	s.t.Helper()
	if s.failure != nil {
		s.t.Fatalf("%s\n%s", s.failure.Text, strings.Join(s.log, "\n"))
	}
	if !ok {
		s.t.Fatalf("the scene is off: %s\n%s", what, strings.Join(s.log, "\n"))
	}
}

func (s *scene) prepared(name string, c *client) bool {
	_, ok := s.sites[name].db.prepared[c.key]
	return ok
}

func (s *scene) committed(name string, c *client) bool {
	_, ok := s.sites[name].db.marked[c.key]
	return ok
}

func (s *scene) decided(c *client) bool {
	t := s.judge.trials[c.key]
	return t != nil && t.decision != nil
}

// Effects that scenes wait for.

func appends(kind txn.LogKind) func(txn.Effect) bool {
	return func(e txn.Effect) bool {
		m, ok := e.(txn.Multi)
		if !ok {
			return false
		}
		for i := range m.Ops {
			if m.Ops[i].Kind == txn.OpAppend && m.Ops[i].Log.Kind == kind {
				return true
			}
		}
		return false
	}
}

func deletes(kind txn.LogKind) func(txn.Effect) bool {
	return func(e txn.Effect) bool {
		m, ok := e.(txn.Multi)
		if !ok {
			return false
		}
		for i := range m.Ops {
			if m.Ops[i].Kind == txn.OpDeleteEntry && m.Ops[i].Log.Kind == kind {
				return true
			}
		}
		return false
	}
}

func isWork(e txn.Effect) bool { _, ok := e.(txn.Work); return ok }

func finishes(v txn.Verdict) func(txn.Effect) bool {
	return func(e txn.Effect) bool {
		f, ok := e.(txn.Finish)
		return ok && f.Verdict == v
	}
}
