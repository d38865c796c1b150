package sim

import (
	"encoding/json"
	"strings"

	"github.com/medcommit/medcommit/txn"
)

// mutation switches one rule off, between a machine and the world: a test shows that random schedules find the loss.
type mutation uint8

const (
	noMutation         mutation = iota
	noVoteCheck                 // R2: decisions do not check the votes that they rely on
	noFence                     // R4: a leader's multis do not check the epoch
	noIncarnation               // R5: a participant's multis do not check its incarnation
	noDiscard                   // R5: a new session keeps what the last one read
	noInboxFirst                // R5: the inbox is not read to its end
	noSync                      // R6: a write of one's own does not bring the server up to date
	oneSegment                  // R9: a withdrawal deletes only one of the segments with its commit votes
	ephemeralWithdraw           // R9: a withdrawal's vote to abort is ephemeral
	listLate                    // R10: the database is listed after the logs were read
	noHorizon                   // R11: a submission does not check the horizon
	noSecondLook                // R11: the submissions are not read before forgetting
	fromIsAt                    // R11: "from" says the same as "at"
	noGuard                     // R16: work that failed is prepared for a moment, and rolled back for one's own vote
	noHeadVersion               // a payload's head is swept whatever its version
	noGenerationFence           // an append goes into a closed generation too
	noMarker                    // R7: a marker is not unique
	lowerRow                    // R10: a late call of an older process lowers the site row
	wishedAtOnce                // R9, R13: an operator's forced roll-back of what is undecided does not wait for its withdrawal
	answersForgotten            // R13: a new session does not know which wishes it has answered
	heuristicForgotten          // R13: nor what it has settled by hand
	intentForgotten             // R13: nor what it was about to settle
	mutations
)

func (m mutation) String() string {
	return [...]string{
		"none", "R2-vote-check", "R4-fence", "R5-incarnation", "R5-discard", "R5-inbox-first", "R6-write-before-absence",
		"R9-all-segments", "R9-persistent-abort", "R10-order", "R11-horizon", "R11-second-look", "R11-from", "R16-prepared",
		"payload-head-version", "generation-fence", "R7-marker", "R10-site-row",
		"R13-withdrawal", "R13-answers", "R13-heuristics", "R13-intent",
	}[m]
}

// mutate changes an effect on its way from a machine, or drops it.
func (w *world) mutate(p *process, e txn.Effect) txn.Effect {
	switch e := e.(type) {
	case txn.Multi:
		e.Ops = w.mutateOps(p, e.Ops)
		w.noteHorizon(p, e)
		return e
	case txn.ReadToEnd:
		return w.mutateRead(p, e)
	case txn.ListPrepared:
		if w.mutation == listLate {
			p.mutant.listed = w.zk.head
		}
	}
	return e
}

func (w *world) mutateOps(p *process, ops []txn.Op) []txn.Op {
	switch w.mutation {
	case noVoteCheck:
		return without(ops, func(i int) bool { return ops[i].Kind == txn.OpCheckEntry })
	case noFence:
		return without(ops, func(i int) bool { return ops[i].Kind == txn.OpCheck && ops[i].Path == txn.EpochPath })
	case noDiscard:
		return rebase(p, ops)
	case noIncarnation:
		path := txn.IncarnationPath(p.name)
		return without(ops, func(i int) bool { return ops[i].Kind == txn.OpCheck && ops[i].Path == path })
	case oneSegment:
		if isWithdrawal(ops) {
			seen := false
			return without(ops, func(i int) bool {
				first := !seen
				seen = seen || ops[i].Kind == txn.OpDeleteEntry
				return ops[i].Kind == txn.OpDeleteEntry && !first
			})
		}
	case ephemeralWithdraw:
		if isWithdrawal(ops) {
			out := append([]txn.Op(nil), ops...)
			for i := range out {
				out[i].Ephemeral = out[i].Ephemeral || out[i].Kind == txn.OpAppend
			}
			return out
		}
	case noHorizon:
		return without(ops, func(i int) bool { return ops[i].Kind == txn.OpCheck && ops[i].Path == txn.HorizonPath })
	case fromIsAt:
		return fromAsAt(p, ops)
	case wishedAtOnce:
		w.rollBackAtOnce(p, ops)
	case answersForgotten:
		return w.postpone(ops)
	case noHeadVersion:
		return anyHead(p, ops)
	}
	return ops
}

// Operations that only a mutation makes.
const (
	opNothing   txn.OpKind = 0   // takes the place of an operation that is switched off
	opDeleteAny txn.OpKind = 255 // a delete whatever the version
)

// without switches off the operations that gone names; the others keep their places.
func without(ops []txn.Op, gone func(int) bool) []txn.Op {
	out := append([]txn.Op(nil), ops...)
	for i := range ops {
		if gone(i) {
			out[i] = txn.Op{Kind: opNothing}
		}
	}
	return out
}

func isWithdrawal(ops []txn.Op) bool {
	for i := range ops {
		if s := ops[i].Segment; ops[i].Kind == txn.OpAppend && s != nil {
			for _, v := range s.Votes {
				if v.Withdrawn && !ops[i].Ephemeral {
					return true
				}
			}
		}
	}
	return false
}

func fromAsAt(p *process, ops []txn.Op) []txn.Op {
	for i := range ops {
		if ops[i].Kind != txn.OpSet || ops[i].Path != txn.AppliedPath(p.name) {
			continue
		}
		var a txn.Applied
		if json.Unmarshal(ops[i].Data, &a) != nil {
			return ops
		}
		a.From, a.Needs = a.At, nil
		data, err := json.Marshal(a)
		if err != nil {
			return ops
		}
		out := append([]txn.Op(nil), ops...)
		out[i].Data = data
		return out
	}
	return ops
}

func anyHead(p *process, ops []txn.Op) []txn.Op {
	if p.coord == nil {
		return ops
	}
	out := append([]txn.Op(nil), ops...)
	for i := range out {
		if out[i].Kind == txn.OpDelete && strings.HasPrefix(out[i].Path, "payloads/") {
			out[i].Kind = opDeleteAny
		}
	}
	return out
}

// mutant is what a switched-off rule has to remember of a process.
type mutant struct {
	horizon txn.Token // R11: the multi that moves the horizon
	moved   bool      // it was just answered
	listed  zxid      // R10: the logs were read then, before the database was listed
	hidden  bool      // R5: the new session is kept from the machine
	fixed   int32     // R5: the incarnation that was made behind its back
}

func (w *world) noteHorizon(p *process, m txn.Multi) {
	if w.mutation != noSecondLook {
		return
	}
	for i := range m.Ops {
		if m.Ops[i].Kind == txn.OpSet && m.Ops[i].Path == txn.HorizonPath {
			p.mutant.horizon = m.Token
		}
	}
}

// noteAnswer notes that the horizon was moved.
func (w *world) noteAnswer(p *process, e txn.Event) {
	d, ok := e.(txn.MultiDone)
	p.mutant.moved = ok && w.mutation == noSecondLook && d.Token == p.mutant.horizon
}

// mutateRead answers a reading at once, without having read.
func (w *world) mutateRead(p *process, e txn.ReadToEnd) txn.Effect {
	skip := w.mutation == noInboxFirst && e.Log.Kind == txn.Inbox && p.ready ||
		w.mutation == noSecondLook && e.Log.Kind == txn.Transactions && p.mutant.moved
	if !skip || p.link.sess == nil {
		return e
	}
	_, end := w.zk.logs[e.Log].open(p.link.sess.view)
	p.link.answers = append(p.link.answers, answer{txn.LogEnd{Token: e.Token, Log: e.Log, Through: end}, 0})
	return nil
}
