package sim

import (
	"sort"

	"github.com/medcommit/medcommit/txn"
)

// allTold checks that after the faults everything is decided and everybody who waits was told (AC5), and that new work commits.
func (j *judge) allTold() {
	w := j.w
	for _, k := range j.order {
		if j.trials[k].decision == nil {
			w.stuck("%s is not decided", k)
		}
	}
	for _, c := range w.clients {
		if c.told == toldNothing && c.at.alive {
			w.stuck("the client of %s (%s) is not answered", c.id, c.key)
		}
	}
	j.viewsAreLoud()
	if c := w.last; c != nil && c.told != toldCommitted && !j.anyRestored() {
		w.stuck("new work is not committed, its client is told %v", c.told)
	}
}

func (j *judge) anyRestored() bool {
	for _, n := range j.w.names {
		if j.w.sites[n].restored {
			return true
		}
	}
	return false
}

// nothingLeft checks the end: every site did what was decided and holds nothing more, and ZooKeeper holds nothing either.
func (j *judge) nothingLeft() {
	w := j.w
	for _, k := range j.order {
		t := j.trials[k]
		for _, name := range t.sub.Participants {
			j.isDone(t, name, "over")
		}
	}
	j.allAnswered()
	for _, n := range w.names {
		s := w.sites[n]
		for k := range s.db.prepared {
			w.stuck("%s is still prepared at %s", k, n)
		}
		if s.db.stock < 0 {
			w.violate("the stock of %s is %d", n, s.db.stock)
		}
	}
	if len(j.lost) > 0 {
		return // what was lost with a database stays until an operator has settled it, and all that shares a segment with it
	}
	j.logsEmpty()
	for _, name := range w.zk.children("payloads", never) {
		w.stuck("the payload %s is left", name)
	}
}

func (j *judge) logsEmpty() {
	w := j.w
	logs := make([]txn.Log, 0, len(w.zk.logs))
	for l := range w.zk.logs {
		logs = append(logs, l)
	}
	sort.Slice(logs, func(a, b int) bool { return logs[a].Path() < logs[b].Path() })
	for _, l := range logs {
		if l.Kind == txn.History && w.retention > maxForgotten {
			continue
		}
		for _, e := range w.zk.logs[l].live() {
			w.stuck("%s %v is left:%s", l, e.pos, show(e.segment))
		}
	}
}
