package sim

import (
	"encoding/json"
	"slices"

	"github.com/medcommit/medcommit/txn"
)

// rollBackAtOnce has an operator's forced roll-back of an undecided branch done without waiting for its withdrawal.
func (w *world) rollBackAtOnce(p *process, ops []txn.Op) {
	for i := range ops {
		if ops[i].Kind != txn.OpAppend || ops[i].Segment == nil {
			continue
		}
		for _, v := range ops[i].Segment.Votes {
			forced := slices.ContainsFunc(w.judge.wishes, func(x *judgedWish) bool {
				return x.Key == v.Key && x.site == p.name && x.Force && x.Verdict == txn.VerdictAbort
			})
			if v.Withdrawn && forced {
				w.finish(p.site, txn.Finish{XID: txn.XID{Key: v.Key}, Verdict: txn.VerdictAbort})
			}
		}
	}
}

// mutateEvent keeps from a site what it wrote into "applied" in a session before.
func (w *world) mutateEvent(p *process, e txn.Event) txn.Event {
	if w.mutation != answersForgotten && w.mutation != heuristicForgotten && w.mutation != intentForgotten {
		return e
	}
	n, ok := e.(txn.NodeRead)
	if ok && p.part != nil && n.Path == txn.AppliedPath(p.name) {
		n.Data = changeApplied(n.Data, func(a *txn.Applied) {
			switch w.mutation {
			case answersForgotten:
				a.Answers = nil
			case heuristicForgotten:
				a.Settled = nil
			default:
				a.Settled = slices.DeleteFunc(a.Settled, func(s txn.Settled) bool { return s.Begun })
			}
		})
		return n
	}
	return e
}

// postpone leaves an answered wish in its inbox until the faults are over.
func (w *world) postpone(ops []txn.Op) []txn.Op {
	return without(ops, func(i int) bool {
		if w.over || ops[i].Kind != txn.OpDeleteEntry || ops[i].Log.Kind != txn.Inbox {
			return false
		}
		e := w.zk.logs[ops[i].Log].find(ops[i].Pos)
		return e != nil && len(e.segment.Wishes) > 0
	})
}

// clearPostponed deletes the answered wishes that were left.
func (w *world) clearPostponed() {
	if w.mutation != answersForgotten {
		return
	}
	w.zk.head++
	for _, name := range w.names {
		for _, e := range w.zk.logs[txn.Log{Kind: txn.Inbox, Participant: name}].live() {
			for _, x := range w.judge.wishes {
				if len(e.segment.Wishes) > 0 && e.segment.Wishes[0].Nonce == x.Nonce && x.result != txn.WishNone {
					e.died = w.zk.head
				}
			}
		}
	}
}

func changeApplied(data []byte, change func(*txn.Applied)) []byte {
	var a txn.Applied
	if json.Unmarshal(data, &a) != nil {
		return data
	}
	change(&a)
	changed, err := json.Marshal(a)
	if err != nil {
		return data
	}
	return changed
}
