package zkcoord

import "github.com/medcommit/medcommit/txn"

// catchingUp brings what was read up to a moment that is after the asking: a write of one's own, then the logs to their ends,
// history last. It belongs to the loop.
type catchingUp struct {
	port    *port
	waiting []chan error // take one each; served by the next round
	busy    bool
}

func (u *catchingUp) join(w chan error) {
	u.waiting = append(u.waiting, w)
	if !u.busy {
		u.round()
	}
}

func (u *catchingUp) round() {
	served := u.waiting
	u.waiting, u.busy = nil, true
	end := func(err error) {
		for _, w := range served {
			w <- err
		}
		u.busy = false
		if len(u.waiting) > 0 {
			u.round()
		}
	}
	u.port.read(txn.HorizonPath, func(event txn.Event) {
		node, ok := event.(txn.NodeRead)
		if !ok {
			end(txn.ErrUnavailable)
			return
		}
		u.port.multi(func(event txn.Event) {
			if _, lost := event.(txn.MultiLost); lost {
				end(txn.ErrUnavailable)
				return
			}
			u.readLogs([]txn.LogKind{txn.Transactions, txn.Decisions, txn.History}, end)
		}, txn.Op{Kind: txn.OpCheck, Path: txn.HorizonPath, Version: node.Version})
	})
}

func (u *catchingUp) readLogs(kinds []txn.LogKind, end func(error)) {
	if len(kinds) == 0 {
		end(nil)
		return
	}
	u.port.readToEnd(txn.Log{Kind: kinds[0]}, func(event txn.Event) {
		if _, ok := event.(txn.LogEnd); !ok {
			end(txn.ErrUnavailable)
			return
		}
		u.readLogs(kinds[1:], end)
	})
}
