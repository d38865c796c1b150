package sim

import "github.com/medcommit/medcommit/txn"

// linkState is how a process stands to ZooKeeper.
type linkState uint8

const (
	linkNone   linkState = iota // no session; the next one may be opened
	linkUp                      // a session, connected
	linkDown                    // a session, suspended
	linkEnding                  // the session is known to be over; what was asked is being answered
)

// link is what a process has of ZooKeeper: its session, what it asked, and what it has not heard yet.
type link struct {
	state   linkState
	sess    *session
	asked   []txn.Effect // not yet carried out
	answers []answer     // carried out, not yet heard
	follows []follow
	watches []watch
	held    bool // a scenario lets nothing happen here
}

// answer is an event on its way to a process, and how new the server was that gave it.
type answer struct {
	event txn.Event
	at    zxid
}

// follow is a reader of one log.
type follow struct {
	log  *logFolder
	next txn.Pos
}

// watch is a reader of one node or of its children.
type watch struct {
	path     string
	children bool
	told     bool
	at       zxid
}

// do takes a store effect of the process's machine.
func (w *world) do(p *process, e txn.Effect) {
	l := &p.link
	if l.sess == nil || l.state == linkEnding {
		m, multi := e.(txn.Multi)
		if multi {
			l.answers = append(l.answers, answer{event: txn.MultiLost{Token: m.Token, Unsent: w.rng.chance(2)}})
		}
		if multi || !p.mutant.hidden {
			return
		}
	}
	switch e := e.(type) {
	case txn.Follow:
		lf := w.zk.logs[e.Log]
		if lf == nil {
			return
		}
		l.unfollow(e.Log)
		l.follows = append(l.follows, follow{log: lf, next: txn.Pos{Gen: 1}})
	case txn.Unfollow:
		l.unfollow(e.Log)
	case txn.WatchNode:
		l.watches = append(l.watches, watch{path: e.Path})
	case txn.WatchChildren:
		l.watches = append(l.watches, watch{path: e.Path, children: true})
	case txn.Unwatch:
		l.unwatch(e.Path)
	default:
		l.asked = append(l.asked, e)
	}
}

func (l *link) unfollow(log txn.Log) {
	for i := range l.follows {
		if l.follows[i].log.log == log {
			l.follows = append(l.follows[:i:i], l.follows[i+1:]...)
			return
		}
	}
}

func (l *link) unwatch(path string) {
	kept := l.watches[:0:0]
	for _, w := range l.watches {
		if w.path != path {
			kept = append(kept, w)
		}
	}
	l.watches = kept
}

func (l *link) followOf(log txn.Log) *follow {
	for i := range l.follows {
		if l.follows[i].log.log == log {
			return &l.follows[i]
		}
	}
	return nil
}

// take gives the next entries of a followed log as they stand at v, at most n; those that are gone are passed over.
func (f *follow) take(v zxid, n int) []txn.Entry {
	var out []txn.Entry
	for n > 0 && f.next.Gen >= 1 && int(f.next.Gen) <= len(f.log.gens) {
		g := f.log.gens[f.next.Gen-1]
		if int(f.next.Num) < len(g.entries) && g.entries[f.next.Num].born <= v {
			if e := g.entries[f.next.Num]; e.seenAt(v) {
				out = append(out, e.read())
				n--
			}
			f.next.Num++
			continue
		}
		st := g.node.at(v)
		later := int(f.next.Gen) < len(f.log.gens) && f.log.gens[f.next.Gen].node.at(v).exists
		if !later || (st.exists && st.version == 0) {
			break
		}
		f.next = txn.Pos{Gen: f.next.Gen + 1}
	}
	return out
}

// news tells whether the log has more at v.
func (f *follow) news(v zxid) bool {
	g := f.log.gens[f.next.Gen-1]
	if int(f.next.Num) < len(g.entries) {
		return g.entries[f.next.Num].born <= v
	}
	return int(f.next.Gen) < len(f.log.gens) && f.log.gens[f.next.Gen].node.at(v).exists
}

// fire tells whether a watch has something to tell at v, and what.
func (w *world) fire(p *process, t *watch, v zxid) (txn.Event, bool) {
	n := w.zk.lookup(t.path)
	if t.children {
		if t.told && !kidsChanged(n, t.at, v) {
			return nil, false
		}
		return txn.NodeListed{Path: t.path, Children: w.zk.children(t.path, v)}, true
	}
	st := n.at(v)
	if t.told && st == n.at(t.at) {
		return nil, false
	}
	return txn.NodeRead{Path: t.path, Exists: st.exists, Version: st.version, Data: st.data}, true
}

func kidsChanged(n *node, from, to zxid) bool {
	if n == nil {
		return false
	}
	for _, k := range n.kids {
		if k.at(from).exists != k.at(to).exists {
			return true
		}
	}
	return false
}
