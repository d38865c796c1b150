package zkcoord

import (
	"fmt"
	"strings"
	"time"

	"github.com/go-zookeeper/zk"
)

// folderWatch is a persistent recursive watch (ZooKeeper 3.6 and later) on the folder of one generation of a log. It tells of every
// node that is created there by its name, and stands until its connection ends: no request has to set it anew for each entry.
//
// There must be no one-shot watch on the folder as well: before ZOOKEEPER-4466 a server keeps one kind for a path and a connection.
type folderWatch struct {
	f       *follower
	path    string
	ends    <-chan struct{} // closed when there is another connection than that on which it was set
	refused bool            // by ZooKeeper: its watch manager has none of the kind
}

// watchFolder has the follower told of what is created in a generation of its log from now on, until the connection ends.
func (f *follower) watchFolder(path string) (*folderWatch, error) {
	s := f.s
	s.mu.Lock()
	s.folders[path] = f
	s.mu.Unlock()
	for {
		w := &folderWatch{f: f, path: path, ends: s.whenReconnected()}
		since := time.Now()
		err := s.conn.Delete(path, carriesAdd)
		switch {
		case err == nil:
			s.d.metrics.observe(reqWatch, since)
			return w, nil
		case !sleep(f.ctx, retryAfter):
			return nil, fmt.Errorf("watch %s: %w", f.log.Path(), f.ctx.Err())
		case !passes(err):
			s.d.log.Warn("ZooKeeper refuses a persistent watch: the log is looked at again and again instead; "+
				"use ZooKeeper 3.6 or later with its default watch manager", "log", f.log.Path(), "error", err)
			w.refused = true
			return w, nil
		}
	}
}

// passes tells whether an error is about the connection or the session, not about what was asked.
func passes(err error) bool {
	return isOneOf(err, zk.ErrConnectionClosed, zk.ErrNoServer, zk.ErrClosing, zk.ErrSessionExpired, zk.ErrSessionMoved)
}

// stands tells whether nothing is to be done about the watch: it is there still, or would be refused again.
func (w *folderWatch) stands() bool {
	return w != nil && !closed(w.ends)
}

// remove ends the watch; what comes meanwhile is for nobody.
func (w *folderWatch) remove() {
	if w == nil {
		return
	}
	s := w.f.s
	s.mu.Lock()
	delete(s.folders, w.path)
	s.mu.Unlock()
	if w.refused || s.ctx.Err() != nil {
		return
	}
	if err := s.conn.Delete(w.path, carriesRemoval); err != nil {
		s.d.log.Debug("watch not removed", "error", err)
	}
}

// stirred takes what a watch on a folder tells, in the library's goroutine.
func (s *session) stirred(ev zk.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.folders[ev.Path]; f != nil {
		f.stirred() // the folder itself: it was made, or closed
		return
	}
	at := strings.LastIndexByte(ev.Path, '/')
	if ev.Type != zk.EventNodeCreated || at < 0 {
		return
	}
	f := s.folders[ev.Path[:at]]
	if f == nil {
		return
	}
	if num, err := sequence(ev.Path); err == nil {
		f.created(num)
	}
}
