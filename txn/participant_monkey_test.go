package txn

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"testing"
	"time"
)

var (
	monkeySeed  = flag.Int64("monkey.seed", 1, "first seed of the participant's random schedules")
	monkeyRuns  = flag.Int("monkey.runs", 3000, "how many random schedules the participant is put through")
	monkeyTrace = flag.Int("monkey.trace", 150, "how many lines of a failed schedule are shown")
)

// TestParticipantMonkey puts one site's machine through random schedules: lost and late answers, sessions that end, processes that
// crash or are replaced, a database that fails, zombies that prepare, a leader that decides by the votes it sees. watch (below)
// checks what the machine asks for; at the end a world without faults must finish everything and leave nothing.
func TestParticipantMonkey(t *testing.T) {
	runs := *monkeyRuns
	if testing.Short() {
		runs /= 10
	}
	for i := range runs {
		seed := *monkeySeed + int64(i)
		err := newMonkey(seed).play()
		if err == nil {
			continue
		}
		again := newMonkey(seed)
		again.traced = true
		t.Fatalf("seed %d: %v; again: %v\n%s", seed, err, again.play(), again.trace())
	}
}

// monkey is a world of one site: ZooKeeper, its database, the leader.
type monkey struct {
	seed   int64
	rng    *rand.Rand
	p      *Participant
	w      *watch
	calm   bool
	traced bool
	now    time.Duration
	lines  []string

	up       bool
	sessions int
	process  int
	store    []Effect // asked of ZooKeeper, in order
	database []Effect // asked of the resource manager, in any order

	incarnation int32
	owner       string
	applied     []byte
	version     int32
	inbox       []Entry
	decisions   []Entry
	votes       []heldVotes
	gens        map[LogKind]Pos // the next place of each log
	given       map[LogKind]int // entries of a followed log that were given

	exists   bool
	row      SiteRow
	prepared map[Key]bool
	marked   map[Key]bool
	keys     int
	verdicts map[Key]Verdict
	recorded map[Key]Vote
}

type heldVotes struct {
	Entry
	session int // owner; its end takes an ephemeral entry away
}

func newMonkey(seed int64) *monkey {
	m := &monkey{
		seed: seed, rng: rand.New(rand.NewSource(seed)),
		gens:     map[LogKind]Pos{Inbox: {1, 0}, Votes: {1, 0}, Decisions: {1, 0}},
		prepared: map[Key]bool{}, marked: map[Key]bool{}, verdicts: map[Key]Verdict{}, recorded: map[Key]Vote{},
	}
	m.reborn()
	return m
}

// reborn is a process that crashed and was started again.
func (m *monkey) reborn() {
	m.process++
	m.up = false
	m.store, m.database = nil, nil
	m.p = NewParticipant(ParticipantConfig{
		Cluster: "c1", Name: "emr", Process: fmt.Sprintf("P%d", m.process),
		WithdrawAfter: 3 * time.Second, ScanEvery: 5 * time.Second, GenerationSize: 5, Slots: 2, MaxOps: 6,
	})
	m.w = newWatch(m.p)
}

func (m *monkey) note(format string, args ...any) {
	if m.traced {
		m.lines = append(m.lines, fmt.Sprintf(format, args...))
	}
}

func (m *monkey) trace() string {
	return strings.Join(m.lines[max(0, len(m.lines)-*monkeyTrace):], "\n")
}

func (m *monkey) play() error {
	for range 150 + m.rng.Intn(250) {
		m.step()
		if m.w.err != nil {
			return m.w.err
		}
	}
	return m.settleDown()
}

// settleDown lets a world without faults finish everything.
func (m *monkey) settleDown() error {
	m.calm = true
	if m.owner != m.p.cfg.Process || m.p.phase == phaseStopped {
		m.reborn()
	}
	for i := 0; i < 6000; i++ {
		m.calmStep()
		if m.w.err != nil {
			return m.w.err
		}
		if i%50 == 0 && m.finished() {
			return m.compare()
		}
	}
	return fmt.Errorf("does not come to an end: phase %d, inbox %d, votes %d, prepared %d, store %d, database %d, remembered %v",
		m.p.phase, len(m.inbox), len(m.votes), len(m.prepared), len(m.store), len(m.database), m.p.Branches())
}

func (m *monkey) finished() bool {
	m.dropDead()
	return m.up && m.p.phase == phaseRunning && len(m.inbox) == 0 && len(m.votes) == 0 && len(m.prepared) == 0 &&
		len(m.store) == 0 && len(m.database) == 0 && len(m.p.Branches()) == 0 && m.keys == len(m.verdicts)
}

// compare checks the database against the log.
func (m *monkey) compare() error {
	for k, v := range m.verdicts {
		if m.marked[k] != (v == VerdictCommit && !readOnly(k)) {
			return fmt.Errorf("%s was decided %s with vote %s, and the database says %v", k, v, m.recorded[k], m.marked[k])
		}
	}
	a := m.told()
	if len(a.Unfinished) > 0 || a.At.Before(m.gens[Decisions]) {
		return fmt.Errorf("applied is %v at the end, the log's end is %v", a, m.gens[Decisions])
	}
	return nil
}

// told is what "applied" holds.
func (m *monkey) told() Applied {
	var a Applied
	if len(m.applied) > 0 {
		if err := json.Unmarshal(m.applied, &a); err != nil {
			panic(err)
		}
	}
	return a
}

// retire deletes the decisions that the site has passed and no kept inbox entry needs.
func (m *monkey) retire() {
	a := m.told()
	m.decisions = slices.DeleteFunc(m.decisions, func(e Entry) bool {
		return e.Pos.Before(a.From) && !slices.Contains(a.Needs, e.Pos) && !slices.ContainsFunc(a.Unfinished, func(u Unfinished) bool {
			return slices.ContainsFunc(e.Segment.Decisions, func(d Decision) bool { return d.Key == u.Key })
		})
	})
}

func (m *monkey) calmStep() {
	switch {
	case !m.up:
		m.sessionUp()
	case len(m.store) > 0:
		m.serveStore()
	case len(m.database) > 0:
		m.serveDatabase()
	default:
		m.giveEntries()
		m.decide()
		m.tick(50 * time.Millisecond)
	}
	m.flush()
}

// step does one random thing.
func (m *monkey) step() {
	switch n := m.rng.Intn(100); {
	case n < 40:
		m.serveStore()
	case n < 58:
		m.serveDatabase()
	case n < 64:
		m.tick(time.Duration(m.rng.Intn(300)) * time.Millisecond)
	case n < 70:
		m.giveEntries()
	case n < 76:
		m.submit()
	case n < 82:
		m.decide()
	case n < 83:
		m.zombie()
	case n < 84:
		m.tick(time.Duration(m.rng.Intn(6)) * time.Second)
	case n < 85:
		m.wish()
	case n < 87 && m.up:
		m.up = false
		m.note("session lost")
		m.store = slices.DeleteFunc(m.store, func(e Effect) bool { return !isMulti(e) })
		m.tell(SessionLost{})
	case n < 88 && m.rng.Intn(4) == 0:
		m.note("crash")
		m.reborn()
	case n < 89 && m.rng.Intn(4) == 0:
		m.incarnation++ // a bump of another process, or a late one of our own
		if m.rng.Intn(2) == 0 {
			m.owner = "Q"
		}
		m.note("bump by %s to %d", m.owner, m.incarnation)
	case n < 90:
		m.dropDead()
	case n < 91:
		m.retire()
	default:
		m.flush()
	}
	if !m.up && m.rng.Intn(5) == 0 {
		m.sessionUp()
	}
	if m.p.phase == phaseStopped {
		m.note("stopped")
		m.reborn()
	}
}

func isMulti(e Effect) bool { _, ok := e.(Multi); return ok }

// sessionUp begins a session, when every multi of the one before is answered.
func (m *monkey) sessionUp() {
	for len(m.store) > 0 {
		m.serveStore()
	}
	m.up = true
	m.sessions++
	m.given = map[LogKind]int{}
	m.note("session %d", m.sessions)
	m.tell(SessionUp{Nonce: fmt.Sprintf("s%d", m.sessions)})
}

// dropDead takes away the votes of sessions that are over, some time later.
func (m *monkey) dropDead() {
	m.votes = slices.DeleteFunc(m.votes, func(v heldVotes) bool { return v.Ephemeral && v.session < m.sessions })
}

func (m *monkey) tell(e Event) {
	if m.traced {
		m.note("> %T %+v", e, e)
	}
	m.w.before(e)
	m.carryOut(m.p.Step(e))
}

func (m *monkey) flush() { m.carryOut(m.p.Flush(Hold{})) }

func (m *monkey) tick(d time.Duration) {
	m.now += d
	m.tell(Tick{Now: m.now, Wall: 1})
}

func (m *monkey) carryOut(effects []Effect) {
	for _, e := range effects {
		if m.traced {
			m.note("< %T %s", e, (&script{}).one(e))
		}
		m.w.effect(e)
		switch e := e.(type) {
		case Work, Finish, ListPrepared, LoadSite, SaveSite:
			m.database = append(m.database, e)
		case Follow:
			m.given[e.Log.Kind] = 0
		case Multi, ReadToEnd, ListLog, FindPast, ReadNode, ListNode:
			m.store = append(m.store, e)
		}
	}
}
