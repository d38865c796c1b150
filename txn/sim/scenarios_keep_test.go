package sim

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/medcommit/medcommit/txn"
)

func duplicateWhileForgetting(t *testing.T) {
	s := play(t, 2, 1)
	s.p("c2").lazy = txn.Transactions
	first := s.ask("c1", "t1", "a:w:1")
	s.wait("c2", appends(txn.Transactions))
	second := s.ask("c2", "t1", "a:w:1") // c2 has looked for the id and not found it
	s.settle()
	s.wait("c1", deletes(txn.History))
	for range 12 {
		s.elapse(250 * time.Millisecond)
	}
	s.must(s.judge.trials[first.key].retired, "the first is in history and about to be forgotten")
	s.openGate()
	s.hold("c1")
	s.settle()
	s.free()
	s.settle()
	third := s.ask("c1", "t1", "a:w:1")
	s.end(first, toldCommitted)
	s.must(second.told != toldNothing && third.told != toldNothing, "everybody is answered")
}

func restoredDatabase(t *testing.T) {
	s := play(t, 1, 2, func(w *world) { w.retention = time.Minute })
	copied := s.sites["a"].db.backup()
	c := s.ask("c1", "t1", "a:w:1", "b:w:1")
	s.settle()
	s.elapse(200 * time.Millisecond)
	s.must(s.committed("a", c), "it is committed")
	old := s.ask("c1", "t0", "a:w:1", "b:w:1")
	s.settle()
	for range 8 {
		s.elapse(300 * time.Millisecond)
	}
	s.must(s.committed("a", old) && len(s.zk.logs[txn.Log{Kind: txn.Decisions}].live()) == 0, "both are retired")
	s.stop("a")
	s.sites["a"].db, s.sites["a"].restored = copied, true
	s.start("a")
	s.settle()
	s.must(s.sites["a"].noticed, "the site sees that its database is older than what it applied")
	d := s.ask("c1", "t2", "a:w:1", "b:w:1")
	s.settle()
	s.must(!s.prepared("a", d), "it prepares nothing until an operator says which one counts")
	s.adopt()
	for range 8 {
		s.elapse(300 * time.Millisecond)
	}
	for _, lost := range []*client{c, old} {
		s.must(strings.Contains(string(s.zk.lookup(txn.AppliedPath("a")).now().data), string(lost.key)), "what it lost is reported")
	}
	s.end(c, toldCommitted)
	s.must(d.told == toldCommitted, "then it goes on")
}

func batchOfTwo(t *testing.T) {
	s := play(t, 1, 2)
	s.calm = false
	s.wait("b", appends(txn.Votes))
	p := s.p("c1")
	s.hold("c1")
	first := s.ask2("c1", "t1", "a:w:1")
	second := s.ask2("c1", "t2", "a:w:1", "b:w:1")
	s.calm = true
	s.free()
	s.flush(p)
	s.settle()
	for range 8 {
		s.elapse(300 * time.Millisecond)
	}
	s.must(s.committed("a", first) && !s.decided(second), "one of the two is over")
	s.zk.expire(s.stop("a"))
	s.start("a")
	s.settle()
	for range 8 {
		s.elapse(300 * time.Millisecond)
	}
	s.must(!s.prepared("a", first), "what is over is not done again")
	s.openGate()
	s.end(second, toldCommitted)
	s.must(first.told == toldCommitted, "both are committed")
}

// ask2 is ask without a flush, so that several requests share a batch.
func (s *scene) ask2(desk, id string, work ...string) *client {
	before := s.calm
	s.calm = false
	for seed := uint64(1); ; seed++ { // a flush after the event is left to chance: choose a chance without one
		r := newRNG(seed)
		if !r.chance(2) {
			s.rng = newRNG(seed)
			break
		}
	}
	b := &body{id: id, digest: fmt.Sprint(work), timeout: 60_000}
	for _, x := range work {
		b.sites = append(b.sites, x[:1])
		b.payloads = append(b.payloads, []byte{x[2], x[4] - '0'})
	}
	c := s.request(s.p(desk), b)
	s.calm = before
	return c
}

func poisonAmongAThousand(t *testing.T) {
	s := play(t, 1, 2)
	c := s.ask("c1", "poison", "a:w:1", "b:w:1")
	s.sites["a"].poisoned[c.key] = true
	s.settle()
	for i := range 1000 {
		s.ask("c1", fmt.Sprintf("t%d", i), "a:w:0", "b:w:0")
		if i%50 == 49 {
			s.settle()
			s.log = s.log[:0]
			s.elapse(200 * time.Millisecond)
		}
	}
	for range 30 {
		s.log = s.log[:0]
		s.elapse(300 * time.Millisecond)
	}
	forgotten := 0
	for _, x := range s.judge.trials {
		if x.forgotten {
			forgotten++
		}
	}
	s.must(forgotten >= 1000, fmt.Sprintf("%d of a thousand others are forgotten", forgotten))
	s.must(c.told == toldCommitted && !s.committed("a", c) && s.committed("b", c), "the poisoned one is decided and still open")
	s.end(c, toldCommitted)
	s.must(s.committed("a", c), "and finished when it can be")
}

func oldLeaderForgets(t *testing.T) {
	s := play(t, 2, 1)
	c := s.ask("c1", "t1", "a:w:1")
	s.settle()
	s.wait("c1", deletes(txn.History))
	for range 12 {
		s.elapse(250 * time.Millisecond)
	}
	old := s.p("c1")
	s.must(s.judge.trials[c.key].retired && !s.judge.trials[c.key].forgotten, "the old leader is about to forget")
	s.hold("c1")
	s.wait("c2", deletes(txn.History))
	s.lead("c2")
	s.must(s.p("c2").leads, "another leads")
	s.openGate()
	s.wait("c2", deletes(txn.History))
	s.free()
	s.settle()
	s.must(!s.judge.trials[c.key].forgotten && !old.leads, "the epoch stops the old leader")
	d := s.ask("c2", "t1", "a:w:1")
	s.settle()
	s.must(d.told == toldCommitted && d.key == c.key, "the id is still known")
	s.end(c, toldCommitted)
}

func payloadSwept(t *testing.T) {
	s := play(t, 2, 1)
	s.wait("c2", appends(txn.Transactions))
	b := &body{id: "t1", digest: "d", timeout: 60_000, large: true, sites: []string{"a"}, payloads: [][]byte{{byte(workTake), 1}}}
	c := s.request(s.p("c2"), b)
	first := c.key
	s.settle()
	s.hold("c2")
	for range 8 {
		s.elapse(200 * time.Millisecond)
	}
	s.must(len(s.zk.children("payloads", never)) == 0, "the payload is swept")
	s.openGate()
	s.free()
	s.settle()
	s.must(s.judge.trials[first] == nil, "the submission finds its payload gone")
	s.end(nil, toldNothing)
}

func generationBetween(t *testing.T) {
	s := play(t, 2, 1, func(w *world) { w.generation = 1 })
	s.p("c2").lazy = txn.Transactions
	s.wait("c2", appends(txn.Transactions))
	second := s.ask("c2", "t1", "a:w:1")
	first := s.ask("c1", "t1", "a:w:1")
	s.settle()
	s.must(len(s.zk.logs[txn.Log{Kind: txn.Transactions}].gens) > 1, "the generation has ended between the two")
	s.openGate()
	s.settle()
	s.end(first, toldCommitted)
	s.must(second.told == toldCommitted && second.key == first.key, "both mean the same")
}

func forgottenButDecisionKept(t *testing.T) {
	s := play(t, 2, 2)
	s.wait("c1", deletes(txn.Decisions))
	c := s.ask("c1", "t1", "a:w:1")
	s.settle()
	for range 20 {
		s.elapse(300 * time.Millisecond)
	}
	s.must(s.judge.trials[c.key].retired && len(s.zk.logs[txn.Log{Kind: txn.Decisions}].live()) > 0, "it is retired and its decision is kept")
	s.must(!s.judge.trials[c.key].forgotten, "a decision that is kept keeps it in history")
	s.hold("c1")
	s.lead("c2")
	s.must(s.p("c2").leads, "another leads")
	for range 20 {
		s.elapse(300 * time.Millisecond)
	}
	s.openGate()
	s.free()
	s.end(c, toldCommitted)
}
