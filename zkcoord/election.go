package zkcoord

import (
	"fmt"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/medcommit/medcommit/txn"
)

// standAgainAfter is the least time between two candidatures of one coordinator, so that a take-over that fails for a lasting
// reason is not tried in a circle.
const standAgainAfter = 200 * time.Millisecond

// election finds whose turn it is to lead. It gives no safety (R4): it only tells the machine when to try, and the machine bumps
// the epoch. All candidates watch the list of candidates; there are few of them. It belongs to the loop.
type election struct {
	id   string
	port *port
	log  hclog.Logger
	lead func(txn.Lead) // tells the machine to take over
	// removed is told that the own node is gone though nobody here removed it.
	removed func()
	// queued is told of the candidates as they are now.
	queued func([]candidate)
	now    func() time.Duration
	early  time.Duration // how long a deposed coordinator leaves early take-overs to others

	queue   []candidate // as last listed
	listed  bool        // in this session
	able    bool        // the machine has read its logs, in this session
	own     candidate   // zero while not standing
	nonce   string      // of the candidature that is being made or stands
	busy    bool        // a multi of the election is under way
	turned  bool        // the machine has been told to lead as own
	over    bool        // resigned: never stands again
	stoodAt time.Duration
	deposed time.Duration // when it last was; zero: never
}

// sessionUp begins anew: whatever node the session before had is gone, or will be removed as a left-over.
func (e *election) sessionUp() {
	e.queue, e.listed, e.able, e.own, e.busy, e.turned = nil, false, false, candidate{}, false, false
	e.port.watchChildren(electionPath, e.see)
}

func (e *election) see(names []string) {
	e.queue, e.listed = parseQueue(names), true
	e.queued(e.queue)
	if e.own.name != "" && !e.busy && !e.standing() {
		// The list may have been read before the node was made: only one that is asked for now tells.
		e.busy = true
		e.port.list(electionPath, e.confirm)
		return
	}
	e.act()
}

// confirm takes the list that was asked for because the own node was not in the last one.
func (e *election) confirm(event txn.Event) {
	e.busy = false
	list, ok := event.(txn.NodeListed)
	if !ok {
		return
	}
	e.queue = parseQueue(list.Children)
	e.queued(e.queue)
	if e.own.name != "" && !e.standing() {
		e.log.Info("election node was removed", "node", e.own.name)
		e.own, e.turned = candidate{}, false
		e.removed()
	}
	e.act()
}

func (e *election) standing() bool {
	for _, c := range e.queue {
		if c.name == e.own.name {
			return true
		}
	}
	return false
}

// act does what is next: stand, or lead when it is one's turn. It is called at every change and every tick.
func (e *election) act() {
	switch {
	case !e.listed || !e.able || e.busy || e.over:
	case e.own.name == "":
		if e.stoodAt == 0 || e.now()-e.stoodAt >= standAgainAfter {
			e.stand()
		}
	case !e.turned && len(e.queue) > 0 && e.queue[0].name == e.own.name:
		e.turned = true
		e.lead(txn.Lead{ElectionPath: e.own.path(), Nonce: e.own.nonce})
	}
}

// stand makes a candidature, and removes those that a former process of this id left behind.
func (e *election) stand() {
	e.busy, e.nonce, e.stoodAt = true, newNonce(), e.now()
	var left []string
	for _, c := range e.queue {
		if c.id == e.id {
			left = append(left, c.path())
		}
	}
	e.removals(left, nil, func(ops []txn.Op, ok bool) {
		if !ok {
			return
		}
		ops = append(ops, txn.Op{
			Kind: txn.OpCreate, Path: candidatePrefix(e.id, e.nonce),
			Ephemeral: true, Sequential: true,
		})
		e.port.multi(e.stood, ops...)
	})
}

// removals makes the operations that delete nodes as they are: what somebody wrote into one must not keep it there. ok is false
// where the session has ended before.
func (e *election) removals(paths []string, ops []txn.Op, then func(ops []txn.Op, ok bool)) {
	if len(paths) == 0 {
		then(ops, true)
		return
	}
	e.port.read(paths[0], func(event txn.Event) {
		node, ok := event.(txn.NodeRead)
		if !ok {
			then(nil, false)
			return
		}
		if node.Exists {
			ops = append(ops, txn.Op{Kind: txn.OpDelete, Path: paths[0], Version: node.Version})
		}
		e.removals(paths[1:], ops, then)
	})
}

// stood takes what became of a candidature. Where that is not known, the next list shows the node as a left-over, and it goes.
func (e *election) stood(event txn.Event) {
	e.busy = false
	if done, ok := event.(txn.MultiDone); ok && len(done.Appended) == 1 {
		number := int(done.Appended[0].Num)
		name := fmt.Sprintf("%s_%s_%0*d", e.id, e.nonce, sequenceDigits, number)
		e.own, e.turned = candidate{name: name, id: e.id, nonce: e.nonce, number: number}, false
	}
	e.refresh()
}

// refresh lists the candidates once more, beside the watch.
func (e *election) refresh() {
	e.busy = true
	e.port.list(electionPath, e.confirm)
}

// takeOver is called when the leader whose candidature has that nonce is surely dead: the next in line need not wait until its
// session times out. If it was not dead, it is merely deposed.
func (e *election) takeOver(nonce string) bool {
	if e.busy || e.turned || e.over || len(e.queue) < 2 {
		return false
	}
	if e.deposed != 0 && e.now()-e.deposed < e.early {
		return false
	}
	first, second := e.queue[0], e.queue[1]
	if first.nonce != nonce || second.name != e.own.name {
		return false
	}
	e.turned = true
	e.lead(txn.Lead{ElectionPath: e.own.path(), Nonce: e.own.nonce, Remove: first.path()})
	return true
}

// lost is called when the machine was deposed or could not take over: the candidature goes, and a new one is made at the end.
func (e *election) lost() {
	e.cool()
	e.leave(func() {})
}

// cool leaves early take-overs to others for a while: two that cannot reach each other would depose one another for ever.
func (e *election) cool() { e.deposed = e.now() }

// resign hands over: the candidature goes for good. then runs when that is done, or not needed.
func (e *election) resign(then func()) {
	e.over = true
	e.leave(then)
}

func (e *election) leave(then func()) {
	if e.own.name == "" {
		then()
		return
	}
	path := e.own.path()
	e.own, e.turned, e.busy = candidate{}, false, true
	e.removals([]string{path}, nil, func(ops []txn.Op, ok bool) {
		if len(ops) == 0 {
			then()
			if ok {
				e.refresh()
			}
			return
		}
		e.port.multi(func(txn.Event) {
			then()
			e.refresh()
		}, ops...)
	})
}
