package appends

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

var seed = flag.Uint64("appends.seed", 0, "of the random histories; 0: one of its own")

// world makes random histories of sites that do everything right: transactions in the order of their decisions, sites that finish
// them late and each in its own time, some aborted, some of unknown outcome, and looks from outside.
type world struct {
	rand    *rand.Rand
	history []Op
	decided map[string][]int64 // the lists in the order of decisions
	pending map[string][]int64 // what a site has not finished yet, in order: a list is locked until then, so at most one
	visible map[string][]int64
	value   int64
	process int
}

func newWorld(seed uint64) *world {
	return &world{rand: rand.New(rand.NewPCG(seed, 1)), decided: map[string][]int64{}, pending: map[string][]int64{}, visible: map[string][]int64{}}
}

func (w *world) line(op Op) int {
	op.Index, op.Time = len(w.history), int64(len(w.history))
	w.history = append(w.history, op)
	return op.Index
}

func (w *world) finish(key string) {
	w.visible[key] = append(w.visible[key], w.pending[key]...)
	delete(w.pending, key)
}

func (w *world) transaction() {
	w.process++
	invoked := Op{Process: w.process, ID: fmt.Sprintf("T%d", w.process)}
	for site := range 3 {
		if site > 0 && w.rand.IntN(3) == 0 {
			continue
		}
		key := fmt.Sprintf("s%d/%d", site, w.rand.IntN(3))
		w.finish(key) // whoever appends waits for the one before
		if w.rand.IntN(2) == 0 {
			invoked.Steps = append(invoked.Steps, Step{Key: key})
		}
		w.value++
		invoked.Steps = append(invoked.Steps, Step{Key: key, Append: true, Value: w.value})
	}
	w.line(invoked)
	ended := invoked
	ended.Steps = slices.Clone(invoked.Steps)
	ended.Type = []Type{OK, OK, OK, Fail, Info}[w.rand.IntN(5)]
	committed := ended.Type == OK || ended.Type == Info && w.rand.IntN(2) == 0
	for i, s := range ended.Steps {
		switch {
		case !s.Append && ended.Type == OK:
			ended.Steps[i].Known, ended.Steps[i].List = true, slices.Clone(w.visible[s.Key])
		case s.Append && committed:
			w.pending[s.Key] = []int64{s.Value}
		}
	}
	if ended.Type == OK && w.rand.IntN(2) == 0 {
		ended.Everywhere = true
		for _, s := range ended.Steps {
			w.finish(s.Key)
		}
	}
	w.line(ended)
}

func (w *world) look(key string, final bool) {
	w.process++
	op := Op{Process: w.process, Final: final, Steps: []Step{{Key: key}}}
	w.line(op)
	if final || w.rand.IntN(2) == 0 {
		w.finish(key)
	}
	op.Type, op.Steps = OK, []Step{{Key: key, Known: true, List: slices.Clone(w.visible[key])}}
	w.line(op)
}

func (w *world) run(n int) []Op {
	for range n {
		if w.rand.IntN(3) == 0 {
			w.look(fmt.Sprintf("s%d/%d", w.rand.IntN(3), w.rand.IntN(3)), false)
		} else {
			w.transaction()
		}
	}
	for site := range 3 {
		for list := range 3 {
			w.look(fmt.Sprintf("s%d/%d", site, list), true)
		}
	}
	return w.history
}

// damage spoils the final read of one list in one way. It gives what must be found, or nothing where the list gives no room for it.
var damage = []struct {
	name string
	do   func(r *rand.Rand, list []int64) []int64
	want []Kind
}{
	{"the last element is missing", func(_ *rand.Rand, l []int64) []int64 { return l[:len(l)-1] }, []Kind{Lost, Split, Back, Stale}},
	{"an element is missing", func(r *rand.Rand, l []int64) []int64 {
		i := r.IntN(len(l))
		return slices.Delete(l, i, i+1)
	}, []Kind{Lost, Split, Back, Stale, Order}},
	{"an element is there twice", func(r *rand.Rand, l []int64) []int64 { return append(l, l[r.IntN(len(l))]) }, []Kind{Duplicate}},
	{"a strange element", func(_ *rand.Rand, l []int64) []int64 { return append(l, -1) }, []Kind{Unknown}},
	{"two have changed places", func(r *rand.Rand, l []int64) []int64 {
		i := r.IntN(len(l) - 1)
		l[i], l[i+1] = l[i+1], l[i]
		return l
	}, []Kind{Order, G0, G0rt, GSingle, GSinglert, G1c}},
	{"all is gone", func(*rand.Rand, []int64) []int64 { return nil }, []Kind{Lost, Split, Back, Stale}},
}

func TestRandomHistories(t *testing.T) {
	first, damaged := *seed, 0
	if first == 0 {
		first = rand.Uint64() >> 1
	}
	for s := first; s < first+300; s++ {
		history := newWorld(s).run(60)
		report, err := Check(history)
		if err != nil || len(report.Anomalies) > 0 {
			t.Fatalf("-appends.seed=%d: a history without a fault: %v\n%s", s, err, report)
		}
		r := rand.New(rand.NewPCG(s, 2))
		d := damage[int(s%uint64(len(damage)))]
		read := &history[len(history)-1-2*r.IntN(9)].Steps[0]
		if len(read.List) < 2 || undecided(history, *read) {
			continue
		}
		damaged++
		read.List = d.do(r, slices.Clone(read.List))
		if report, err = Check(history); err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(report.Violations(), func(a Anomaly) bool { return slices.Contains(d.want, a.Kind) }) {
			t.Errorf("-appends.seed=%d: %s in %s, and the check says\n%s", s, d.name, read.Key, report)
		}
	}
	if damaged < 20 {
		t.Errorf("-appends.seed=%d: only %d histories were damaged", first, damaged)
	}
}

// undecided says whether something in the list was appended by a transaction of unknown outcome: what becomes of that may not show.
func undecided(history []Op, read Step) bool {
	return slices.ContainsFunc(history, func(o Op) bool {
		return o.Type == Info && slices.ContainsFunc(o.Steps, func(s Step) bool { return s.Key == read.Key && slices.Contains(read.List, s.Value) })
	})
}
