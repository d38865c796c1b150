package zkcoord

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"

	"github.com/medcommit/medcommit/txn"
)

var (
	// errGone says that an entry of history is not there any more.
	errGone = errors.New("the entry of history is gone")
	// errUnreadable says that an entry of history cannot be read any more: what its ids mean is not known, and not "nothing".
	errUnreadable = errors.New("the entry of history cannot be read")
)

// cachedChapters is how many decoded entries of history are kept.
const cachedChapters = 8

// segments is what a coordinator keeps of the entries of history beside the machine's index: how new each is, for listings, and
// the last few that were read.
type segments struct {
	mu     sync.Mutex
	spans  map[txn.Pos]span // of each entry
	recent *list.List       // of *chapterRead, newest use first
}

// span is the least and the greatest key in an entry of history.
type span struct{ oldest, newest txn.Key }

type chapterRead struct {
	pos  txn.Pos
	past []txn.Past
}

func newSegments() *segments { return &segments{spans: map[txn.Pos]span{}, recent: list.New()} }

// see notes entries of history as they are read.
func (s *segments) see(entries []txn.Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range entries {
		if e.Segment == nil {
			continue
		}
		var sp span
		for i := range e.Segment.History {
			key := e.Segment.History[i].Submission.Key
			sp.newest = max(sp.newest, key)
			if i == 0 || key < sp.oldest {
				sp.oldest = key
			}
		}
		s.spans[e.Pos] = sp
	}
}

// clear forgets everything: a new session reads it anew.
func (s *segments) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.spans)
	s.recent.Init()
}

// keep forgets the entries that are not among there.
func (s *segments) keep(there []txn.Pos) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(there) == len(s.spans) {
		return
	}
	kept := make(map[txn.Pos]span, len(there))
	for _, pos := range there {
		if sp, ok := s.spans[pos]; ok {
			kept[pos] = sp
		}
	}
	s.spans = kept
}

// all gives the span of each entry.
func (s *segments) all() map[txn.Pos]span {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.spans)
}

func (s *segments) cached(pos txn.Pos) ([]txn.Past, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for e := s.recent.Front(); e != nil; e = e.Next() {
		if read := e.Value.(*chapterRead); read.pos == pos {
			s.recent.MoveToFront(e)
			return read.past, true
		}
	}
	return nil, false
}

func (s *segments) cache(pos txn.Pos, past []txn.Past) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.recent.PushFront(&chapterRead{pos, past})
	if s.recent.Len() > cachedChapters {
		s.recent.Remove(s.recent.Back())
	}
}

// chapter gives the records of one entry of history, or errGone. They are shared: callers change nothing in them.
func (c *Coordinator) chapter(ctx context.Context, pos txn.Pos) ([]txn.Past, error) {
	if past, ok := c.segments.cached(pos); ok {
		return past, nil
	}
	answers := make(chan txn.Event, 1)
	path := txn.Log{Kind: txn.History}.EntryPath(pos)
	c.box.put(letter{call: func() { c.port.read(path, func(e txn.Event) { answers <- e }) }})
	select {
	case e := <-answers:
		node, ok := e.(txn.NodeRead)
		switch {
		case !ok:
			return nil, txn.ErrUnavailable
		case !node.Exists:
			return nil, errGone
		}
		segment, err := c.driver.codec.decode(node.Data)
		if err != nil {
			c.log.Error("entry of history cannot be decoded", "at", pos.String(), "error", err)
			return nil, fmt.Errorf("read an entry of history: %w: %w", errUnreadable, txn.ErrUnavailable)
		}
		c.segments.cache(pos, segment.History)
		return segment.History, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-c.ended:
		return nil, txn.ErrUnavailable
	}
}
