package zkcoord

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/medcommit/medcommit/txn"
)

// recheckEvery is how often a watched thing is looked at although no watch has fired: the net under the watches.
const recheckEvery = time.Second

// watchKey names one watch of a session.
type watchKey struct {
	children bool
	path     string
}

func nodeWatch(path string) watchKey     { return watchKey{path: path} }
func childrenWatch(path string) watchKey { return watchKey{path: path, children: true} }

// watch is one WatchNode or WatchChildren that goes on.
type watch struct {
	s      *session
	ctx    context.Context
	cancel context.CancelFunc
	wake   bell // for another pace
}

// watch begins one, unless it is there.
func (s *session) watch(key watchKey, run func(*watch)) {
	if s.watches[key] != nil {
		return
	}
	w := &watch{s: s, wake: newBell()}
	w.ctx, w.cancel = context.WithCancel(s.ctx)
	if s.start(func(*session) { run(w) }) {
		s.watches[key] = w
	}
}

func (s *session) unwatch(key watchKey) {
	if w := s.watches[key]; w != nil {
		w.cancel()
		delete(s.watches, key)
	}
}

// node tells of a node now and whenever it has changed.
func (w *watch) node(path string) {
	var last *seen
	var looked time.Time
	for w.ctx.Err() == nil {
		w.rest(looked)
		looked = time.Now()
		reconnected := w.s.whenReconnected()
		read, stat, fires, err := w.setOnNode(path)
		if err != nil {
			w.refused(path, err)
			continue
		}
		now := seeNode(stat)
		if last == nil || now != *last {
			last = &now
			w.say(read)
		}
		w.await(fires, reconnected, func() bool { return w.look(path, seeNode) != now })
	}
}

// children tells of a node's children now and whenever they have changed.
func (w *watch) children(path string) {
	var last *seen
	for w.ctx.Err() == nil {
		reconnected := w.s.whenReconnected()
		names, stat, fires, err := w.setOnChildren(path)
		if err != nil {
			w.refused(path, err)
			continue
		}
		now := seeChildren(stat)
		if last == nil || now != *last {
			last = &now
			slices.Sort(names)
			w.say(txn.NodeListed{Path: path, Children: names})
		}
		w.await(fires, reconnected, func() bool { return w.look(path, seeChildren) != now })
	}
}

// rest lets a while pass since a node was looked at, where nobody waits for what it holds: what a site has applied changes many times
// a second. A node that has not changed for so long is read as soon as it does.
func (w *watch) rest(looked time.Time) {
	if !w.s.d.slow.Load() {
		return
	}
	t := time.NewTimer(time.Until(looked.Add(slowEvery)))
	defer t.Stop()
	select {
	case <-t.C:
	case <-w.wake:
	case <-w.ctx.Done():
	}
}

func (w *watch) say(e txn.Event) {
	if w.ctx.Err() == nil {
		w.s.say(e)
	}
}

// refused reports what ZooKeeper does not let us see, and waits before it is tried again.
func (w *watch) refused(path string, err error) {
	if w.ctx.Err() == nil {
		w.s.unreadable(path, err)
		sleep(w.ctx, recheckEvery)
	}
}

// setOnNode reads a node and sets a watch on it, or on its coming.
func (w *watch) setOnNode(path string) (read txn.NodeRead, stat *zk.Stat, fires <-chan zk.Event, err error) {
	for {
		var data []byte
		err = w.s.ask(w.ctx, reqGet, func() (err error) {
			data, stat, fires, err = w.s.conn.GetW(w.s.d.path(path))
			return err
		})
		if err == nil {
			return txn.NodeRead{Path: path, Exists: true, Version: stat.Version, Data: data}, stat, fires, nil
		}
		if !errors.Is(err, zk.ErrNoNode) {
			return txn.NodeRead{}, nil, nil, err
		}
		exists, fires, err := w.setOnComing(path)
		if err != nil || !exists {
			return txn.NodeRead{Path: path}, nil, fires, err
		}
	}
}

func (w *watch) setOnChildren(path string) (names []string, stat *zk.Stat, fires <-chan zk.Event, err error) {
	for {
		err = w.s.ask(w.ctx, reqChildren, func() (err error) {
			names, stat, fires, err = w.s.conn.ChildrenW(w.s.d.path(path))
			return err
		})
		if !errors.Is(err, zk.ErrNoNode) {
			return names, stat, fires, err
		}
		exists, fires, err := w.setOnComing(path)
		if err != nil || !exists {
			return nil, nil, fires, err
		}
	}
}

// setOnComing sets a watch on the coming of a node that was not there; it may have come meanwhile.
func (w *watch) setOnComing(path string) (exists bool, fires <-chan zk.Event, err error) {
	err = w.s.ask(w.ctx, reqExists, func() (err error) {
		exists, _, fires, err = w.s.conn.ExistsW(w.s.d.path(path))
		return err
	})
	return exists, fires, err
}

// await waits until the watch fires, or a look after a reconnect or after a while shows that it should have.
func (w *watch) await(fires <-chan zk.Event, reconnected <-chan struct{}, changed func() bool) {
	t := time.NewTicker(recheckEvery)
	defer t.Stop()
	for {
		select {
		case <-fires:
			return
		case <-w.ctx.Done():
			return
		case <-reconnected:
			reconnected = w.s.whenReconnected()
		case <-t.C:
		}
		if changed() {
			return
		}
	}
}

// look sees what is watched without a watch; what cannot be seen counts as absent, and is looked at again in full.
func (w *watch) look(path string, see func(*zk.Stat) seen) seen {
	var stat *zk.Stat
	err := w.s.ask(w.ctx, reqExists, func() error {
		exists, st, err := w.s.conn.Exists(w.s.d.path(path))
		if err == nil && exists {
			stat = st
		}
		return err
	})
	if err != nil {
		return seen{}
	}
	return see(stat)
}

// seen is what tells two states of what is watched apart; the zero value is the node's absence.
type seen struct{ created, changed int64 }

func seeNode(stat *zk.Stat) seen {
	if stat == nil {
		return seen{}
	}
	return seen{stat.Czxid, stat.Mzxid}
}

func seeChildren(stat *zk.Stat) seen {
	if stat == nil {
		return seen{}
	}
	return seen{stat.Czxid, stat.Pzxid}
}
