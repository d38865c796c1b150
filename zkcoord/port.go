package zkcoord

import "github.com/medcommit/medcommit/txn"

// ownTokens marks the tokens of the runtime's own effects, so that they are never the machine's.
const ownTokens txn.Token = 1 << 63

// port is how the runtime's own parts (election, registry, queries) use the driver beside the machine. It belongs to the loop.
type port struct {
	out    []txn.Effect // in order, with the machine's
	last   txn.Token
	multis map[txn.Token]func(txn.Event)
	reads  map[txn.Token]func(txn.Event)
	nodes  map[string]func(txn.NodeRead)
	lists  map[string]func([]string)
}

func newPort() *port {
	return &port{
		multis: map[txn.Token]func(txn.Event){},
		reads:  map[txn.Token]func(txn.Event){},
		nodes:  map[string]func(txn.NodeRead){},
		lists:  map[string]func([]string){},
	}
}

func (p *port) token(waiting map[txn.Token]func(txn.Event), then func(txn.Event)) txn.Token {
	p.last++
	t := ownTokens | p.last
	waiting[t] = then
	return t
}

// multi does ops; then gets MultiDone, MultiFailed or MultiLost.
func (p *port) multi(then func(txn.Event), ops ...txn.Op) {
	p.out = append(p.out, txn.Multi{Token: p.token(p.multis, then), Ops: ops})
}

// read reads a node once; then gets a NodeRead, or SessionLost where the session ended before.
func (p *port) read(path string, then func(txn.Event)) {
	p.out = append(p.out, txn.ReadNode{Token: p.token(p.reads, then), Path: path})
}

// list lists a node's children once; then gets a NodeListed or SessionLost.
func (p *port) list(path string, then func(txn.Event)) {
	p.out = append(p.out, txn.ListNode{Token: p.token(p.reads, then), Path: path})
}

// readToEnd asks for all of a followed log; then gets a LogEnd or SessionLost.
func (p *port) readToEnd(log txn.Log, then func(txn.Event)) {
	p.out = append(p.out, txn.ReadToEnd{Token: p.token(p.reads, then), Log: log})
}

// watchNode gives path to then, now and at every change, while the session lasts.
func (p *port) watchNode(path string, then func(txn.NodeRead)) {
	p.nodes[path] = then
	p.out = append(p.out, txn.WatchNode{Path: path})
}

// watchChildren gives the children of path to then, now and at every change, while the session lasts.
func (p *port) watchChildren(path string, then func([]string)) {
	p.lists[path] = then
	p.out = append(p.out, txn.WatchChildren{Path: path})
}

func (p *port) unwatch(path string) {
	delete(p.nodes, path)
	delete(p.lists, path)
	p.out = append(p.out, txn.Unwatch{Path: path})
}

// handle takes an event that answers one of the port's effects, and tells whether it was one.
func (p *port) handle(e txn.Event) bool {
	switch e := e.(type) {
	case txn.MultiDone:
		return p.answer(p.multis, e.Token, e)
	case txn.MultiFailed:
		return p.answer(p.multis, e.Token, e)
	case txn.MultiLost:
		return p.answer(p.multis, e.Token, e)
	case txn.LogEnd:
		return p.answer(p.reads, e.Token, e)
	case txn.NodeRead:
		if then := p.nodes[e.Path]; e.Token == 0 && then != nil {
			then(e)
			return true
		}
		return p.answer(p.reads, e.Token, e)
	case txn.NodeListed:
		if then := p.lists[e.Path]; e.Token == 0 && then != nil {
			then(e.Children)
			return true
		}
		return p.answer(p.reads, e.Token, e)
	}
	return false
}

func (p *port) answer(waiting map[txn.Token]func(txn.Event), t txn.Token, e txn.Event) bool {
	if t&ownTokens == 0 {
		return false
	}
	then := waiting[t]
	delete(waiting, t)
	if then != nil {
		then(e)
	}
	return true
}

// drop ends all that belongs to a session that is over: its watches are forgotten, and its reads, which nobody else will answer,
// are answered with SessionLost. The driver answers its multis.
func (p *port) drop() {
	clear(p.nodes)
	clear(p.lists)
	reads := p.reads
	p.reads = map[txn.Token]func(txn.Event){}
	for _, then := range reads {
		then(txn.SessionLost{})
	}
}
