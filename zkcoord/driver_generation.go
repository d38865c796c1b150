package zkcoord

import (
	"fmt"

	"github.com/go-zookeeper/zk"

	"github.com/medcommit/medcommit/txn"
)

// generation is a follower's way through one generation of its log.
type generation struct {
	f    *follower
	gen  int32
	next int32 // every entry before it has been put into the line, or is gone

	fires  <-chan zk.Event // a watch on the entry next, which is not there
	closes <-chan zk.Event // a watch on the folder's data
	looked bool            // at the folder, since the last time that anything but an entry woke the scanner
	pace   pace            // of this step
	rests  bool            // there is no watch, and it is not time to look
}

// listAbove is the distance from which on the entries that are still there are listed: going through numbers one by one is for few.
const listAbove = 256

// scan follows the generation until it is closed and read to its count: then it gives true. It gives false when the session, or
// the following, is over.
func (g *generation) scan() bool {
	f := g.f
	listed := false
	for f.ctx.Err() == nil {
		reconnected := f.s.whenReconnected()
		over, err := g.step(&listed)
		if err != nil {
			f.refused(err)
			continue
		}
		if over {
			return true
		}
		if g.fires == nil && !g.rests {
			continue // there was something: look for more
		}
		switch f.await(g.fires, g.closes, reconnected, g.pace.every()) {
		case wokenByWatch:
			g.fires = nil
			f.fetch(txn.Pos{Gen: g.gen, Num: g.next})
			g.next++
		case wokenByUs:
			g.looked = f.pace() == fed && g.looked // what is asked for, and read from memory, needs no look
		case wokenToLook:
			g.looked = false
		}
	}
	return false
}

// step reads on to where the log ends now. It leaves a watch on the next entry where it found nothing more to read.
func (g *generation) step(listed *bool) (over bool, err error) {
	f := g.f
	if !*listed {
		if err := g.list(); err != nil {
			return false, err
		}
		*listed = true
	}
	asks := f.takeAsks()
	if err := g.readTo(f.ownBefore(g.gen)); err != nil {
		f.keepAsks(asks)
		return false, err
	}
	g.pace = f.pace()
	g.rests = g.pace != watched && g.looked && len(asks) == 0
	if g.rests {
		return false, nil
	}
	if g.fires == nil && len(asks) == 0 && g.pace == watched {
		stat, fires, err := f.existsW(g.entryPath())
		if err != nil {
			return false, err
		}
		if stat != nil {
			f.fetch(txn.Pos{Gen: g.gen, Num: g.next})
			g.next++
			return false, nil
		}
		g.fires = fires
		if g.looked {
			// An entry that came and went before the watch was set is found at the next look, after recheckEvery at the latest. Nobody
			// concludes anything from it until then: questions make the scanner look.
			return false, nil
		}
	}
	// The folder is looked at when the watch stands and the questions were taken: an entry that came and went before is counted,
	// one that comes afterwards fires the watch, and whatever was there at the question is below the count.
	stat, err := f.exists(g.path())
	if err == nil && stat == nil {
		err = fmt.Errorf("look at %s: %w", g.path(), errNoGeneration)
	}
	if err != nil {
		f.keepAsks(asks)
		return false, err
	}
	if err := g.readTo(created(stat)); err != nil {
		f.keepAsks(asks)
		return false, err
	}
	if stat.Version != 0 {
		f.keepAsks(asks) // the log goes on in the next generation
		return true, nil
	}
	g.looked = true
	g.rests = g.pace != watched
	f.answer(asks, txn.Pos{Gen: g.gen, Num: g.next})
	return false, nil
}

// readTo puts all entries before the count into the line.
func (g *generation) readTo(count int32) error {
	if count > g.next {
		g.fires = nil // it was on an entry that has been given, and perhaps is gone
	}
	if count-g.next > listAbove {
		return g.list()
	}
	for ; g.next < count; g.next++ {
		g.f.fetch(txn.Pos{Gen: g.gen, Num: g.next})
	}
	return nil
}

// list puts the entries from next on that are there into the line. All others before the count of the same moment are gone.
func (g *generation) list() error {
	f := g.f
	if g.closes == nil {
		_, closes, err := f.existsW(g.path())
		if err != nil {
			return err
		}
		g.closes = closes
	}
	places, stat, err := f.s.places(f.ctx, f.log, g.gen)
	if err != nil {
		return err
	}
	for _, at := range places {
		if at.Num >= g.next {
			f.fetch(at)
		}
	}
	g.next = max(g.next, created(stat))
	return nil
}

func (g *generation) path() string { return g.f.s.d.path(g.f.log.GenerationPath(g.gen)) }

func (g *generation) entryPath() string {
	return g.f.s.d.entryPath(g.f.log, txn.Pos{Gen: g.gen, Num: g.next})
}
