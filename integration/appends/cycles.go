package appends

import (
	"fmt"
	"slices"
	"strings"
)

// search is one kind of cycle: one step for the reason first, and a way back for the reasons of rest.
type search struct {
	kind        Kind
	first, rest edge
}

// searches in the order of what they say: a cycle is told as the first kind that it is.
var searches = []search{
	{G0, ww, ww},
	{G1c, wr, ww | wr},
	{G0rt, ww, ww | rt},
	{G1crt, wr, ww | wr | rt},
	{GSingle, rw, ww | wr},
	{GSinglert, rw, ww | wr | rt},
	{G2, rw, ww | wr | rw | rt},
}

// cycles looks for orders that no serial order explains: first among the transactions that append, which keep locks until their
// outcome, where every cycle breaks a promise; then with the looks from outside, where it need not.
func (c *checker) cycles() {
	var transactions, all []*operation
	for _, o := range c.ops {
		switch {
		case o.appends() && o.happened():
			transactions = append(transactions, o)
			all = append(all, o)
		case !o.appends() && o.ended.Type == OK:
			all = append(all, o)
		}
	}
	inside := c.graph(transactions)
	inside.time()
	told := map[int]bool{}
	for _, s := range searches {
		c.search(inside, s, true, told)
	}
	// With looks from outside only rw steps are new: what only reads has no other way out.
	outside := c.graph(all)
	told = map[int]bool{}
	for _, s := range []search{{GSingle, rw, ww | wr}, {G2, rw, ww | wr | rw}} {
		c.search(outside, s, false, told)
	}
}

// graph joins the operations by what the lists say.
func (c *checker) graph(nodes []*operation) *graph {
	g := newGraph(nodes)
	for _, l := range c.lists {
		if l.broken {
			continue
		}
		order := make([]*operation, len(l.longest))
		for i, v := range l.longest {
			order[i] = c.writers[element{l.key, v}]
			if i > 0 {
				g.add(order[i-1], order[i], ww)
			}
		}
		for _, r := range l.reads {
			if n := len(r.list); n > 0 {
				g.add(order[n-1], r.by, wr)
			}
			if n := len(r.list); n < len(order) {
				g.add(r.by, order[n], rw)
			}
		}
	}
	return g
}

// time adds the order of real time: of all that had been acknowledged when an operation was invoked, those that are not before
// another one of them already.
func (g *graph) time() {
	type moment struct {
		index int
		of    *operation
		begin bool
	}
	var moments []moment
	for _, o := range g.nodes {
		moments = append(moments, moment{o.invoked.Index, o, true})
		if o.ended.Type == OK {
			moments = append(moments, moment{o.ended.Index, o, false})
		}
	}
	slices.SortFunc(moments, func(a, b moment) int { return a.index - b.index })
	var front []*operation
	before := map[*operation][]*operation{}
	for _, m := range moments {
		if m.begin {
			before[m.of] = slices.Clone(front)
			for _, o := range front {
				g.add(o, m.of, rt)
			}
			continue
		}
		front = slices.DeleteFunc(front, func(o *operation) bool { return slices.Contains(before[m.of], o) })
		front = append(front, m.of)
	}
}

// tries bounds how many ways back are looked for in a component. It loses no cycle: every step of the last kind has a way back.
const tries = 1000

// search tells one cycle a component: a shortest of those that begin with a step of its kind. told holds the nodes of cycles that
// were told before; a component that holds one of them says nothing new.
func (c *checker) search(g *graph, s search, promised bool, told map[int]bool) {
	component := g.components(s.first | s.rest)
	tried, best := map[int]int{}, map[int][]int{}
	for v := range told {
		tried[component[v]] = tries
	}
	for v, k := range component {
		if !promised && g.nodes[v].appends() {
			continue // without a look from outside in it the cycle is told as one that breaks a promise
		}
		for _, to := range g.after(v, s.first) {
			if component[to] != k || tried[k] == tries {
				continue
			}
			tried[k]++
			if back := g.path(to, v, s.rest, component); back != nil && (best[k] == nil || len(back) < len(best[k])) {
				best[k] = back
			}
		}
	}
	for _, k := range component { // in the order of the nodes, so that a history has one report
		way := best[k]
		if way == nil {
			continue
		}
		delete(best, k)
		for _, v := range way {
			told[v] = true
		}
		c.report.Anomalies = append(c.report.Anomalies, Anomaly{Kind: s.kind, Promised: promised, Text: g.tell(way, s)})
	}
}

// tell gives a cycle as text; way leads from its second node back to its first.
func (g *graph) tell(way []int, s search) string {
	var b strings.Builder
	first := way[len(way)-1]
	fmt.Fprintf(&b, "%s -%s-> ", g.nodes[first], g.next[first][way[0]]&s.first)
	for i, v := range way {
		b.WriteString(g.nodes[v].String())
		if i+1 < len(way) {
			fmt.Fprintf(&b, " -%s-> ", g.next[v][way[i+1]]&s.rest)
		}
	}
	return b.String()
}
