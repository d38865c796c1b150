package zkcoord

import (
	"strings"
	"sync"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/medcommit/medcommit/txn"
)

const (
	// presentEvery is how often a session's node is rewritten at most.
	presentEvery = time.Second
	// presentAgain is how often it is looked at whether the node still holds what was written.
	presentAgain = 5 * time.Second
)

// presenter keeps the nodes of this process's participants under "sessions" as they were last presented.
type presenter struct {
	mu      sync.Mutex
	shown   map[string]txn.Presented
	changed chan struct{} // closed, and made anew, at every change
}

func (p *presenter) init() {
	p.shown = map[string]txn.Presented{}
	p.changed = make(chan struct{})
}

// Present rewrites what this session's node of participant name shows: the ephemeral node that a multi of the session has made
// under the participant's "sessions". It is sent when it has changed, at most once a second, and in every later session again.
func (d *Driver) Present(name string, presented txn.Presented) {
	p := &d.present
	p.mu.Lock()
	defer p.mu.Unlock()
	if was, ok := p.shown[name]; ok && was == presented {
		return
	}
	p.shown[name] = presented
	close(p.changed)
	p.changed = make(chan struct{})
}

func (p *presenter) get(name string) (txn.Presented, bool, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	presented, ok := p.shown[name]
	return presented, ok, p.changed
}

// keep writes the node at path for as long as the session lasts.
func (p *presenter) keep(s *session, name, path string) {
	var written *txn.Presented
	var version int32
	again := time.NewTicker(presentAgain)
	defer again.Stop()
	for s.ctx.Err() == nil {
		presented, ok, changed := p.get(name)
		if ok && (written == nil || *written != presented) {
			// No version is checked: the node is this session's own, and nobody else writes it.
			err := s.ask(s.ctx, reqSet, func() error {
				stat, err := s.conn.Set(path, record(presented), -1)
				if err == nil {
					version = stat.Version
				}
				return err
			})
			if err != nil {
				return // the node is gone: a later incarnation has deleted it
			}
			written = &presented
			p.rest(s, name, presented.Ready)
			continue
		}
		select {
		case <-changed:
		case <-again.C:
			if !s.holds(path, version) {
				written = nil // somebody else wrote there, who should not have
			}
		case <-s.ctx.Done():
			return
		}
	}
}

// holds tells whether a node is still at the version at which it was written here.
func (s *session) holds(path string, version int32) bool {
	var stat *zk.Stat
	err := s.ask(s.ctx, reqExists, func() (err error) {
		_, stat, err = s.conn.Exists(path)
		return err
	})
	return err == nil && stat.Version == version
}

// rest waits until the node may be written again: a while, but no longer than the site stays as ready, or not, as it is shown.
func (p *presenter) rest(s *session, name string, ready bool) {
	over := time.NewTimer(presentEvery)
	defer over.Stop()
	for {
		presented, _, changed := p.get(name)
		if presented.Ready != ready {
			return
		}
		select {
		case <-changed:
		case <-over.C:
			return
		case <-s.ctx.Done():
			return
		}
	}
}

// sessionNode tells whether op makes the node of a participant's session, and of which participant.
func sessionNode(op txn.Op) (participant string, ok bool) {
	parts := strings.Split(op.Path, "/")
	if op.Kind != txn.OpCreate || !op.Ephemeral || len(parts) != 4 {
		return "", false
	}
	return parts[1], strings.Join(parts[:3], "/") == txn.SessionsPath(parts[1])
}
