package sim

import (
	"encoding/json"
	"fmt"

	"github.com/medcommit/medcommit/txn"
)

// zookeeper is the ensemble: one order of transactions, and sessions whose servers may lag behind it.
type zookeeper struct {
	head     zxid
	nodes    map[string]*node
	logs     map[txn.Log]*logFolder
	sessions []*session
	undo     []change
	mutation mutation
	judge    *judge // hears of every transaction; the truth
	violate  func(format string, args ...any)
}

// session is a session as the ensemble has it.
type session struct {
	id     int
	alive  bool
	view   zxid // what the server of its connection has applied
	floor  zxid // the newest that its client has been told: no server that is older will take it
	nodes  []*node
	owned  []*entry
	died   zxid        // when it expired
	limbo  []txn.Multi // sent over a connection that broke, and still on their way
	doomed bool        // no client uses it any more: it will expire
}

// change is what one operation of a multi did, to take it back.
type change struct {
	node    *node
	made    *node
	born    *entry
	died    *entry
	session *session
}

func newZookeeper(violate func(string, ...any)) *zookeeper {
	z := &zookeeper{nodes: make(map[string]*node, 64), logs: make(map[txn.Log]*logFolder, 16), violate: violate}
	for _, p := range [...]string{txn.EpochPath, txn.HorizonPath, "election", "participants", "payloads"} {
		z.plant(p, "")
	}
	for _, k := range [...]txn.LogKind{txn.Transactions, txn.Decisions, txn.History} {
		z.plantLog(txn.Log{Kind: k})
	}
	return z
}

func (z *zookeeper) addParticipant(name string) {
	z.plant("participants/"+name, "")
	z.plant(txn.IncarnationPath(name), "")
	z.plant(txn.AppliedPath(name), "")
	z.plant(txn.SessionsPath(name), "")
	z.plantLog(txn.Log{Kind: txn.Inbox, Participant: name})
	z.plantLog(txn.Log{Kind: txn.Votes, Participant: name})
}

// adopt writes an operator's word for what the site has found, where it has not been written.
func (z *zookeeper) adopt(site string) {
	var a txn.Applied
	if err := json.Unmarshal(z.lookup(txn.AppliedPath(site)).now().data, &a); err != nil || a.Restored == nil {
		return
	}
	word, err := json.Marshal(txn.Adoption{Nonce: a.Restored.Nonce, Reason: "restored from a backup"})
	if err != nil {
		panic(err)
	}
	op := txn.Op{Kind: txn.OpCreate, Path: txn.AdoptPath(site), Data: word}
	if n := z.lookup(op.Path); n != nil && n.now().exists {
		op.Kind, op.Version = txn.OpSet, n.now().version
	}
	z.apply(nil, []txn.Op{op})
}

// connect makes a session. Making it is a transaction, so that its server has applied all.
func (z *zookeeper) connect() *session {
	z.head++
	s := &session{id: len(z.sessions) + 1, alive: true, view: z.head, floor: z.head}
	z.sessions = append(z.sessions, s)
	return s
}

// expire ends a session: its ephemeral nodes go in one transaction, and what is still on its way will be refused.
func (z *zookeeper) expire(s *session) {
	if !s.alive {
		return
	}
	z.head++
	s.alive, s.limbo, s.died = false, nil, z.head
	for _, n := range s.nodes {
		if st := n.now(); st.exists && st.owner == s {
			n.stamps = append(n.stamps, stamp{at: z.head})
		}
	}
	for _, e := range s.owned {
		if e.died == never {
			e.died = z.head
		}
	}
	s.nodes, s.owned = nil, nil
}

// apply carries out a multi: all of it or none. A multi that fails is a transaction too, so its answer means a server as new.
func (z *zookeeper) apply(s *session, ops []txn.Op) (places []txn.Pos, index int, err txn.OpError) {
	z.head++
	z.undo = z.undo[:0]
	for i := range ops {
		pos, e := z.operate(s, &ops[i])
		if e != txn.OpErrNone {
			z.takeBack()
			return nil, i, e
		}
		if ops[i].Kind == txn.OpAppend || ops[i].Sequential {
			places = append(places, pos)
		}
	}
	z.judge.applied(z.head, ops, places)
	return places, 0, txn.OpErrNone
}

func (z *zookeeper) operate(s *session, op *txn.Op) (txn.Pos, txn.OpError) {
	switch op.Kind {
	case txn.OpCheck, txn.OpSet, txn.OpDelete:
		return txn.Pos{}, z.versioned(op)
	case txn.OpCreate:
		return z.create(s, op)
	case opNothing:
		return txn.Pos{}, txn.OpErrNone
	case opDeleteAny:
		n := z.lookup(op.Path)
		if !n.now().exists {
			return txn.Pos{}, txn.OpErrNoNode
		}
		z.push(n, stamp{at: z.head})
		return txn.Pos{}, txn.OpErrNone
	case txn.OpAppend:
		return z.append(s, op)
	case txn.OpCheckEntry, txn.OpDeleteEntry:
		e := z.logs[op.Log].find(op.Pos)
		if e == nil || e.died < never {
			return txn.Pos{}, txn.OpErrNoNode
		}
		if op.Kind == txn.OpDeleteEntry {
			e.died = z.head
			z.undo = append(z.undo, change{died: e})
		}
		return txn.Pos{}, txn.OpErrNone
	}
	z.violate("operation of kind %d", op.Kind)
	return txn.Pos{}, txn.OpErrNoNode
}

func (z *zookeeper) versioned(op *txn.Op) txn.OpError {
	if op.Version < 0 {
		z.violate("%s is checked with version %d", op.Path, op.Version)
	}
	n := z.lookup(op.Path)
	st := n.now()
	if !st.exists {
		return txn.OpErrNoNode
	}
	if st.version != op.Version {
		return txn.OpErrBadVersion
	}
	switch op.Kind {
	case txn.OpSet:
		z.push(n, stamp{at: z.head, exists: true, version: st.version + 1, data: op.Data, owner: st.owner})
	case txn.OpDelete:
		for _, k := range n.kids {
			if k.now().exists {
				z.violate("%s is deleted while %s is there", op.Path, k.path)
			}
		}
		if n.log != nil {
			z.violate("the log folder %s is deleted", op.Path)
		}
		z.push(n, stamp{at: z.head})
	}
	return txn.OpErrNone
}

func (z *zookeeper) push(n *node, st stamp) {
	n.stamps = append(n.stamps, st)
	z.undo = append(z.undo, change{node: n})
}

func (z *zookeeper) create(s *session, op *txn.Op) (txn.Pos, txn.OpError) {
	path, pos := op.Path, txn.Pos{}
	if op.Sequential {
		parent := z.parentOf(path)
		pos.Num = parent.made
		path = fmt.Sprintf("%s%010d", path, parent.made)
		parent.made++
		z.undo = append(z.undo, change{made: parent})
	}
	n := z.lookup(path)
	if n == nil {
		n = z.ensure(path)
	}
	if n.parent != nil && !n.parent.now().exists {
		return pos, txn.OpErrNoNode
	}
	if n.now().exists {
		return pos, txn.OpErrExists
	}
	st := stamp{at: z.head, exists: true, data: op.Data}
	if op.Ephemeral {
		st.owner = s
		s.nodes = append(s.nodes, n)
	}
	z.push(n, st)
	return pos, txn.OpErrNone
}

func (z *zookeeper) parentOf(path string) *node {
	for i := len(path) - 1; i >= 0; i-- {
		if path[i] == '/' {
			return z.ensure(path[:i])
		}
	}
	return z.ensure(path)
}

func (z *zookeeper) append(s *session, op *txn.Op) (txn.Pos, txn.OpError) {
	l := z.logs[op.Log]
	if l == nil || op.Gen < 1 || int(op.Gen) > len(l.gens) || !l.gens[op.Gen-1].node.now().exists {
		return txn.Pos{}, txn.OpErrNoNode
	}
	g := l.gens[op.Gen-1]
	if g.node.now().version != 0 && z.mutation != noGenerationFence {
		return txn.Pos{}, txn.OpErrClosed
	}
	e := &entry{gen: g, log: op.Log, pos: txn.Pos{Gen: g.num, Num: int32(len(g.entries))}, segment: op.Segment, born: z.head, died: never}
	if op.Ephemeral {
		e.owner = s
		s.owned = append(s.owned, e)
	}
	g.entries = append(g.entries, e)
	z.undo = append(z.undo, change{born: e, session: s})
	return e.pos, txn.OpErrNone
}

// takeBack undoes the operations of a multi that failed.
func (z *zookeeper) takeBack() {
	for i := len(z.undo) - 1; i >= 0; i-- {
		switch c := z.undo[i]; {
		case c.node != nil:
			c.node.stamps = c.node.stamps[:len(c.node.stamps)-1]
		case c.made != nil:
			c.made.made--
		case c.born != nil:
			g := c.born.gen
			g.entries = g.entries[:len(g.entries)-1]
			c.born.died = 0
		case c.died != nil:
			c.died.died = never
		}
	}
}
