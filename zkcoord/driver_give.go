package zkcoord

import "github.com/medcommit/medcommit/txn"

// giveAtOnce is how many entries are given in one event at most.
const giveAtOnce = 256

// give gives what the scanner put into the line, in its order, as many entries at once as have been read.
func (f *follower) give() {
	var ready []txn.Entry
	for {
		p, ok := f.nextPlace(len(ready) == 0)
		if !ok {
			if len(ready) == 0 {
				return
			}
			f.say(txn.Entries{Log: f.log, Entries: ready})
			ready = nil
			continue
		}
		if p.end != nil {
			if len(ready) > 0 {
				f.say(txn.Entries{Log: f.log, Entries: ready})
				ready = nil
			}
			f.say(*p.end)
			continue
		}
		e, ok := f.read(p, &ready)
		if !ok {
			return
		}
		if e != nil {
			ready = append(ready, *e)
		}
		if len(ready) >= giveAtOnce {
			f.say(txn.Entries{Log: f.log, Entries: ready})
			ready = nil
		}
	}
}

// nextPlace takes the next place; it waits for one only where wait is set. It gives false where there is none, or no session.
func (f *follower) nextPlace(wait bool) (place, bool) {
	select {
	case p := <-f.line:
		return p, true
	default:
	}
	if !wait {
		return place{}, false
	}
	select {
	case p := <-f.line:
		return p, true
	case <-f.ctx.Done():
		return place{}, false
	}
}

// read waits for an entry's read to end. What is ready is given before it waits.
func (f *follower) read(p place, ready *[]txn.Entry) (*txn.Entry, bool) {
	select {
	case e, ok := <-p.entry:
		return e, ok
	default:
	}
	if len(*ready) > 0 {
		f.say(txn.Entries{Log: f.log, Entries: *ready})
		*ready = nil
	}
	select {
	case e, ok := <-p.entry:
		return e, ok
	case <-f.ctx.Done():
		return nil, false
	}
}

func (f *follower) say(e txn.Event) {
	f.s.d.events.awaitRoom(f.ctx)
	if f.ctx.Err() == nil {
		f.s.say(e)
	}
}
