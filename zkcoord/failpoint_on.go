//go:build failpoints

package zkcoord

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/medcommit/medcommit/txn"
	"github.com/medcommit/medcommit/txn/failpoint"
)

func beforeMulti(m *txn.Multi) {
	for _, p := range steps(m) {
		failpoint.Before(p)
	}
}

func afterMulti(m *txn.Multi) {
	for _, p := range steps(m) {
		failpoint.After(p)
	}
	for i := range m.Ops {
		if op := &m.Ops[i]; op.Kind == txn.OpSet && strings.HasSuffix(op.Path, appliedSuffix) {
			settled.keep(op.Data)
		}
	}
}

func afterRead(n txn.NodeRead) {
	if n.Exists && strings.HasSuffix(n.Path, appliedSuffix) {
		settled.keep(n.Data)
	}
}

const (
	appliedSuffix     = "/applied"
	adoptSuffix       = "/adopt"
	inDoubtSuffix     = "/in-doubt"
	incarnationSuffix = "/incarnation"
)

// settledBefore is what the node "applied" was read or written with: it keeps old answers and intents, and only a new one is a step.
type settledBefore struct {
	mu      sync.Mutex
	answers []txn.WishAnswer
	intents []txn.Settled
}

var settled settledBefore // of the one participant of this process

func (s *settledBefore) keep(data []byte) {
	var a txn.Applied
	if json.Unmarshal(data, &a) != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers, s.intents = a.Answers, a.Settled
}

// news tells which steps it is to write "applied" with data.
func (s *settledBefore) news(data []byte) (all []failpoint.Point) {
	var a txn.Applied
	if json.Unmarshal(data, &a) != nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.ContainsFunc(a.Settled, func(is txn.Settled) bool { return is.Begun && !slices.Contains(s.intents, is) }) {
		all = append(all, failpoint.Intent)
	}
	if slices.ContainsFunc(a.Answers, func(is txn.WishAnswer) bool { return !slices.Contains(s.answers, is) }) {
		all = append(all, failpoint.WishAnswer)
	}
	if a.Restored != nil {
		all = append(all, failpoint.Finding)
	}
	return all
}

// steps tells which steps of the protocol a multi carries out, from what it writes. One that writes what no step names is a step that
// nobody thought of here: no process dies there in a test.
func steps(m *txn.Multi) []failpoint.Point {
	var all []failpoint.Point
	touches := true
	for i := range m.Ops {
		op := &m.Ops[i]
		touches = touches && op.Kind == txn.OpCheck
		switch op.Kind {
		case txn.OpAppend:
			all = append(all, appending(op)...)
		case txn.OpSet:
			all = append(all, setting(op)...)
		case txn.OpCreate, txn.OpDelete:
			all = append(all, making(op)...)
		}
	}
	switch {
	case touches:
		return []failpoint.Point{failpoint.Touch}
	case len(all) > 0:
		return all
	}
	if all = deleting(m); all == nil {
		panic(fmt.Sprintf("zkcoord: no failpoint is named for a multi of %d operations, the last of kind %d on %q",
			len(m.Ops), m.Ops[len(m.Ops)-1].Kind, m.Ops[len(m.Ops)-1].Path))
	}
	return all
}

func appending(op *txn.Op) (all []failpoint.Point) {
	switch op.Log.Kind {
	case txn.Inbox: // beside its submission, or an operator's
		if len(op.Segment.Wishes) > 0 {
			return []failpoint.Point{failpoint.Wish}
		}
	case txn.Transactions:
		return []failpoint.Point{failpoint.Submit}
	case txn.History:
		return []failpoint.Point{failpoint.Retire}
	case txn.Decisions:
		for _, d := range op.Segment.Decisions {
			switch {
			case d.Verdict == txn.VerdictCommit:
				all = append(all, failpoint.DecideCommit)
			case d.Reason != nil && d.Reason.Code == txn.ReasonDuplicate:
				all = append(all, failpoint.DecideDuplicate)
			default:
				all = append(all, failpoint.DecideAbort)
			}
		}
	case txn.Votes:
		for _, v := range op.Segment.Votes {
			switch {
			case v.Withdrawn:
				all = append(all, failpoint.Withdraw)
			case v.Vote == txn.VoteAbort:
				all = append(all, failpoint.VoteAbort)
			default:
				all = append(all, failpoint.VoteCommit)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all) // a batch is one step, however many it holds
}

func setting(op *txn.Op) []failpoint.Point {
	path := op.Path
	switch {
	case path == txn.EpochPath:
		return []failpoint.Point{failpoint.Bump}
	case path == txn.HorizonPath:
		return []failpoint.Point{failpoint.Horizon}
	case strings.HasSuffix(path, appliedSuffix):
		return append(settled.news(op.Data), failpoint.Applied)
	case strings.HasSuffix(path, inDoubtSuffix):
		return []failpoint.Point{failpoint.Inventory}
	case strings.HasSuffix(path, incarnationSuffix):
		return []failpoint.Point{failpoint.Incarnation}
	case strings.Contains(path, "/g-") && strings.HasPrefix(path, participantsPath+"/"):
		return []failpoint.Point{failpoint.CloseOwn}
	case strings.Contains(path, "/g-"):
		return []failpoint.Point{failpoint.RollOver}
	}
	return nil
}

func making(op *txn.Op) []failpoint.Point {
	folder, _, _ := strings.Cut(op.Path, "/")
	switch {
	case folder == coordinatorsPath && op.Kind == txn.OpCreate:
		return []failpoint.Point{failpoint.Announce}
	case folder == electionPath && op.Kind == txn.OpCreate:
		return []failpoint.Point{failpoint.Stand}
	case folder == drainedPath:
		return []failpoint.Point{failpoint.Drain}
	case strings.HasSuffix(op.Path, adoptSuffix) && op.Kind == txn.OpDelete:
		return []failpoint.Point{failpoint.Adopt}
	}
	return nil
}

// deleting tells the step of a multi that writes nothing but checks and deletes.
func deleting(m *txn.Multi) []failpoint.Point {
	for i := range m.Ops {
		op := &m.Ops[i]
		folder, _, _ := strings.Cut(op.Path, "/")
		switch {
		case op.Kind == txn.OpDeleteEntry && op.Log.Kind == txn.History:
			return []failpoint.Point{failpoint.Forget}
		case op.Kind == txn.OpDeleteEntry:
			return []failpoint.Point{failpoint.Clear}
		case op.Kind == txn.OpDelete && folder == payloadsPath:
			return []failpoint.Point{failpoint.Sweep}
		case op.Kind == txn.OpDelete && folder == electionPath:
			return []failpoint.Point{failpoint.Resign}
		}
	}
	return nil
}
