package zkcoord

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/go-zookeeper/zk"
	"golang.org/x/sync/errgroup"

	"github.com/medcommit/medcommit/txn"
)

func (s *session) readNode(e txn.ReadNode) {
	s.untilAllowed(e.Path, func() error {
		read, _, err := s.node(s.ctx, e.Path)
		if err == nil {
			read.Token = e.Token
			afterRead(read)
			s.say(read)
		}
		return err
	})
}

// untilAllowed repeats a read that ZooKeeper refuses, and reports it each time: the machine is left without an answer meanwhile, for
// none would be true.
func (s *session) untilAllowed(path string, read func() error) {
	for {
		err := read()
		if err == nil {
			return
		}
		s.unreadable(path, err)
		if !sleep(s.ctx, recheckEvery) {
			return
		}
	}
}

// node reads a node once.
func (s *session) node(ctx context.Context, path string) (txn.NodeRead, *zk.Stat, error) {
	var data []byte
	var stat *zk.Stat
	err := s.ask(ctx, reqGet, func() (err error) {
		data, stat, err = s.conn.Get(s.d.path(path))
		return err
	})
	switch {
	case errors.Is(err, zk.ErrNoNode):
		return txn.NodeRead{Path: path}, nil, nil
	case err != nil:
		return txn.NodeRead{}, nil, fmt.Errorf("read node: %w", err)
	}
	return txn.NodeRead{Path: path, Exists: true, Version: stat.Version, Data: data}, stat, nil
}

func (s *session) listNode(e txn.ListNode) {
	s.untilAllowed(e.Path, func() error {
		names, _, err := s.list(s.ctx, s.d.path(e.Path))
		if err != nil && !errors.Is(err, zk.ErrNoNode) {
			return err
		}
		s.say(txn.NodeListed{Token: e.Token, Path: e.Path, Children: names})
		return nil
	})
}

// list gives the sorted children of a full path; zk.ErrNoNode where it is not there.
func (s *session) list(ctx context.Context, path string) (names []string, stat *zk.Stat, err error) {
	err = s.ask(ctx, reqChildren, func() (err error) {
		names, stat, err = s.conn.Children(path)
		return err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("list node: %w", err)
	}
	slices.Sort(names)
	return names, stat, nil
}

// unreadable reports a read that ZooKeeper refused.
func (s *session) unreadable(path string, err error) {
	if s.ctx.Err() == nil {
		s.d.log.Error("node cannot be read", "path", path, "error", err)
	}
}

func (s *session) listLog(e txn.ListLog) {
	s.untilAllowed(e.Log.Path(), func() error {
		listed, err := s.wholeLog(e.Log)
		if err == nil {
			listed.Token = e.Token
			s.say(listed)
		}
		return err
	})
}

func (s *session) wholeLog(log txn.Log) (txn.LogListed, error) {
	listed := txn.LogListed{Log: log}
	gens, err := s.generations(s.ctx, log)
	if err != nil {
		return listed, err
	}
	for _, gen := range gens {
		places, _, err := s.places(s.ctx, log, gen)
		if err != nil {
			return listed, err
		}
		entries, err := s.entries(s.ctx, log, places)
		if err != nil {
			return listed, err
		}
		listed.Gen = gen
		listed.Entries = append(listed.Entries, entries...)
	}
	return listed, nil
}

// generations are those that a log has, in order; none where the log is not there.
func (s *session) generations(ctx context.Context, log txn.Log) ([]int32, error) {
	names, _, err := s.list(ctx, s.d.path(log.Path()))
	if errors.Is(err, zk.ErrNoNode) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var gens []int32
	for _, name := range names {
		digits, ok := strings.CutPrefix(name, "g-")
		if !ok {
			continue
		}
		if n, err := strconv.ParseInt(digits, 10, 32); err == nil {
			gens = append(gens, int32(n))
		}
	}
	slices.Sort(gens) // by number: g-10 comes behind g-9
	return gens, nil
}

// places are those of the entries that one generation of a log holds, in order, and the generation's Stat of the same moment.
func (s *session) places(ctx context.Context, log txn.Log, gen int32) ([]txn.Pos, *zk.Stat, error) {
	names, stat, err := s.list(ctx, s.d.path(log.GenerationPath(gen)))
	if err != nil {
		return nil, nil, err
	}
	places := make([]txn.Pos, 0, len(names))
	for _, name := range names {
		num, err := sequence(name)
		if err != nil {
			s.d.log.Error("log holds what is no entry", "log", log.Path())
			continue
		}
		places = append(places, txn.Pos{Gen: gen, Num: num})
	}
	return places, stat, nil
}

// readsInFlight is how many places of a log may be waited for at once, and how many requests for them.
const readsInFlight = 64

// entries reads the entries at places of one generation that are still there.
func (s *session) entries(ctx context.Context, log txn.Log, places []txn.Pos) ([]txn.Entry, error) {
	found := make([]*txn.Entry, len(places))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(readsInFlight)
	for i := 0; i < len(places); i += readAtOnce {
		to := min(i+readAtOnce, len(places))
		g.Go(func() error { return s.some(ctx, log, places[i:to], found[i:to]) })
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	var entries []txn.Entry
	for _, e := range found {
		if e != nil {
			entries = append(entries, *e)
		}
	}
	return entries, nil
}

// some reads the entries at a few places of one generation into found, which stays nil where they are gone; in one request, or where
// ZooKeeper refuses that in one each.
func (s *session) some(ctx context.Context, log txn.Log, places []txn.Pos, found []*txn.Entry) error {
	many, refused := s.getMany(ctx, log, places)
	if refused != nil && ctx.Err() == nil {
		s.d.log.Warn("ZooKeeper does not read many entries at once", "log", log.Path(), "error", refused)
	}
	for i, at := range places {
		var err error
		if refused == nil {
			if found[i], err = s.d.entry(log, at, many[i]); err == nil {
				continue
			}
		}
		if found[i], err = s.entry(ctx, log, at); err != nil {
			return err
		}
	}
	return nil
}

// entry reads one entry; nil where it is gone.
func (s *session) entry(ctx context.Context, log txn.Log, at txn.Pos) (*txn.Entry, error) {
	path := s.d.entryPath(log, at)
	var data []byte
	var stat *zk.Stat
	err := s.ask(ctx, reqGet, func() (err error) {
		data, stat, err = s.conn.Get(path)
		return err
	})
	if err != nil {
		return s.d.entry(log, at, got{err: err})
	}
	return s.d.entry(log, at, got{data: data, ephemeral: stat.EphemeralOwner != 0})
}

// entry makes an entry of what was read; nil where it is gone. A vote that may not be read counts as vanished (R2); any other entry
// that may not be read is as good as one that cannot be decoded.
func (d *Driver) entry(log txn.Log, at txn.Pos, read got) (*txn.Entry, error) {
	switch {
	case read.err == nil:
		e := &txn.Entry{Pos: at, Ephemeral: read.ephemeral, Size: len(read.data)}
		e.Segment, e.Newer = d.decode(log, at, read.data)
		return e, nil
	case errors.Is(read.err, zk.ErrNoNode), errors.Is(read.err, zk.ErrNoAuth) && log.Kind == txn.Votes:
		return nil, nil
	case errors.Is(read.err, zk.ErrNoAuth):
		d.metrics.undecodable.WithLabelValues(log.Prefix()[:1]).Inc()
		d.log.Error("log entry may not be read", "log", log.Path(), "at", at.String())
		return &txn.Entry{Pos: at, Newer: true}, nil // nor is it ours to delete
	}
	return nil, fmt.Errorf("read entry: %w", read.err)
}

// decode gives nil for what cannot be decoded, or is of another log; newer says that a newer program wrote it.
func (d *Driver) decode(log txn.Log, at txn.Pos, data []byte) (seg *txn.Segment, newer bool) {
	seg, err := d.codec.decode(data)
	if err == nil {
		err = belongs(seg, log)
	}
	if err != nil {
		d.metrics.undecodable.WithLabelValues(log.Prefix()[:1]).Inc()
		d.log.Error("log entry cannot be decoded", "log", log.Path(), "at", at.String(), "error", err)
		return nil, errors.Is(err, txn.ErrFormat)
	}
	return seg, false
}

// created is how many children a node was ever given, whatever became of them: each create and each delete raises the version of
// the children by one.
func created(stat *zk.Stat) int32 {
	return int32((int64(stat.Cversion) + int64(stat.NumChildren)) / 2)
}
