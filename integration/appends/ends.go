package appends

import (
	"cmp"
	"slices"
)

// ends compares what is there at the end with what clients were told, transaction by transaction.
func (c *checker) ends() {
	there := map[element]bool{}
	for key, l := range c.lists {
		if l.final == nil {
			if c.appended(key) {
				c.broken(Unread, element{key: key}, "nobody read it at the end")
			}
			continue
		}
		for _, v := range l.final.list {
			there[element{key, v}] = true
		}
	}
	for _, o := range c.ops {
		if o.ended.Type != Fail { // what an aborted one left is found by its elements
			c.whole(o, there)
		}
	}
}

// appended says whether anybody tried to append to the list.
func (c *checker) appended(key string) bool {
	return slices.ContainsFunc(c.ops, func(o *operation) bool {
		return slices.ContainsFunc(o.invoked.Steps, func(s Step) bool { return s.Append && s.Key == key })
	})
}

// whole checks that a transaction is there as a whole, or not at all where nobody was told that it is committed.
func (c *checker) whole(o *operation, there map[element]bool) {
	var present, missing []Step
	for _, s := range o.invoked.Steps {
		switch {
		case !s.Append || c.lists[s.Key].final == nil:
		case there[element{s.Key, s.Value}]:
			present = append(present, s)
		default:
			missing = append(missing, s)
		}
	}
	if len(missing) == 0 {
		return
	}
	m := missing[0]
	switch {
	case len(present) > 0:
		p := present[0]
		c.broken(Split, element{m.Key, m.Value}, "%s is at %s (%d in %s), and not here (%d)", o, p.Site(), p.Value, p.Key, m.Value)
	case o.ended.Type == OK:
		c.broken(Lost, element{m.Key, m.Value}, "%s was acknowledged as committed, and its %d is not there", o, m.Value)
	case o.seen:
		c.broken(Lost, element{m.Key, m.Value}, "%s was seen, and at the end its %d is not there", o, m.Value)
	}
}

// recency checks that a list only grows as time goes on, and that what was finished everywhere is seen from then on.
func (c *checker) recency(l *list) {
	if len(l.reads) == 0 {
		return
	}
	length := map[int64]int{} // at which length of the list a value is in it
	for i, v := range l.longest {
		length[v] = i + 1
	}
	// What must be seen from which moment on: the ends of reads, and of transactions finished everywhere.
	type mark struct {
		index, length int
		kind          Kind
		by            *operation
	}
	var marks []mark
	for _, r := range l.reads {
		marks = append(marks, mark{r.by.ended.Index, len(r.list), Back, r.by})
	}
	for _, o := range c.ops {
		if o.ended.Type != OK || !o.ended.Everywhere {
			continue
		}
		for _, s := range o.ended.Steps {
			if s.Append && s.Key == l.key {
				// An element that is in no read at all counts as longer than any.
				n, ok := length[s.Value]
				if !ok {
					n = len(l.longest) + 1
				}
				marks = append(marks, mark{o.ended.Index, n, Stale, o})
			}
		}
	}
	slices.SortFunc(marks, func(a, b mark) int { return cmp.Compare(a.index, b.index) })
	next, most := 0, mark{}
	for _, r := range l.reads {
		for next < len(marks) && marks[next].index < r.by.invoked.Index {
			if marks[next].length > most.length {
				most = marks[next]
			}
			next++
		}
		if len(r.list) < most.length {
			c.broken(most.kind, element{key: l.key}, "the read at %d found %d elements, and by %d (%s) there were %d", r.by.invoked.Index, len(r.list), most.index, most.by, most.length)
		}
	}
}
