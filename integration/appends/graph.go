package appends

import "slices"

// edge is why one operation comes before another. A pair of operations may have several reasons.
type edge uint8

const (
	// ww: the other's append follows this one's in a list.
	ww edge = 1 << iota
	// wr: the other read this one's append.
	wr
	// rw: the other appended what this one did not yet read.
	rw
	// rt: this one was acknowledged before the other was invoked.
	rt
)

// String gives the reason that weighs most.
func (e edge) String() string {
	switch {
	case e&ww != 0:
		return "ww"
	case e&wr != 0:
		return "wr"
	case e&rw != 0:
		return "rw"
	}
	return "rt"
}

// graph says which operation comes before which, and why.
type graph struct {
	nodes []*operation
	at    map[*operation]int
	next  []map[int]edge
}

func newGraph(nodes []*operation) *graph {
	g := &graph{nodes: nodes, at: make(map[*operation]int, len(nodes)), next: make([]map[int]edge, len(nodes))}
	for i, o := range nodes {
		g.at[o], g.next[i] = i, map[int]edge{}
	}
	return g
}

// add notes that a comes before b, where both are in the graph.
func (g *graph) add(a, b *operation, why edge) {
	from, ok1 := g.at[a]
	to, ok2 := g.at[b]
	if ok1 && ok2 && from != to {
		g.next[from][to] |= why
	}
}

// after gives a node's successors for the reasons of allowed, in order.
func (g *graph) after(n int, allowed edge) []int {
	var all []int
	for to, why := range g.next[n] {
		if why&allowed != 0 {
			all = append(all, to)
		}
	}
	slices.Sort(all)
	return all
}

// components gives the number of each node's strongly connected component (Tarjan, 1972), without recursion.
func (g *graph) components(allowed edge) []int {
	const unseen = -1
	n := len(g.nodes)
	component, number, low := make([]int, n), make([]int, n), make([]int, n)
	for i := range n {
		component[i], number[i] = unseen, unseen
	}
	type frame struct {
		node int
		rest []int
	}
	count, components := 0, 0
	var stack []int
	var frames []frame
	enter := func(v int) {
		number[v], low[v] = count, count
		count++
		stack = append(stack, v)
		frames = append(frames, frame{v, g.after(v, allowed)})
	}
	for root := range n {
		if number[root] != unseen {
			continue
		}
		enter(root)
		for len(frames) > 0 {
			f := &frames[len(frames)-1]
			if len(f.rest) > 0 {
				to := f.rest[0]
				f.rest = f.rest[1:]
				switch {
				case number[to] == unseen:
					enter(to)
				case component[to] == unseen:
					low[f.node] = min(low[f.node], number[to])
				}
				continue
			}
			v := f.node
			frames = frames[:len(frames)-1]
			if len(frames) > 0 {
				up := frames[len(frames)-1].node
				low[up] = min(low[up], low[v])
			}
			if low[v] != number[v] {
				continue
			}
			for {
				top := stack[len(stack)-1]
				stack = stack[:len(stack)-1]
				component[top] = components
				if top == v {
					break
				}
			}
			components++
		}
	}
	return component
}

// path gives the nodes of a shortest way from a to b, both included, that stays within a's component; nil where there is none.
func (g *graph) path(a, b int, allowed edge, component []int) []int {
	from := map[int]int{a: a}
	for queue := []int{a}; len(queue) > 0; queue = queue[1:] {
		v := queue[0]
		if v == b {
			way := []int{b}
			for v != a {
				v = from[v]
				way = append(way, v)
			}
			slices.Reverse(way)
			return way
		}
		for _, to := range g.after(v, allowed) {
			if _, ok := from[to]; !ok && component[to] == component[a] {
				from[to] = v
				queue = append(queue, to)
			}
		}
	}
	return nil
}
