package zkcoord

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/medcommit/medcommit/txn"
)

// follower reads one log for as long as the session lasts: DESIGN.md, "Following a log". The scanner finds which entries there are,
// fetches read them, many at once, and the giver gives them in order.
type follower struct {
	s      *session
	log    txn.Log
	ctx    context.Context
	cancel context.CancelFunc
	line   chan place // in log order; as long as reads in flight

	mu   sync.Mutex
	asks []txn.Token   // ReadToEnd that were not carried out yet
	wake chan struct{} // holds a token when there are new asks, own entries, or another pace
	own  ownEntries
}

// place is one entry that is being read, or the answer to a ReadToEnd behind those before it.
type place struct {
	entry <-chan *txn.Entry // gives one, nil where it is gone, or is closed with the session
	end   *txn.LogEnd
}

// follow begins to read a log, unless that is under way.
func (s *session) follow(log txn.Log) {
	if s.followers[log] != nil {
		return
	}
	f := &follower{s: s, log: log, line: make(chan place, readsInFlight), wake: make(chan struct{}, 1)}
	f.ctx, f.cancel = context.WithCancel(s.ctx)
	if s.start(func(*session) { f.scan() }) && s.start(func(*session) { f.give() }) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.followers[log] = f
	}
}

func (s *session) unfollow(log txn.Log) {
	if f := s.followers[log]; f != nil {
		f.cancel()
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.followers, log)
	}
}

func (s *session) readToEnd(e txn.ReadToEnd) {
	f := s.followers[e.Log]
	if f == nil {
		if s.ctx.Err() == nil {
			s.d.log.Error("log is asked for its end and is not followed", "log", e.Log.Path())
		}
		return
	}
	f.mu.Lock()
	f.asks = append(f.asks, e.Token)
	f.mu.Unlock()
	f.wakeUp()
}

func (f *follower) wakeUp() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// scan goes through the log's generations.
func (f *follower) scan() {
	gen, ok := f.first()
	for ok {
		g := &generation{f: f, gen: gen}
		ok = g.scan()
		gen++
	}
}

// first waits for the log to exist and gives its first generation.
func (f *follower) first() (gen int32, ok bool) {
	var fires <-chan zk.Event
	for f.ctx.Err() == nil {
		reconnected := f.s.whenReconnected()
		if fires == nil {
			_, ch, err := f.existsW(f.s.d.path(f.log.GenerationPath(1)))
			if err != nil {
				f.refused(err)
				continue
			}
			fires = ch
		}
		asks := f.takeAsks()
		gens, err := f.s.generations(f.ctx, f.log)
		if err != nil {
			f.keepAsks(asks)
			f.refused(err)
			continue
		}
		if len(gens) > 0 {
			f.keepAsks(asks)
			return gens[0], true
		}
		f.answer(asks, txn.Pos{})
		if f.await(fires, nil, reconnected, recheckEvery) == wokenByWatch {
			fires = nil
		}
	}
	return 0, false
}

// refused reports what ZooKeeper does not let us see, and waits before it is tried again.
func (f *follower) refused(err error) {
	if f.ctx.Err() == nil {
		f.s.unreadable(f.log.Path(), err)
		sleep(f.ctx, recheckEvery)
	}
}

// woken is what a follower was woken by.
type woken uint8

const (
	wokenByWatch woken = iota + 1 // the entry that was waited for is there
	wokenByUs                     // there are questions or own entries, or the pace is another
	wokenToLook
)

// await waits for a watch on an entry or on a folder, for what comes from this process, a reconnect, or a while.
func (f *follower) await(fires, closes <-chan zk.Event, reconnected <-chan struct{}, while time.Duration) woken {
	t := time.NewTimer(while)
	defer t.Stop()
	select {
	case <-fires:
		return wokenByWatch
	case <-f.wake:
		return wokenByUs
	case <-closes:
	case <-reconnected:
	case <-t.C:
	case <-f.ctx.Done():
	}
	return wokenToLook
}

func (f *follower) takeAsks() []txn.Token {
	f.mu.Lock()
	defer f.mu.Unlock()
	asks := f.asks
	f.asks = nil
	return asks
}

// keepAsks puts questions back that are to be answered later.
func (f *follower) keepAsks(asks []txn.Token) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asks = append(asks, f.asks...)
}

func (f *follower) answer(asks []txn.Token, through txn.Pos) {
	for _, token := range asks {
		f.put(place{end: &txn.LogEnd{Token: token, Log: f.log, Through: through}})
	}
}

// fetch begins to read an entry.
func (f *follower) fetch(at txn.Pos) {
	entry := make(chan *txn.Entry, 1)
	if !f.put(place{entry: entry}) {
		return
	}
	if e := f.ownEntry(at); e != nil {
		entry <- e
		close(entry)
		return
	}
	f.s.start(func(s *session) {
		defer close(entry)
		if e, err := s.entry(f.ctx, f.log, at); err == nil { // else the following is over
			entry <- e
		}
	})
}

func (f *follower) put(p place) bool {
	select {
	case f.line <- p:
		return true
	case <-f.ctx.Done():
		return false
	}
}

func (f *follower) existsW(path string) (stat *zk.Stat, fires <-chan zk.Event, err error) {
	err = f.s.ask(f.ctx, reqExists, func() error {
		exists, st, ch, err := f.s.conn.ExistsW(path)
		stat, fires = st, ch
		if !exists {
			stat = nil
		}
		return err
	})
	return stat, fires, err
}

// exists gives a node's Stat; nil where it is not there.
func (f *follower) exists(path string) (stat *zk.Stat, err error) {
	err = f.s.ask(f.ctx, reqExists, func() error {
		exists, st, err := f.s.conn.Exists(path)
		stat = st
		if !exists {
			stat = nil
		}
		return err
	})
	return stat, err
}

var errNoGeneration = errors.New("a generation of the log is not there")
