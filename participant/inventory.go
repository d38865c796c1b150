package participant

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/medcommit/medcommit/txn"
)

// ownTokens marks the tokens of the runtime's own effects, so that they are never the machine's.
const ownTokens txn.Token = 1 << 63

// inventory answers, beside the machine, who asks what is prepared in the site's database: whatever state the site is in, as soon
// as its database was opened once. It is the loop's, but for seen, which is the housekeeper's.
type inventory struct {
	asked   string         // nonce of the last question that was taken up
	answer  *txn.Inventory // not known to be written
	version int32          // of the node "in-doubt"
	token   txn.Token
	opened  bool                 // the housekeeper's: the database was opened
	seen    map[string]time.Time // the housekeeper's: when a branch was first seen whose database does not say since when
}

// watchInventory begins to listen, in a new session.
func (p *Participant) watchInventory() {
	p.inventory.asked, p.inventory.answer = "", nil
	p.ledger.Do(txn.WatchNode{Path: txn.InventoryPath(p.config.Name)}, txn.WatchNode{Path: txn.InDoubtPath(p.config.Name)})
}

// inventoryRead takes a question, or the version of the node that the answer goes to.
func (p *Participant) inventoryRead(n txn.NodeRead) {
	i := &p.inventory
	switch n.Path {
	case txn.InventoryPath(p.config.Name):
		var question txn.InventoryRequest
		if json.Unmarshal(n.Data, &question) != nil || question.Nonce == "" || question.Nonce == i.asked {
			return
		}
		i.asked = question.Nonce
		p.chores.put(func(ctx context.Context) { p.takeInventory(ctx, question.Nonce) })
	case txn.InDoubtPath(p.config.Name):
		i.version = n.Version
		var there txn.Inventory
		if i.answer != nil && (json.Unmarshal(n.Data, &there) != nil || there.Nonce != i.answer.Nonce) {
			p.answerInventory()
		}
	}
}

// takeInventory asks the database; it is the housekeeper's.
func (p *Participant) takeInventory(ctx context.Context, nonce string) {
	var listed []PreparedBranch
	failed := !p.inventory.opened
	if !failed {
		ctx, cancel := context.WithTimeout(ctx, choreWithin)
		defer cancel()
		var err error
		listed, err = p.rm.Prepared(ctx)
		p.asked("listing what is prepared", err)
		if err != nil {
			p.suspect()
			failed = true
		}
	}
	p.dateInventory(listed)
	p.events.put(letter{then: func() { p.writeInventory(nonce, listed, failed) }})
}

// dateInventory gives each branch a time: the database's own, or when this process first saw it.
func (p *Participant) dateInventory(listed []PreparedBranch) {
	seen := make(map[string]time.Time, len(listed))
	for k := range listed {
		b := &listed[k]
		if !b.Since.IsZero() {
			continue
		}
		first, known := p.inventory.seen[b.Name]
		if !known {
			first = time.Now()
		}
		b.Since, seen[b.Name] = first, first
	}
	p.inventory.seen = seen
}

// writeInventory joins the database's list with what the machine knows.
func (p *Participant) writeInventory(nonce string, listed []PreparedBranch, failed bool) {
	if nonce != p.inventory.asked {
		return // of a session that is over, or there is a newer question
	}
	now := time.Now()
	a := &txn.Inventory{Nonce: nonce, At: now.UnixMilli(), Failed: failed}
	known := map[txn.Key]txn.BranchStanding{}
	for _, b := range p.machine.Branches() {
		known[b.Key] = b
	}
	slices.SortFunc(listed, func(a, b PreparedBranch) int { return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.Name, b.Name)) })
	for _, b := range listed {
		if len(a.Branches) == txn.MaxInventory {
			a.More = len(listed) - txn.MaxInventory
			break
		}
		line := txn.PreparedInventory{Name: b.Name, Age: max(now.Sub(b.Since).Milliseconds(), 0)}
		if b.XID.Participant == p.config.Name && b.XID.Cluster == p.cluster {
			standing := known[b.XID.Key]
			line.Key, line.ID, line.Decision, line.Unlogged = b.XID.Key, standing.ID, standing.Verdict, !standing.Logged
			line.Age = max(line.Age, standing.Age.Milliseconds())
		} else {
			line.Foreign = true
		}
		a.Branches = append(a.Branches, line)
	}
	p.inventory.answer = a
	p.answerInventory()
}

func (p *Participant) answerInventory() {
	i := &p.inventory
	data, err := json.Marshal(i.answer)
	if err != nil {
		panic("participant: an inventory cannot be encoded: " + err.Error())
	}
	i.token++
	p.ledger.Do(txn.Multi{Token: ownTokens | i.token, Ops: []txn.Op{
		{Kind: txn.OpSet, Path: txn.InDoubtPath(p.config.Name), Version: i.version, Data: data},
	}})
}

// inventoryWritten takes the answer to a write of the answer: one that failed is repeated when the node's version is heard.
func (p *Participant) inventoryWritten(e txn.MultiDone) {
	if e.Token == ownTokens|p.inventory.token {
		p.inventory.answer = nil
	}
}

// inventoryLost reads back a write whose answer was lost (R6): nothing would be heard of a node that has not changed.
func (p *Participant) inventoryLost(e txn.MultiLost) {
	if e.Token == ownTokens|p.inventory.token {
		p.ledger.Do(txn.ReadNode{Token: e.Token, Path: txn.InDoubtPath(p.config.Name)})
	}
}
