package sim

import (
	"fmt"
	"strings"

	"github.com/medcommit/medcommit/txn"
)

// trace writes a line of a schedule that is being shown.
func (w *world) trace(format string, args ...any) {
	if w.tracing {
		w.log = append(w.log, fmt.Sprintf("%5d %6dms z%-4d ", w.steps, w.now.Milliseconds(), w.zk.head)+fmt.Sprintf(format, args...))
	}
}

func (w *world) traceEvent(p *process, e txn.Event) {
	if !w.tracing {
		return
	}
	switch e := e.(type) {
	case txn.Tick:
	case txn.Entries:
		for _, en := range e.Entries {
			w.trace("  %s reads %s %v%s", p, e.Log, en.Pos, show(en.Segment))
		}
	case txn.LogListed:
		w.trace("  %s lists %s", p, e.Log)
		for _, en := range e.Entries {
			w.trace("    %v%s", en.Pos, show(en.Segment))
		}
	default:
		w.trace("  %s hears %s", p, short(e))
	}
}

func (w *world) traceEffect(p *process, e txn.Effect) {
	if !w.tracing || e == nil {
		return
	}
	if m, ok := e.(txn.Multi); ok {
		w.trace("  %s wants #%d%s", p, m.Token, showOps(m.Ops))
		return
	}
	w.trace("  %s wants %s", p, short(e))
}

func (w *world) traceMulti(s *session, m txn.Multi, places []txn.Pos, index int, fault txn.OpError) {
	if !w.tracing {
		return
	}
	if fault != txn.OpErrNone {
		w.trace("zookeeper refuses #%d of session %d: operation %d, error %d", m.Token, s.id, index, fault)
		return
	}
	w.trace("zookeeper applies #%d of session %d%s %v", m.Token, s.id, showOps(m.Ops), places)
}

func (w *world) traceCall(c *call) {
	if w.tracing {
		w.trace("database of %s, for %s: %s -> %s", c.site.name, c.by, short(c.effect), short(c.answer))
	}
}

func short(v any) string {
	return strings.TrimPrefix(fmt.Sprintf("%T%+v", v, v), "txn.")
}

func showOps(ops []txn.Op) string {
	var b strings.Builder
	for i := range ops {
		op := &ops[i]
		switch op.Kind {
		case txn.OpCheck:
			fmt.Fprintf(&b, " check(%s@%d)", op.Path, op.Version)
		case txn.OpSet:
			fmt.Fprintf(&b, " set(%s@%d %s)", op.Path, op.Version, op.Data)
		case txn.OpCreate:
			fmt.Fprintf(&b, " create(%s)", op.Path)
		case txn.OpDelete:
			fmt.Fprintf(&b, " delete(%s@%d)", op.Path, op.Version)
		case txn.OpAppend:
			life := ""
			if op.Ephemeral {
				life = "~"
			}
			fmt.Fprintf(&b, " append(%s%s g%d%s)", op.Log, life, op.Gen, show(op.Segment))
		case txn.OpCheckEntry:
			fmt.Fprintf(&b, " exists(%s %v)", op.Log, op.Pos)
		case txn.OpDeleteEntry:
			fmt.Fprintf(&b, " drop(%s %v)", op.Log, op.Pos)
		}
	}
	return b.String()
}

// show renders a segment in few words.
func show(s *txn.Segment) string {
	if s == nil {
		return " ?"
	}
	var b strings.Builder
	for _, r := range s.Submissions {
		fmt.Fprintf(&b, " %s=%s/%s%v", r.Key, r.ID, r.Digest, r.Participants)
	}
	for _, r := range s.Prepares {
		fmt.Fprintf(&b, " %s", r.Key)
	}
	for _, r := range s.Wishes {
		fmt.Fprintf(&b, " %s(%s %v)", r.Nonce, r.Key, r.Verdict)
	}
	for _, r := range s.Votes {
		fmt.Fprintf(&b, " %s:%v", r.Key, r.Vote)
		if r.Withdrawn {
			b.WriteString("(withdrawn)")
		}
	}
	for _, r := range s.Decisions {
		fmt.Fprintf(&b, " %s:%v", r.Key, r.Verdict)
		if r.Reason != nil {
			fmt.Fprintf(&b, "(%v)", r.Reason.Code)
		}
	}
	for _, r := range s.History {
		fmt.Fprintf(&b, " %s", r.Submission.Key)
	}
	return b.String()
}
