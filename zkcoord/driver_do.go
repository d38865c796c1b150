package zkcoord

import (
	"fmt"

	"github.com/medcommit/medcommit/txn"
)

// Do carries out store effects, in order, without blocking. Those of an ended session are answered (a Multi, by MultiLost) or
// dropped (a read).
func (d *Driver) Do(effects ...txn.Effect) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, e := range effects {
		if m, ok := e.(txn.Multi); ok {
			d.doMulti(m)
		} else if d.told != nil {
			d.told.read(e)
		}
	}
}

// doMulti is called under d.mu: were it not, the answer to a multi of an ended session could come after the next SessionUp.
func (d *Driver) doMulti(m txn.Multi) {
	if d.told != nil && d.told.start(func(s *session) { d.events.push(item{event: s.multi(m)}) }) {
		return
	}
	d.orphans = append(d.orphans, txn.MultiLost{Token: m.Token, Unsent: true})
	d.events.wake.ring()
}

// read begins a read, or ends one that goes on.
func (s *session) read(e txn.Effect) {
	switch e := e.(type) {
	case txn.ReadNode:
		s.start(func(s *session) { s.readNode(e) })
	case txn.ListNode:
		s.start(func(s *session) { s.listNode(e) })
	case txn.FindPast:
		s.start(func(s *session) { s.findPast(e) })
	case txn.ListPast:
		s.start(func(s *session) { s.listPast(e) })
	case txn.ListLog:
		s.start(func(s *session) { s.listLog(e) })
	case txn.Follow:
		s.follow(e.Log)
	case txn.Unfollow:
		s.unfollow(e.Log)
	case txn.ReadToEnd:
		s.readToEnd(e)
	case txn.WatchNode:
		s.watch(nodeWatch(e.Path), func(w *watch) { w.node(e.Path) })
	case txn.WatchChildren:
		s.watch(childrenWatch(e.Path), func(w *watch) { w.children(e.Path) })
	case txn.Unwatch:
		s.unwatch(nodeWatch(e.Path))
		s.unwatch(childrenWatch(e.Path))
	default:
		panic(fmt.Sprintf("zkcoord: %T is no effect on the store", e))
	}
}

// say gives an event of a read. It is dropped when the consumer no longer takes the session to be alive.
func (s *session) say(e txn.Event) { s.d.events.push(item{session: s, event: e}) }
