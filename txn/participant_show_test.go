package txn

import (
	"fmt"
	"strings"
)

// name gives the questions among effects their names.
func (s *script) name(effects []Effect) {
	for _, e := range effects {
		switch e := e.(type) {
		case Multi:
			s.numbered("m", e.Token)
		case ReadNode:
			s.numbered("r", e.Token)
		case ListNode:
			s.numbered("c", e.Token)
		case ReadToEnd:
			s.numbered("e", e.Token)
			s.log(e.Token, e.Log)
		case FindPast:
			s.numbered("h", e.Token)
		case ListPast:
			s.numbered("k", e.Token)
		case FindBranches:
			s.numbered("b", e.Token)
		case ListLog:
			s.numbered("l", e.Token)
			s.log(e.Token, e.Log)
		case ListPrepared:
			s.numbered("p", e.Token)
		case LoadSite:
			s.numbered("i", e.Token)
		case SaveSite:
			s.numbered("w", e.Token)
		}
	}
}

func (s *script) numbered(kind string, t Token) {
	if _, known := s.names[t]; known {
		return
	}
	s.counts[kind]++
	name := fmt.Sprintf("%s%d", kind, s.counts[kind])
	s.names[t], s.tokens[name] = name, t
}

func (s *script) log(t Token, l Log) {
	if s.logs == nil {
		s.logs = map[Token]Log{}
	}
	s.logs[t] = l
}

func (s *script) logOf(t Token) Log { return s.logs[t] }

func (s *script) show(effects []Effect) string {
	s.name(effects)
	return s.text(effects)
}

func (s *script) text(effects []Effect) string {
	var b strings.Builder
	for _, e := range effects {
		fmt.Fprintln(&b, s.one(e))
	}
	return b.String()
}

func (s *script) one(e Effect) string {
	switch e := e.(type) {
	case Multi:
		return s.names[e.Token] + " multi " + showOps(e.Ops)
	case Follow:
		return "follow " + e.Log.String()
	case Unfollow:
		return "unfollow " + e.Log.String()
	case ReadToEnd:
		return s.names[e.Token] + " read to end " + e.Log.String()
	case ListLog:
		return s.names[e.Token] + " list log " + e.Log.String()
	case FindPast:
		return fmt.Sprintf("%s find in history %v", s.names[e.Token], e.Keys)
	case ListPast:
		return fmt.Sprintf("%s list history of %s from %s", s.names[e.Token], e.Participant, e.From)
	case FindBranches:
		return fmt.Sprintf("%s look up %v", s.names[e.Token], e.Keys)
	case PastCompared:
		return fmt.Sprintf("history compared: %d lost, unreadable %v", e.Lost, e.Blind)
	case WishAnswered:
		return fmt.Sprintf("wish for %s answered: %s", e.Wish.Key, e.Result)
	case SettledByHand:
		return fmt.Sprintf("settled by hand: %s %s", e.Key, e.Verdict)
	case HeuristicMismatch:
		return fmt.Sprintf("heuristic: %s %s, decided %s", e.Key, e.Verdict, e.Decision)
	case WatchNode:
		return "watch " + e.Path
	case Unwatch:
		return "unwatch " + e.Path
	case Adopted:
		return fmt.Sprintf("adopted after the restore of %s: %s", e.What, e.Reason)
	case ReadNode:
		return s.names[e.Token] + " read " + e.Path
	case ListNode:
		return s.names[e.Token] + " list " + e.Path
	case Work:
		return fmt.Sprintf("work %s", e.XID.Key)
	case CancelWork:
		return fmt.Sprintf("cancel work %s", e.Key)
	case Finish:
		return fmt.Sprintf("finish %s %s", e.XID.Key, e.Verdict)
	case ListPrepared:
		return s.names[e.Token] + " list prepared"
	case LoadSite:
		return s.names[e.Token] + " load site"
	case SaveSite:
		verb := "save"
		if e.Adopted {
			verb = "adopt"
		}
		return fmt.Sprintf("%s %s site %s incarnation %d", s.names[e.Token], verb, e.Row.Applied, e.Row.Incarnation)
	case Stop:
		return "stop: " + e.Process
	case Restored:
		return "restored: " + e.What.String()
	case Ready:
		return "ready"
	case BranchChanged:
		return showChange(e)
	}
	return fmt.Sprintf("%T %v", e, e)
}

func showChange(e BranchChanged) string {
	text := fmt.Sprintf("branch %s: %s", e.Key, e.Stand)
	if e.Lost {
		text += ", lost"
	}
	return text
}

func showOps(ops []Op) string {
	var list []string
	for _, o := range ops {
		list = append(list, showOp(o))
	}
	return strings.Join(list, "; ")
}

func showOp(o Op) string {
	switch o.Kind {
	case OpCheck:
		return fmt.Sprintf("check %s@%d", o.Path, o.Version)
	case OpSet:
		return fmt.Sprintf("set %s@%d %s", o.Path, o.Version, o.Data)
	case OpCreate:
		return fmt.Sprintf("create%s %s", showEphemeral(o.Ephemeral), o.Path)
	case OpDelete:
		return fmt.Sprintf("delete %s@%d", o.Path, o.Version)
	case OpAppend:
		return fmt.Sprintf("append%s %s g-%d %s", showEphemeral(o.Ephemeral), o.Log, o.Gen, showSegment(o.Segment))
	case OpCheckEntry:
		return fmt.Sprintf("check %s %s", o.Log, o.Pos)
	case OpDeleteEntry:
		return fmt.Sprintf("delete %s %s", o.Log, o.Pos)
	}
	return "?"
}

func showEphemeral(is bool) string {
	if is {
		return " ephemeral"
	}
	return ""
}

func showSegment(s *Segment) string {
	list := []string{"[" + s.Batch + "]"}
	for _, v := range s.Votes {
		text := fmt.Sprintf("%s=%s", v.Key, v.Vote)
		if v.Detail != DetailNone {
			text += "/" + v.Detail.String()
		}
		if v.Withdrawn {
			text += "!"
		}
		list = append(list, text)
	}
	return strings.Join(list, " ")
}
