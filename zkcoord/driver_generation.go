package zkcoord

import (
	"fmt"
	"slices"
	"time"

	"github.com/medcommit/medcommit/txn"
)

// generation is a follower's way through one generation of its log.
type generation struct {
	f      *follower
	gen    int32
	next   int32        // every entry before it has been put into the line, or is gone
	watch  *folderWatch // tells what comes; nil while nobody waits for it
	listed bool         // what was there at the beginning
	look   bool         // the folder is to be looked at
	looked time.Time    // when it was the last time
}

// listAbove is the distance from which on the entries that are still there are listed: going through numbers one by one is for few.
const listAbove = 256

// scan follows the generation until it is closed and read to its count: then it gives true. It gives false when the session, or
// the following, is over.
func (g *generation) scan() bool {
	f := g.f
	f.begin(g.gen)
	g.look = true
	defer func() { g.watch.remove() }()
	for f.ctx.Err() == nil {
		over, err := g.step()
		if err != nil {
			f.refused(err)
			continue
		}
		if over {
			return true
		}
		if f.await(g.lost(), time.Until(g.looked.Add(g.every()))) {
			g.look = true
		}
	}
	return false
}

// step reads on to where the log ends as far as is known: by what was told, and where there are questions, there was no watch, or time
// went by, by a look at the folder.
func (g *generation) step() (over bool, err error) {
	f := g.f
	if err := g.attend(); err != nil {
		return false, err
	}
	if !g.listed {
		if err := g.list(); err != nil {
			return false, err
		}
		g.listed = true
	}
	if err := g.readTo(f.known(g.gen)); err != nil {
		return false, err
	}
	asks := f.takeAsks()
	if f.takeLook() || len(asks) > 0 {
		g.look = true
	}
	if !g.look {
		return false, nil
	}
	// The folder is looked at when the watch, if there is one, stands and the questions were taken: an entry that came and went before
	// is counted, of one that comes afterwards the watch tells, and whatever was there at the question is below the count.
	g.looked = time.Now()
	stat, err := f.exists(g.path())
	if err == nil && stat == nil {
		err = fmt.Errorf("look at %s: %w", g.path(), errNoGeneration)
	}
	if err == nil {
		err = g.readTo(created(stat))
	}
	if err != nil {
		f.keepAsks(asks)
		return false, err
	}
	if stat.Version != 0 {
		f.keepAsks(asks) // the log goes on in the next generation
		return true, nil
	}
	g.look = false
	f.answer(asks, txn.Pos{Gen: g.gen, Num: g.next})
	return false, nil
}

// attend keeps a watch on the folder while somebody waits for what comes.
func (g *generation) attend() (err error) {
	switch slow := g.f.s.d.slow.Load(); {
	case slow && g.watch != nil:
		g.watch.remove()
		g.watch = nil
	case !slow && !g.watch.stands():
		g.look = true // what came before it stands, it does not tell
		g.watch, err = g.f.watchFolder(g.path())
	}
	return err
}

// lost is closed when the watch has ended with its connection.
func (g *generation) lost() <-chan struct{} {
	if g.watch == nil {
		return nil
	}
	return g.watch.ends
}

// every is how often the folder is looked at in any case.
func (g *generation) every() time.Duration {
	switch {
	case g.watch == nil:
		return slowEvery
	case g.watch.refused:
		return lookEvery
	}
	return recheckEvery
}

// readTo puts all entries before the count into the line.
func (g *generation) readTo(count int32) error {
	if count-g.next > listAbove {
		return g.list()
	}
	for g.next < count {
		var places []txn.Pos
		for ; g.next < count && len(places) < readAtOnce; g.next++ {
			places = append(places, txn.Pos{Gen: g.gen, Num: g.next})
		}
		g.f.fetch(places)
	}
	return nil
}

// list puts the entries from next on that are there into the line. All others before the count of the same moment are gone.
func (g *generation) list() error {
	f := g.f
	places, stat, err := f.s.places(f.ctx, f.log, g.gen)
	if err != nil {
		return err
	}
	places = slices.DeleteFunc(places, func(at txn.Pos) bool { return at.Num < g.next })
	for some := range slices.Chunk(places, readAtOnce) {
		f.fetch(some)
	}
	g.next = max(g.next, created(stat))
	f.passTo(txn.Pos{Gen: g.gen, Num: g.next})
	return nil
}

func (g *generation) path() string { return g.f.s.d.path(g.f.log.GenerationPath(g.gen)) }
