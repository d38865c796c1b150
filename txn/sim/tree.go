package sim

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/medcommit/medcommit/txn"
)

// zxid numbers the transactions of the simulated ZooKeeper, from 1.
type zxid int32

// never is later than every transaction.
const never zxid = math.MaxInt32

// stamp is a node as one transaction left it.
type stamp struct {
	at      zxid
	exists  bool
	version int32
	data    []byte
	owner   *session // of an ephemeral node
}

// node keeps all its stamps, so that a server that lags can be read.
type node struct {
	path   string
	parent *node
	kids   []*node
	stamps []stamp
	made   int32 // sequential children made so far
	log    *logFolder
	gen    *generation
}

var absent stamp

// at gives the node as it stood after transaction v.
func (n *node) at(v zxid) *stamp {
	if n == nil {
		return &absent
	}
	for i := len(n.stamps) - 1; i >= 0; i-- {
		if n.stamps[i].at <= v {
			return &n.stamps[i]
		}
	}
	return &absent
}

func (n *node) now() *stamp { return n.at(never) }

// logFolder is one log: its generations, in order.
type logFolder struct {
	log  txn.Log
	node *node
	gens []*generation
}

// generation is one generation of a log; its entries keep their places for ever.
type generation struct {
	num     int32
	node    *node
	entries []*entry
	settled int // entries below it are gone for good
}

// entry is one segment in a log.
type entry struct {
	gen     *generation
	log     txn.Log
	pos     txn.Pos
	segment *txn.Segment
	born    zxid
	died    zxid
	owner   *session
	name    string
}

// named is the entry's name in ZooKeeper.
func (e *entry) named() string {
	if e.name == "" {
		e.name = fmt.Sprintf("%s%010d", e.log.Prefix(), e.pos.Num)
	}
	return e.name
}

func (e *entry) seenAt(v zxid) bool { return e.born <= v && v < e.died }

// open gives the generation that is open at v, and the place of its next entry.
func (l *logFolder) open(v zxid) (*generation, txn.Pos) {
	for i := len(l.gens) - 1; i >= 0; i-- {
		g := l.gens[i]
		if g.node.at(v).exists {
			return g, txn.Pos{Gen: g.num, Num: int32(g.count(v))}
		}
	}
	return nil, txn.Pos{}
}

// count is how many entries had been made in the generation at v.
func (g *generation) count(v zxid) int {
	n := len(g.entries)
	for n > 0 && g.entries[n-1].born > v {
		n--
	}
	return n
}

// list gives the entries that the log holds at v.
func (l *logFolder) list(v zxid) []txn.Entry {
	var out []txn.Entry
	for _, g := range l.gens {
		for ; g.settled < len(g.entries) && g.entries[g.settled].died < never && v == never; g.settled++ {
		}
		for _, e := range g.entries {
			if e.seenAt(v) {
				out = append(out, e.read())
			}
		}
	}
	return out
}

// findPast looks for keys in history as it stands at v.
func (z *zookeeper) findPast(e txn.FindPast, v zxid) txn.PastFound {
	found := txn.PastFound{Token: e.Token, Verdicts: map[txn.Key]txn.Verdict{}}
	for _, entry := range z.logs[txn.Log{Kind: txn.History}].list(v) {
		for i := range entry.Segment.History {
			d := &entry.Segment.History[i].Decision
			if slices.Contains(e.Keys, d.Key) {
				found.Verdicts[d.Key] = d.Verdict
			}
		}
	}
	return found
}

// listPast gives what one entry of history holds as it stands at v.
func (z *zookeeper) listPast(e txn.ListPast, v zxid) txn.PastListed {
	listed := txn.PastListed{Token: e.Token}
	for _, entry := range z.logs[txn.Log{Kind: txn.History}].list(v) {
		switch {
		case entry.Pos.Before(e.From):
		case len(listed.Keys) > 0:
			listed.Next = entry.Pos
			return listed
		default:
			listed.Add(entry.Segment, e.Participant)
		}
	}
	listed.End = true
	return listed
}

func (e *entry) read() txn.Entry {
	return txn.Entry{Pos: e.pos, Ephemeral: e.owner != nil, Size: 100, Segment: e.segment}
}

// live gives the entries that the log holds now.
func (l *logFolder) live() []*entry {
	var out []*entry
	for _, g := range l.gens {
		for _, e := range g.entries {
			if e.died == never {
				out = append(out, e)
			}
		}
	}
	return out
}

// find gives the entry at a place, whether it still exists or not.
func (l *logFolder) find(p txn.Pos) *entry {
	if l == nil || p.Gen < 1 || int(p.Gen) > len(l.gens) || p.Num < 0 {
		return nil
	}
	if g := l.gens[p.Gen-1]; int(p.Num) < len(g.entries) {
		return g.entries[p.Num]
	}
	return nil
}

// lookup gives the node of a path, or nil where there never was one.
func (z *zookeeper) lookup(path string) *node { return z.nodes[path] }

// ensure gives the node of a path, making the object where it is missing; it need not exist in ZooKeeper.
func (z *zookeeper) ensure(path string) *node {
	if n := z.nodes[path]; n != nil {
		return n
	}
	n := &node{path: path}
	z.nodes[path] = n
	if i := strings.LastIndexByte(path, '/'); i > 0 {
		n.parent = z.ensure(path[:i])
		n.parent.kids = append(n.parent.kids, n)
		if l := n.parent.log; l != nil {
			z.addGeneration(l, n, path[i+1:])
		}
	}
	return n
}

func (z *zookeeper) addGeneration(l *logFolder, n *node, name string) {
	g := &generation{num: int32(len(l.gens) + 1), node: n}
	if want := fmt.Sprintf("g-%d", g.num); want != name {
		z.violate("generation %s of %s is made where %s is next", name, l.log, want)
		return
	}
	n.gen = g
	l.gens = append(l.gens, g)
}

// plant makes a node outside of any session, for the layout.
func (z *zookeeper) plant(path string, data string) {
	z.head++
	n := z.ensure(path)
	n.stamps = append(n.stamps, stamp{at: z.head, exists: true, data: []byte(data)})
}

// plantLog makes a log's folder and its first generation.
func (z *zookeeper) plantLog(l txn.Log) {
	z.plant(l.Path(), "")
	n := z.ensure(l.Path())
	n.log = &logFolder{log: l, node: n}
	z.logs[l] = n.log
	z.plant(l.GenerationPath(1), "")
}

// children gives the names below a path at v.
func (z *zookeeper) children(path string, v zxid) []string {
	var out []string
	n := z.lookup(path)
	if n == nil {
		return nil
	}
	if n.gen != nil {
		for _, e := range n.gen.entries {
			if e.seenAt(v) {
				out = append(out, e.named())
			}
		}
		return out
	}
	for _, k := range n.kids {
		if k.at(v).exists {
			out = append(out, k.path[len(path)+1:])
		}
	}
	return out
}
