package zkcoord

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/medcommit/medcommit/txn"
)

// slowEvery is how often a log is looked at for which nobody waits, and at most a node; lookEvery where ZooKeeper refuses to tell of
// what comes.
const (
	slowEvery = 300 * time.Millisecond
	lookEvery = 20 * time.Millisecond
)

// follower reads one log for as long as the session lasts: DESIGN.md, "Following a log". The scanner finds which entries there are,
// fetches read them, many at once, and the giver gives them in order.
type follower struct {
	s      *session
	log    txn.Log
	ctx    context.Context
	cancel context.CancelFunc
	line   chan place // in log order; as long as reads in flight

	before  <-chan struct{} // closed when the scanner of the follower before this one has ended; nil: there was none
	scanned chan struct{}   // closed when this one's has

	wake bell // for news in what follows, and another pace

	mu   sync.Mutex
	asks []txn.Token // ReadToEnd that were not carried out yet
	news news
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
	f := &follower{
		s: s, log: log, line: make(chan place, readsInFlight), wake: newBell(),
		before: s.scans[log], scanned: make(chan struct{}),
	}
	f.ctx, f.cancel = context.WithCancel(s.ctx)
	s.scans[log] = f.scanned
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
	f.wake.ring()
}

// scan goes through the log's generations.
func (f *follower) scan() {
	defer close(f.scanned)
	if f.before != nil {
		<-f.before
	}
	g, ok := f.first()
	for ok {
		ok = g.scan()
		g = &generation{f: f, gen: g.gen + 1}
	}
}

// first waits for the log to exist and gives its first generation.
func (f *follower) first() (*generation, bool) {
	g := &generation{f: f, gen: 1}
	for f.ctx.Err() == nil {
		if err := g.attend(); err != nil {
			break
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
			if gens[0] != g.gen {
				g.watch.remove()
				g = &generation{f: f, gen: gens[0]}
			}
			return g, true
		}
		f.answer(asks, txn.Pos{})
		f.await(g.lost(), g.every())
	}
	g.watch.remove()
	return nil, false
}

// refused reports what ZooKeeper does not let us see, and waits before it is tried again.
func (f *follower) refused(err error) {
	if f.ctx.Err() == nil {
		f.s.unreadable(f.log.Path(), err)
		sleep(f.ctx, recheckEvery)
	}
}

// await waits for a question, an own entry, a watch or another pace, for the end of a connection, or for a while: then it gives true.
func (f *follower) await(lost <-chan struct{}, while time.Duration) (passed bool) {
	t := time.NewTimer(while)
	defer t.Stop()
	select {
	case <-f.wake:
	case <-lost:
	case <-t.C:
		return true
	case <-f.ctx.Done():
	}
	return false
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

// Slow says whether nobody waits for what the followed logs and the watched nodes hold; a question for a log's end is answered at
// once all the same.
func (d *Driver) Slow(slow bool) {
	if d.slow.Swap(slow) == slow {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.told == nil {
		return
	}
	for _, f := range d.told.followers {
		f.wake.ring()
	}
	for _, w := range d.told.watches {
		w.wake.ring()
	}
}

// fetch begins to read the entries at a few places of one generation, and puts them into the line.
func (f *follower) fetch(places []txn.Pos) {
	var unread reading
	line := make([]place, len(places))
	for i, at := range places {
		entry := make(chan *txn.Entry, 1)
		line[i] = place{entry: entry}
		if e := f.ownEntry(at); e != nil {
			entry <- e
			close(entry)
			continue
		}
		unread.places = append(unread.places, at)
		unread.entries = append(unread.entries, entry)
	}
	if len(unread.places) > 0 {
		f.s.start(func(*session) { f.readAll(unread) })
	}
	for _, p := range line {
		if !f.put(p) {
			return
		}
	}
}

// reading is places of one generation that are being read, and where what is found there goes; it is closed afterwards.
type reading struct {
	places  []txn.Pos
	entries []chan<- *txn.Entry
}

// readAll reads entries, all in one request. What is not found is looked for by itself.
func (f *follower) readAll(r reading) {
	found := make([]*txn.Entry, len(r.places))
	if len(r.places) > 1 {
		_ = f.s.some(f.ctx, f.log, r.places, found) // the following is over, or it is tried again
	}
	for i, at := range r.places {
		e, err := found[i], error(nil)
		if e == nil {
			e, err = f.entry(at)
		}
		if err == nil { // else the following is over
			r.entries[i] <- e
		}
		close(r.entries[i])
	}
}

// entry reads an entry that was given out; nil where it is gone. That it is gone is concluded only from a server that has seen it come:
// what a watch told is not among what the library says to have seen when it connects to another server, which may be behind (R6).
func (f *follower) entry(at txn.Pos) (*txn.Entry, error) {
	for {
		e, err := f.s.entry(f.ctx, f.log, at)
		if e != nil || err != nil {
			return e, err
		}
		stat, err := f.exists(f.s.d.path(f.log.GenerationPath(at.Gen)))
		if err != nil {
			return nil, err
		}
		if stat != nil && created(stat) > at.Num {
			return f.s.entry(f.ctx, f.log, at)
		}
		if !sleep(f.ctx, retryAfter) {
			return nil, fmt.Errorf("read entry: %w", f.ctx.Err())
		}
	}
}

func (f *follower) put(p place) bool {
	select {
	case f.line <- p:
		return true
	case <-f.ctx.Done():
		return false
	}
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
