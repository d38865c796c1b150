package txn

import (
	"fmt"
	"time"
)

// Coordinator is the coordinator's machine: it hands transactions in, follows the logs, and, while it leads, decides, retires and
// forgets. It holds no clock, no connection and no lock: a driver gives it events one after the other and carries out the effects.
type Coordinator struct {
	cfg CoordinatorConfig

	out     []Effect
	now     time.Duration
	wall    int64
	tokens  Token
	batches int
	multis  map[Token]func(multiResult) // every one is answered, also after its session
	reads   map[Token]func(Event)       // of this session only

	session bool
	synced  bool
	era     int   // counts what was discarded
	horizon int32 // as last read; a submission checks it as it was before the id was looked for (R15)
	gens    map[Log]int32
	tops    [History + 1]Pos // the highest entry read of each log
	pruned  time.Duration

	index  index
	sites  map[string]*site
	alive  map[string]bool // which participants have a session, as the driver says
	submit submitting
	lead   *leadership // nil while another leads
}

// NewCoordinator makes a machine that knows nothing yet: a crash is a new machine built from the record.
func NewCoordinator(cfg CoordinatorConfig) *Coordinator {
	c := &Coordinator{
		cfg:    cfg.withDefaults(),
		multis: map[Token]func(multiResult){},
		alive:  map[string]bool{},
	}
	c.discard()
	return c
}

func (cfg CoordinatorConfig) withDefaults() CoordinatorConfig {
	setDefault(&cfg.Retention, time.Hour)
	setDefault(&cfg.HistoryBytes, 256<<20)
	setDefault(&cfg.HorizonEvery, 10*time.Second)
	setDefault(&cfg.SweepAfter, time.Hour)
	setDefault(&cfg.MaxOps, 1000)
	setDefault(&cfg.MaxBytes, 256<<10)
	setDefault(&cfg.GenerationSize, 1_000_000_000)
	return cfg
}

// setDefault fills an unset field of a configuration.
func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// discard forgets all that was read: it belongs to one session.
func (c *Coordinator) discard() {
	c.reads = map[Token]func(Event){}
	c.gens, c.tops = map[Log]int32{}, [History + 1]Pos{}
	c.index = newIndex()
	c.sites = map[string]*site{}
	c.session, c.synced, c.horizon = false, false, 0
	c.era++
	c.lead = nil
	c.submit.unread = nil
}

// Step tells the machine of one event and returns what is to be done at once. The slice is valid until the next call.
func (c *Coordinator) Step(e Event) []Effect {
	c.out = c.out[:0]
	switch e := e.(type) {
	case Tick:
		c.tick(e)
	case SessionUp:
		c.sessionUp()
	case SessionLost:
		c.sessionLost()
	case MultiDone:
		c.answer(e.Token, multiResult{done: true, appended: e.Appended})
	case MultiFailed:
		c.answer(e.Token, multiResult{failed: true, index: e.Index, err: e.Err})
	case MultiLost:
		c.answer(e.Token, multiResult{unsent: e.Unsent})
	case Entries:
		c.entries(e)
	case LogEnd:
		c.read(e.Token, e)
	case LogListed:
		c.read(e.Token, e)
	case NodeListed:
		c.read(e.Token, e)
	case NodeRead:
		c.node(e)
	case Submit:
		c.submitOne(e)
	case AbortWish:
		c.wish(e.Key)
	case Presence:
		c.alive[e.Participant] = e.Alive
	case Lead:
		c.takeOver(e)
	case Resign:
		c.stepDown()
	case Heads:
		c.read(e.Token, e)
	case ChapterGone:
		c.index.dropChapter(e.Chapter)
	}
	return c.out
}

// Flush returns the multis into which what is pending was merged; a driver calls it when no event waits, and holds back for a short
// linger what it names. Each lane (submissions, decisions, housekeeping) has at most one multi in flight. The slice is valid until the
// next call.
func (c *Coordinator) Flush(hold Hold) []Effect {
	c.out = c.out[:0]
	if !hold.Submissions {
		c.flushSubmissions()
	}
	if !hold.Decisions {
		c.flushDecisions()
	}
	c.keepHouse()
	return c.out
}

// Submissions is what waits in the lane of submissions. What may come is for who knows its clients to say.
func (c *Coordinator) Submissions() Queue {
	return Queue{Records: len(c.submit.waiting), Busy: !c.synced || c.submit.flying || c.submit.looking}
}

// Decisions is what waits in the lane of decisions; nothing where this coordinator does not lead.
func (c *Coordinator) Decisions() Queue {
	l := c.leads()
	if l == nil {
		return Queue{}
	}
	return Queue{Records: len(l.wanted), Busy: l.deciding, Coming: l.partly}
}

func (c *Coordinator) tick(t Tick) {
	c.now, c.wall = t.Now, t.Wall
	c.expireSubmissions()
	if !c.synced {
		return
	}
	c.passDeadlines()
	if c.now-c.pruned >= c.cfg.HorizonEvery {
		c.pruned = c.now
		c.prune(func() {})
	}
}

func (c *Coordinator) emit(e Effect) { c.out = append(c.out, e) }

// multiResult is the answer to a multi: done, surely failed, or lost ("perhaps", unless it was never sent).
type multiResult struct {
	done, failed, unsent bool
	appended             []Pos
	index                int
	err                  OpError
}

func (r multiResult) lost() bool { return !r.done && !r.failed && !r.unsent }

// multi sends one multi; then is told what became of it, in whatever session.
func (c *Coordinator) multi(ops []Op, then func(multiResult)) {
	c.tokens++
	c.multis[c.tokens] = then
	c.emit(Multi{Token: c.tokens, Ops: ops})
}

// multiHere is multi; then is dropped where the session, or this machine's reading of it, is over by then.
func (c *Coordinator) multiHere(ops []Op, then func(multiResult)) {
	began := c.era
	c.multi(ops, func(r multiResult) {
		if c.session && c.era == began {
			then(r)
		}
	})
}

func (c *Coordinator) answer(t Token, r multiResult) {
	then, ok := c.multis[t]
	if !ok {
		return
	}
	delete(c.multis, t)
	then(r)
}

// ask sends a read of this session; then is told its answer, unless the session ends before.
func (c *Coordinator) ask(make func(Token) Effect, then func(Event)) {
	c.tokens++
	c.reads[c.tokens] = then
	c.emit(make(c.tokens))
}

func (c *Coordinator) read(t Token, e Event) {
	then, ok := c.reads[t]
	if !ok {
		return
	}
	delete(c.reads, t)
	then(e)
}

// readToEnd goes on once all that log holds now has been given.
func (c *Coordinator) readToEnd(log Log, then func()) {
	c.ask(func(t Token) Effect { return ReadToEnd{Token: t, Log: log} }, func(e Event) {
		if end, ok := e.(LogEnd); ok {
			c.reachGeneration(log, end.Through.Gen)
			if log.Kind == Transactions {
				c.submissionsRead(end.Through)
			}
		}
		then()
	})
}

// batch names the next multi, for reading a lost reply back by content (R6).
func (c *Coordinator) batch() string {
	c.batches++
	return fmt.Sprintf("%s-%d", c.cfg.Nonce, c.batches)
}

// generation is the open generation of log as far as is known: a guess that is too low fails as closed and is raised.
func (c *Coordinator) generation(log Log) int32 { return max(c.gens[log], 1) }

func (c *Coordinator) reachGeneration(log Log, gen int32) {
	c.gens[log] = max(c.gens[log], gen)
}

// closed raises the generation of the log that ops could not append to.
func (c *Coordinator) closed(op Op) { c.reachGeneration(op.Log, op.Gen+1) }

// appendTo makes the operation that appends s to log.
func (c *Coordinator) appendTo(log Log, s *Segment) Op {
	return Op{Kind: OpAppend, Log: log, Gen: c.generation(log), Segment: s}
}
