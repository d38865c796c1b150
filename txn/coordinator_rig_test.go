package txn

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"
)

// coordinatorRig drives one coordinator's machine over a store in memory that answers at once, but for what hold keeps back.
type coordinatorRig struct {
	t        *testing.T
	c        *Coordinator
	now      time.Duration
	events   []Event
	said     []Effect // what is not for the store
	held     []Effect
	hold     func(Effect) bool
	versions map[string]int32
	entries  map[Log][]Entry
	given    map[Log]int32
	room     int          // records of history, or decisions, that a request holds; zero: any number
	garbled  map[Log]bool // what is appended to these cannot be read
}

func newCoordinatorRig(t *testing.T, cfg CoordinatorConfig) *coordinatorRig {
	cfg.Cluster, cfg.ID, cfg.Nonce = "c1", "one", "n"
	r := &coordinatorRig{
		t: t, c: NewCoordinator(cfg), now: time.Second, hold: func(Effect) bool { return false },
		versions: map[string]int32{}, entries: map[Log][]Entry{}, given: map[Log]int32{}, garbled: map[Log]bool{},
	}
	r.step(Tick{Now: r.now, Wall: 1}, SessionUp{Nonce: "s"})
	return r
}

// step tells events and all that follows from them.
func (r *coordinatorRig) step(events ...Event) {
	r.events = append(r.events, events...)
	for range 10_000 {
		if len(r.events) > 0 {
			e := r.events[0]
			r.events = r.events[1:]
			r.take(r.c.Step(e))
			continue
		}
		flushed := r.c.Flush(Hold{})
		if len(flushed) == 0 {
			return
		}
		r.take(flushed)
	}
	r.t.Fatal("the machine does not come to rest")
}

func (r *coordinatorRig) take(effects []Effect) {
	for _, e := range slices.Clone(effects) {
		if r.hold(e) {
			r.held = append(r.held, e)
		} else {
			r.carryOut(e)
		}
	}
}

func (r *coordinatorRig) tell(e Event) { r.events = append(r.events, e) }

func (r *coordinatorRig) carryOut(e Effect) {
	switch e := e.(type) {
	case Multi:
		r.tell(r.multi(e))
	case ReadNode:
		r.tell(NodeRead{Token: e.Token, Path: e.Path, Exists: true, Version: r.versions[e.Path]})
	case ReadToEnd:
		r.tell(LogEnd{Token: e.Token, Log: e.Log, Through: Pos{Gen: 1, Num: r.given[e.Log]}})
	case ListLog:
		r.tell(LogListed{Token: e.Token, Log: e.Log, Gen: 1, Entries: slices.Clone(r.entries[e.Log])})
	case ListNode:
		r.tell(NodeListed{Token: e.Token, Path: e.Path, Children: r.children(e.Path)})
	case Follow, Unfollow, WatchNode, WatchChildren, Unwatch:
	default:
		r.said = append(r.said, e)
	}
}

func (r *coordinatorRig) children(path string) (names []string) {
	for log, entries := range r.entries {
		for _, e := range entries {
			if log.GenerationPath(e.Pos.Gen) == path {
				names = append(names, fmt.Sprintf("%s%010d", log.Prefix(), e.Pos.Num))
			}
		}
	}
	return names
}

// multi carries out a multi, all or nothing.
func (r *coordinatorRig) multi(m Multi) Event {
	for i, op := range m.Ops {
		switch op.Kind {
		case OpCheck, OpSet:
			if r.versions[op.Path] != op.Version {
				return MultiFailed{Token: m.Token, Index: i, Err: OpErrBadVersion}
			}
		case OpAppend:
			if r.room > 0 && max(len(op.Segment.History), len(op.Segment.Decisions)) > r.room {
				return MultiFailed{Token: m.Token, Index: i, Err: OpErrTooLarge}
			}
		case OpCheckEntry, OpDeleteEntry:
			if !slices.ContainsFunc(r.entries[op.Log], func(e Entry) bool { return e.Pos == op.Pos }) {
				return MultiFailed{Token: m.Token, Index: i, Err: OpErrNoNode}
			}
		}
	}
	done := MultiDone{Token: m.Token}
	for _, op := range m.Ops {
		switch op.Kind {
		case OpSet:
			r.versions[op.Path]++
		case OpDeleteEntry:
			r.vanish(op.Log, op.Pos)
		case OpAppend:
			done.Appended = append(done.Appended, r.append(op.Log, op.Segment))
		}
	}
	return done
}

// append puts a segment into a log, whose followers read it.
func (r *coordinatorRig) append(log Log, s *Segment) Pos {
	e := Entry{Pos: Pos{Gen: 1, Num: r.given[log]}, Size: 100, Segment: s}
	if r.garbled[log] {
		e.Segment = nil
	}
	r.given[log]++
	r.entries[log] = append(r.entries[log], e)
	if log.Kind != Inbox {
		r.tell(Entries{Log: log, Entries: []Entry{e}})
	}
	return e.Pos
}

func (r *coordinatorRig) vanish(log Log, pos Pos) {
	r.entries[log] = slices.DeleteFunc(r.entries[log], func(e Entry) bool { return e.Pos == pos })
}

func (r *coordinatorRig) lead() {
	r.step(Lead{ElectionPath: "election/one", Nonce: "e"})
}

func (r *coordinatorRig) pass(d time.Duration) {
	r.now += d
	r.step(Tick{Now: r.now, Wall: 1 + r.now.Milliseconds()})
}

func (r *coordinatorRig) submit(ticket Ticket, key Key, id string, sites ...string) {
	s := Submit{Ticket: ticket, Submission: Submission{Key: key, ID: id, Digest: "d", Participants: sites, Timeout: 600_000}}
	for range sites {
		s.Prepares = append(s.Prepares, Prepare{Key: key, ID: id})
	}
	r.step(s)
}

func (r *coordinatorRig) vote(site string, keys ...Key) Pos {
	s := &Segment{}
	for _, k := range keys {
		s.Votes = append(s.Votes, VoteRecord{Key: k, Ballot: Commit()})
	}
	pos := r.append(Log{Kind: Votes, Participant: site}, s)
	r.step()
	return pos
}

// apply has sites apply all that is decided.
func (r *coordinatorRig) apply(sites ...string) {
	end := Pos{Gen: 1, Num: r.given[decisionsLog]}
	data, err := json.Marshal(Applied{At: end, From: end})
	if err != nil {
		r.t.Fatal(err)
	}
	for _, s := range sites {
		r.step(NodeRead{Path: AppliedPath(s), Exists: true, Data: data})
	}
}

// answered gives the last answer to a submission.
func (r *coordinatorRig) answered(ticket Ticket) (last SubmitResult) {
	for _, e := range r.said {
		if s, ok := e.(Submitted); ok && s.Ticket == ticket {
			last = s.Result
		}
	}
	return last
}

func (r *coordinatorRig) state(key Key) State {
	t, _, _ := r.c.LookupKey(key)
	return t.State
}
