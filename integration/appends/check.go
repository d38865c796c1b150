package appends

import (
	"fmt"
	"maps"
	"slices"
)

// Check looks for everything that is wrong with a history. An error wraps ErrHistory: nothing can be concluded.
func Check(history []Op) (Report, error) {
	ops, err := pair(history)
	if err != nil {
		return Report{}, err
	}
	c := &checker{ops: ops, writers: map[element]*operation{}, lists: map[string]*list{}, told: map[told]bool{}}
	if err := c.collect(); err != nil {
		return Report{}, err
	}
	for _, key := range slices.Sorted(maps.Keys(c.lists)) {
		l := c.lists[key]
		c.elements(l)
		c.order(l)
		c.recency(l)
		c.intermediate(l)
	}
	c.ends()
	c.cycles()
	c.count()
	return c.report, nil
}

// element is a value in a list.
type element struct {
	key   string
	value int64
}

// list is everything that is known of one list.
type list struct {
	key     string
	reads   []reading // by acknowledged operations, in the order of their invocations
	final   *reading  // the last read of the end
	longest []int64
	broken  bool // its reads contradict one another: it has no order
}

// reading is a read of a list, without what the reading transaction had appended itself.
type reading struct {
	by   *operation
	list []int64
}

// told keeps an anomaly from being told once for every read that shows it.
type told struct {
	kind Kind
	element
}

type checker struct {
	ops     []*operation
	writers map[element]*operation
	lists   map[string]*list
	told    map[told]bool
	report  Report
}

// broken notes what breaks a promise.
func (c *checker) broken(kind Kind, e element, format string, a ...any) {
	at := told{kind, e}
	if c.told[at] {
		return
	}
	c.told[at] = true
	c.report.Anomalies = append(c.report.Anomalies, Anomaly{Kind: kind, Promised: true, Key: e.key, Text: fmt.Sprintf(format, a...)})
}

// collect finds who appended what, and what was read of which list.
func (c *checker) collect() error {
	for _, o := range c.ops {
		for _, s := range o.invoked.Steps {
			c.list(s.Key)
			if !s.Append {
				continue
			}
			e := element{s.Key, s.Value}
			if c.writers[e] != nil {
				return fmt.Errorf("%w: %d is appended to %s twice", ErrHistory, e.value, e.key)
			}
			c.writers[e] = o
		}
	}
	for _, o := range c.ops {
		if o.ended.Type == OK {
			c.read(o)
		}
	}
	return nil
}

func (c *checker) list(key string) *list {
	l := c.lists[key]
	if l == nil {
		l = &list{key: key}
		c.lists[key] = l
	}
	return l
}

// read takes in the reads of one acknowledged operation.
func (c *checker) read(o *operation) {
	own := map[string][]int64{}
	for _, s := range o.ended.Steps {
		if s.Append {
			own[s.Key] = append(own[s.Key], s.Value)
			continue
		}
		before := len(s.List) - len(own[s.Key])
		if before < 0 || !slices.Equal(s.List[before:], own[s.Key]) {
			c.broken(Internal, element{key: s.Key}, "%s does not read what it has appended itself", o)
			continue
		}
		l, r := c.list(s.Key), reading{o, s.List[:before]}
		l.reads = append(l.reads, r)
		if o.ended.Final {
			l.final = &r
		}
	}
}

// elements looks at each element of each read: who appended it, and is it there once.
func (c *checker) elements(l *list) {
	for _, r := range l.reads {
		there := make(map[int64]bool, len(r.list))
		for _, v := range r.list {
			e := element{l.key, v}
			if there[v] {
				c.broken(Duplicate, e, "%d is there twice", v)
			}
			there[v] = true
			switch w := c.writers[e]; {
			case w == nil:
				c.broken(Unknown, e, "nobody appended %d", v)
			case w.ended.Type == Fail:
				c.broken(Aborted, e, "%s was aborted (%s), and its %d was read at %d", w, w.ended.Error, v, r.by.ended.Index)
			default:
				w.seen = true
			}
		}
	}
}

// order finds the order of the list's elements, which all reads must share.
func (c *checker) order(l *list) {
	for _, r := range l.reads {
		if len(r.list) > len(l.longest) {
			l.longest = r.list
		}
	}
	for _, r := range l.reads {
		if !slices.Equal(r.list, l.longest[:len(r.list)]) {
			l.broken = true
			c.broken(Order, element{key: l.key}, "%v was read at %d, and elsewhere %v", r.list, r.by.ended.Index, l.longest)
		}
	}
}

// intermediate looks for transactions of whose appends to this list others saw the first without the last.
func (c *checker) intermediate(l *list) {
	last := map[*operation]int64{}
	for _, o := range c.ops {
		for _, s := range o.invoked.Steps {
			if s.Append && s.Key == l.key {
				last[o] = s.Value
			}
		}
	}
	for _, r := range l.reads {
		if len(r.list) == 0 {
			continue
		}
		v := r.list[len(r.list)-1]
		if w := c.writers[element{l.key, v}]; w != nil && w != r.by && last[w] != v {
			c.broken(Intermediate, element{l.key, v}, "%d of %s was read at %d without its %d", v, w, r.by.ended.Index, last[w])
		}
	}
}

func (c *checker) count() {
	r := &c.report
	for _, l := range c.lists {
		if l.final != nil {
			r.Lists++
			r.Elements += len(l.final.list)
		}
	}
	for _, o := range c.ops {
		switch {
		case !o.appends():
			r.Looks++
		case o.ended.Type == OK:
			r.Committed++
			for _, s := range o.ended.Steps {
				if !s.Append {
					r.Validated++
				}
			}
		case o.ended.Type == Fail:
			r.Failed++
		default:
			r.Undecided++
			if o.seen {
				r.Found++
			}
		}
	}
}
