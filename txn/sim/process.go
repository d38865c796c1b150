package sim

import (
	"fmt"
	"time"

	"github.com/medcommit/medcommit/txn"
)

// machine is what the two pure machines have in common.
type machine interface {
	Step(txn.Event) []txn.Effect
	Flush(txn.Hold) []txn.Effect
}

// site is one site system: its database, and the processes that ever ran for it.
type site struct {
	name     string
	db       *database
	backup   *database
	poisoned map[txn.Key]bool
	restored bool // its database was restored from a backup: what it says no longer counts
	noticed  bool // a process of it said so
}

// process is one run of a coordinator or of a participant: a machine, and what its driver knows.
type process struct {
	name   string
	nonce  string
	coord  *txn.Coordinator
	part   *txn.Participant
	site   *site
	link   link
	alive  bool
	zombie bool // another process has taken its place

	offset  time.Duration
	ticked  time.Duration
	leads   bool
	ready   bool
	resync  bool   // those who wait have to look again
	elected string // its election node
	clients map[txn.Ticket]*client
	waiting []*client
	mutant  mutant
	lazy    txn.LogKind // a log that it reads only when it has to
	speed   int         // how often it is chosen
}

func (p *process) String() string { return p.name + "/" + p.nonce }

func (p *process) machine() machine {
	if p.coord != nil {
		return p.coord
	}
	return p.part
}

// startCoordinator runs a coordinator's process.
func (w *world) startCoordinator(name string) *process {
	p := w.newProcess(name)
	p.coord = txn.NewCoordinator(txn.CoordinatorConfig{
		Cluster: cluster, ID: name, Nonce: p.nonce, Retention: w.retention, HistoryBytes: 1 << 20, HorizonEvery: 100 * time.Millisecond,
		SweepAfter: w.sweepAfter, MaxOps: w.maxOps, GenerationSize: w.generation,
	})
	p.clients = map[txn.Ticket]*client{}
	return p
}

// startSite runs a participant's process.
func (w *world) startSite(s *site) *process {
	p := w.newProcess(s.name)
	p.site = s
	p.part = txn.NewParticipant(txn.ParticipantConfig{
		Cluster: cluster, Name: s.name, Process: p.nonce, WithdrawAfter: w.withdrawAfter, ScanEvery: time.Second,
		MaxOps: w.siteOps, GenerationSize: w.generation, Slots: 3, ApplyQuiet: time.Duration(w.starts%2) * 5 * time.Millisecond,
	})
	return p
}

func (w *world) newProcess(name string) *process {
	w.starts++
	p := &process{
		name: name, nonce: fmt.Sprintf("p%d", w.starts), alive: true, speed: 1 + w.rng.below(8),
		offset: time.Duration(w.rng.below(1000)) * time.Millisecond, ticked: -1,
	}
	if w.faults.has(faultLazy) {
		p.lazy = [...]txn.LogKind{0, txn.Transactions, txn.Decisions, txn.Inbox, txn.Votes}[w.rng.below(5)]
	}
	w.processes = append(w.processes, p)
	w.trace("%s starts", p)
	return p
}

// step gives one event to a process's machine and carries out what it wants.
func (w *world) step(p *process, e txn.Event) {
	if !p.alive || w.failure != nil {
		return
	}
	if w.now-p.ticked > 50*time.Millisecond || p.ticked < 0 {
		w.tick(p)
	}
	w.machineStep(p, e)
	if p.resync && p.alive {
		p.resync = false
		w.synced(p)
	}
	if w.calm || w.rng.chance(2) {
		w.flush(p)
	}
}

func (w *world) tick(p *process) {
	p.ticked = w.now
	w.machineStep(p, txn.Tick{Now: w.now + p.offset, Wall: int64(w.now / time.Millisecond)})
}

func (w *world) machineStep(p *process, e txn.Event) {
	w.steps++
	w.traceEvent(p, e)
	w.noteAnswer(p, e)
	e = w.mutateEvent(p, e)
	for _, f := range p.machine().Step(e) {
		w.perform(p, f)
	}
}

func (w *world) flush(p *process) {
	if !p.alive {
		return
	}
	for _, f := range p.machine().Flush(w.hold()) {
		w.perform(p, f)
	}
}

// hold is what a driver holds back to make a batch larger: in calm weather nothing.
func (w *world) hold() txn.Hold {
	if w.calm || !w.rng.chance(4) {
		return txn.Hold{}
	}
	return txn.Hold{Submissions: w.rng.chance(2), Decisions: w.rng.chance(2), Votes: w.rng.chance(2)}
}

// perform carries out one effect.
func (w *world) perform(p *process, e txn.Effect) {
	if !p.alive {
		return
	}
	e = w.mutate(p, e)
	w.traceEffect(p, e)
	switch e := e.(type) {
	case nil:
	case txn.Work, txn.Finish, txn.ListPrepared, txn.FindBranches, txn.LoadSite, txn.SaveSite:
		w.ask(p, e)
	case txn.CancelWork:
		w.cancel(p, e.Key)
	case txn.Stop:
		w.trace("%s ends: %s runs", p, e.Process)
		w.crash(p)
	case txn.Restored:
		p.site.noticed = true
		if !p.site.restored {
			w.violate("%s takes a database for restored that never was", p)
		}
	case txn.Adopted:
		p.site.noticed = false
	case txn.PastCompared:
		w.trace("%s has lost %d of history", p, e.Lost)
	case txn.WishAnswered, txn.SettledByHand, txn.HeuristicMismatch:
	case txn.Ready, txn.BranchChanged:
		p.ready = true
	case txn.Submitted:
		w.answered(p, e)
	case txn.Leading:
		p.leads = true
	case txn.Deposed:
		p.leads = false
	case txn.Synced:
		p.ready = true
		p.resync = true
	case txn.Changed:
		w.changed(p, e.Key)
	case txn.SecondDecision:
		w.violate("%s read a second decision for %s", p, e.Key)
	case txn.Heuristic:
		w.trace("%s reports %s at %s", p, e.Key, e.Participant)
	case txn.Sweep:
		w.sweep(p, e)
	default:
		w.do(p, e)
	}
}

// crash ends a process at once. Its session lives on until it expires; what was on its way may arrive.
func (w *world) crash(p *process) {
	if !p.alive {
		return
	}
	w.trace("%s is gone", p)
	p.alive, p.leads, p.ready = false, false, false
	if s := p.link.sess; s != nil {
		s.doomed = true
		for _, e := range p.link.asked {
			if m, ok := e.(txn.Multi); ok && s.alive && w.rng.chance(2) {
				s.limbo = append(s.limbo, m)
			}
		}
	}
	p.link = link{}
	if p.site != nil {
		w.dropCalls(p)
	}
	for i, q := range w.processes {
		if q == p {
			w.processes = append(w.processes[:i:i], w.processes[i+1:]...)
			break
		}
	}
}

// enrol has a coordinator stand for election, as its runtime does with every session.
func (w *world) enrol(p *process) {
	p.leads, p.ready = false, false
	if p.coord == nil {
		return
	}
	w.starts++
	p.elected = fmt.Sprintf("election/n-%d", w.starts)
	w.zk.apply(p.link.sess, []txn.Op{{Kind: txn.OpCreate, Path: p.elected, Ephemeral: true, Data: []byte(p.nonce)}})
}

// elect tells a coordinator to lead; remove is the node of a leader that is thought dead, or empty.
func (w *world) elect(p *process, remove string) {
	if p.coord == nil || p.link.sess == nil || p.link.state == linkEnding || p.leads {
		return
	}
	if !w.zk.lookup(p.elected).now().exists && p.link.sess.alive {
		w.enrol(p)
	}
	w.trace("%s is told to lead", p)
	w.step(p, txn.Lead{ElectionPath: p.elected, Remove: remove})
}

// sweep answers which payloads no submission has taken, as the server of the process has it.
func (w *world) sweep(p *process, e txn.Sweep) {
	s := p.link.sess
	if s == nil {
		return
	}
	var heads []txn.Head
	for _, name := range w.zk.children("payloads", s.view) {
		if st := w.zk.lookup(txn.HeadPath(name)).at(s.view); st.version == 0 {
			heads = append(heads, txn.Head{Name: name, Parts: len(w.zk.children(txn.HeadPath(name), s.view))})
		}
	}
	p.link.answers = append(p.link.answers, answer{txn.Heads{Token: e.Token, Heads: heads}, s.view})
}
