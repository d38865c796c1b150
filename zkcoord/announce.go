package zkcoord

import (
	"encoding/json"

	"github.com/hashicorp/go-hclog"

	"github.com/medcommit/medcommit/txn"
)

// announcement keeps the ephemeral node coordinators/ID, by which others find this coordinator. The newest process of an id has
// it: one that finds another's nonce there ends. It belongs to the loop.
type announcement struct {
	id     string
	record peerRecord
	port   *port
	log    hclog.Logger

	session int  // counts sessions, so that answers of an older one are told
	made    bool // in this session
	failed  bool // to be tried again at the next tick
	// replaced is set when another process runs under this id.
	replaced bool
}

func (a *announcement) path() string { return coordinatorsPath + "/" + a.id }

func (a *announcement) sessionUp() {
	a.session++
	a.made, a.failed = false, false
	a.make()
}

// make reads what is there, and puts the own node in its place: a former process's may outlive it by a session time-out.
func (a *announcement) make() {
	session := a.session
	a.port.read(a.path(), func(event txn.Event) {
		node, ok := event.(txn.NodeRead)
		if !ok || session != a.session {
			return
		}
		var ops []txn.Op
		if node.Exists {
			ops = append(ops, txn.Op{Kind: txn.OpDelete, Path: a.path(), Version: node.Version})
		}
		ops = append(ops, txn.Op{Kind: txn.OpCreate, Path: a.path(), Data: record(a.record), Ephemeral: true})
		a.port.multi(func(event txn.Event) {
			if session != a.session {
				return
			}
			if _, done := event.(txn.MultiDone); done {
				a.made = true
				return
			}
			a.failed = true
		}, ops...)
	})
}

// tick tries again what failed.
func (a *announcement) tick() {
	if a.failed {
		a.failed = false
		a.make()
	}
}

// look is called when coordinators changed: what is there under the own id is read once more, after the own node was made.
func (a *announcement) look(seen *peerRecord) {
	if !a.made || seen != nil && seen.Nonce == a.record.Nonce {
		return
	}
	session := a.session
	a.port.read(a.path(), func(event txn.Event) {
		node, ok := event.(txn.NodeRead)
		if !ok || session != a.session || !a.made {
			return
		}
		var now peerRecord
		switch {
		case !node.Exists, json.Unmarshal(node.Data, &now) != nil, now.Nonce == "": // not a coordinator's: written anew
			a.made, a.failed = false, true
		case now.Nonce != a.record.Nonce:
			a.replaced = true
		}
	})
}
