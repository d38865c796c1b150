package txn

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A scenario is a text of steps. A step is a line of input, a line of four dashes, and the effects that must follow, up to an
// empty line. Lines that begin with # are comments. Names of keys are short. Questions are numbered by kind in the order in which
// they are asked, so that a step can answer them: m1 a multi, r1 a node, c1 a node's children, e1 an end of a log, l1 a log, h1
// and k1 history searched and listed, p1 the prepared branches, b1 branches looked up, i1 and w1 the site row read and written.
//
// The step "start" brings a machine up with what the lines before it laid out (lay ...), answers everything until it is ready, and
// shows only what the last answer led to.
type script struct {
	wishes int
	t      *testing.T
	p      *Participant
	now    time.Duration
	tokens map[string]Token
	names  map[Token]string
	counts map[string]int
	logs   map[Token]Log
	lay    layout
}

// layout is what a start finds.
type layout struct {
	incarnation    int32
	process        string
	applied        Applied
	row            SiteRow
	exists         bool
	inbox, decided []Entry
	votes          []Entry
	prepared       []string
}

const scriptSite = "emr"

func newScript(t *testing.T, cfg ParticipantConfig) *script {
	cfg.Cluster, cfg.Name, cfg.Process = "c1", scriptSite, "P"
	return &script{t: t, p: NewParticipant(cfg), tokens: map[string]Token{}, names: map[Token]string{}, counts: map[string]int{}}
}

// run carries out one line of input and gives the effects as text.
func (s *script) run(line string) string {
	words := strings.Fields(line)
	command, args := words[0], words[1:]
	switch command {
	case "lay":
		s.layOut(args)
		return ""
	case "start":
		return s.start(args)
	case "flush":
		return s.show(s.p.Flush(Hold{}))
	case "lane":
		q := s.p.Votes()
		return fmt.Sprintf("%d votes, busy %v, %d coming\n", q.Records, q.Busy, q.Coming)
	case "standing":
		queued, inDoubt, oldest := s.p.Standing()
		return fmt.Sprintf("queued %d, in doubt %d, oldest %v, remembered %d\n", queued, inDoubt, oldest, len(s.p.Branches()))
	}
	return s.show(s.p.Step(s.event(command, args)))
}

func (s *script) event(command string, args []string) Event {
	switch command {
	case "tick":
		d, err := time.ParseDuration(args[0])
		s.must(err)
		s.now += d
		return Tick{Now: s.now, Wall: 1}
	case "up":
		return SessionUp{Nonce: args[0]}
	case "lost":
		return SessionLost{}
	case "inbox":
		return Entries{Log: s.p.inboxLog(), Entries: []Entry{s.inboxEntry(args)}}
	case "decisions":
		return Entries{Log: s.p.decisionsLog(), Entries: []Entry{s.decisionEntry(args)}}
	case "worked":
		return Worked{Key: Key(args[0]), Ballot: s.ballot(args[1])}
	case "finished":
		r := map[string]FinishResult{"done": FinishDone, "unknown": FinishUnknown, "failed": FinishFailed}[args[1]]
		return Finished{Key: Key(args[0]), Result: r}
	case "withdraw":
		return Withdraw{Key: Key(args[0])}
	case "settle":
		s.wishes++
		w := Wish{Nonce: fmt.Sprintf("w%d", s.wishes), Key: Key(args[0]), Verdict: s.verdict(args[1]), Force: len(args) > 2}
		if len(args) > 3 {
			w.Decision = s.verdict(args[3])
		}
		at := Pos{Gen: 1, Num: int32(20 + s.wishes)}
		return Entries{Log: s.p.inboxLog(), Entries: []Entry{{Pos: at, Segment: &Segment{Wishes: []Wish{w}}}}}
	case "adopt":
		word := Adoption{Nonce: "stale", Reason: "a reason"}
		if f := s.p.restore.finding; f != nil && len(args) == 0 {
			word.Nonce = f.Nonce
		}
		return NodeRead{Path: AdoptPath("emr"), Exists: true, Version: 2, Data: encodeNode(word)}
	}
	return s.answer(command, s.token(args[0]), args[1:])
}

// answer makes the event that answers a question.
func (s *script) answer(command string, t Token, args []string) Event {
	switch command {
	case "done":
		e := MultiDone{Token: t}
		for _, a := range args {
			e.Appended = append(e.Appended, s.pos(a))
		}
		return e
	case "fail":
		return MultiFailed{Token: t, Index: s.number(args[0]), Err: s.opError(args[1])}
	case "perhaps":
		return MultiLost{Token: t}
	case "unsent":
		return MultiLost{Token: t, Unsent: true}
	case "node":
		if args[0] == "none" {
			return NodeRead{Token: t}
		}
		return NodeRead{Token: t, Exists: true, Version: int32(s.number(args[0])), Data: []byte(strings.Join(args[1:], " "))}
	case "children":
		return NodeListed{Token: t, Children: args}
	case "end":
		return LogEnd{Token: t, Log: s.logOf(t), Through: s.pos(args[0])}
	case "list":
		e := LogListed{Token: t, Log: s.logOf(t), Gen: int32(s.number(args[0]))}
		for _, a := range args[1:] {
			e.Entries = append(e.Entries, s.listedEntry(e.Log, a))
		}
		return e
	case "prepared":
		if len(args) == 1 && args[0] == "failed" {
			return PreparedListed{Token: t, Failed: true}
		}
		return PreparedListed{Token: t, Branches: s.xids(args)}
	case "site":
		return s.site(t, args)
	case "saved":
		return SiteSaved{Token: t, Failed: len(args) > 0, Moved: len(args) > 0 && args[0] == "moved"}
	case "past": // next ? key ...
		l := PastListed{Token: t, Blind: len(args) > 1 && args[1] == "?", End: args[0] == "end"}
		if !l.End {
			l.Next = s.pos(args[0])
		}
		for _, a := range args[1:] {
			if a != "?" {
				l.Keys = append(l.Keys, Key(a))
			}
		}
		return l
	case "missing": // key ..., or failed
		f := BranchesFound{Token: t, Failed: len(args) == 1 && args[0] == "failed"}
		for _, a := range args {
			f.Missing = append(f.Missing, Key(a))
		}
		return f
	case "found": // key=verdict ...
		found := PastFound{Token: t, Verdicts: map[Key]Verdict{}}
		for _, a := range args {
			k, v, _ := strings.Cut(a, "=")
			found.Verdicts[Key(k)] = s.verdict(v)
		}
		return found
	}
	s.t.Fatalf("no step %q", command)
	return nil
}

func (s *script) site(t Token, args []string) Event {
	switch args[0] {
	case "none":
		return SiteLoaded{Token: t}
	case "failed":
		return SiteLoaded{Token: t, Failed: true}
	}
	return SiteLoaded{Token: t, Exists: true, Row: SiteRow{Applied: s.pos(args[0]), Incarnation: int32(s.number(args[1]))}}
}

func (s *script) xids(keys []string) []XID {
	var list []XID
	for _, k := range keys {
		x := s.p.xid(Key(k))
		if rest, foreign := strings.CutPrefix(k, "foreign:"); foreign {
			x.Key, x.Participant = Key(rest), "other"
		}
		list = append(list, x)
	}
	return list
}

// inboxEntry reads "g-1/0 a b(head,2)"; a lone "?" is an entry that cannot be read.
func (s *script) inboxEntry(args []string) Entry {
	e := Entry{Pos: s.pos(args[0])}
	if len(args) == 2 && args[1] == "?" {
		return e
	}
	e.Segment = &Segment{}
	for _, a := range args[1:] {
		key, payload, parts := strings.Cut(strings.TrimSuffix(a, ")"), "(")
		key, timeout, _ := strings.Cut(key, "/")
		request := Prepare{Key: Key(key), Payload: []byte("{}")}
		if timeout != "" {
			request.Timeout = int64(s.number(timeout))
		}
		if parts {
			head, n, _ := strings.Cut(payload, ",")
			request.Head, request.Parts = head, s.number(n)
		}
		e.Segment.Prepares = append(e.Segment.Prepares, request)
	}
	return e
}

// decisionEntry reads "g-1/0 a=commit:commit b=abort x=commit:-": verdict and recorded vote; "-" does not concern the site.
func (s *script) decisionEntry(args []string) Entry {
	e := Entry{Pos: s.pos(args[0])}
	if len(args) == 2 && args[1] == "?" {
		return e
	}
	e.Segment = &Segment{}
	for _, a := range args[1:] {
		key, rest, _ := strings.Cut(a, "=")
		verdict, vote, _ := strings.Cut(rest, ":")
		d := Decision{Key: Key(key), Verdict: s.verdict(verdict), Votes: []CastVote{{Participant: "other"}}}
		if vote != "-" {
			cast := CastVote{Participant: scriptSite}
			if vote != "" {
				cast.Ballot = s.ballot(vote)
			}
			d.Votes = append(d.Votes, cast)
		}
		e.Segment.Decisions = append(e.Segment.Decisions, d)
	}
	return e
}

// listedEntry reads "g-1/0:a=commit,b=abort" of votes, "g-1/0!:a=abort" of a withdrawal, "g-1/0[P-1]:…" with its batch, and
// "g-1/0:a=commit:commit" of decisions. "g-1/0:?" cannot be read.
func (s *script) listedEntry(l Log, text string) Entry {
	place, records, _ := strings.Cut(text, ":")
	place, batch, _ := strings.Cut(strings.TrimSuffix(place, "]"), "[")
	place, persistent := strings.CutSuffix(place, "!")
	fields := strings.FieldsFunc(records, func(r rune) bool { return r == ',' })
	if l.Kind == Decisions {
		return s.decisionEntry(append([]string{place}, fields...))
	}
	e := Entry{Pos: s.pos(place), Ephemeral: !persistent}
	if records == "?" {
		return e
	}
	e.Segment = &Segment{Batch: batch}
	for _, f := range fields {
		key, ballot, _ := strings.Cut(f, "=")
		e.Segment.Votes = append(e.Segment.Votes, VoteRecord{Key: Key(key), Ballot: s.ballot(ballot), Withdrawn: persistent})
	}
	return e
}

func (s *script) layOut(args []string) {
	what, args := args[0], args[1:]
	switch what {
	case "incarnation":
		s.lay.incarnation, s.lay.process = int32(s.number(args[0])), args[1]
	case "applied":
		s.lay.applied.At, s.lay.applied.From = s.pos(args[0]), s.pos(args[1])
		for _, a := range args[2:] {
			key, verdict, _ := strings.Cut(a, "=")
			verdict, past := strings.CutSuffix(verdict, "!past")
			verdict, lost := strings.CutSuffix(verdict, "!")
			u := Unfinished{Key: Key(key), Verdict: s.verdict(verdict), Lost: lost || past, Past: past}
			s.lay.applied.Unfinished = append(s.lay.applied.Unfinished, u)
		}
	case "compare":
		s.lay.applied.Compare = true
	case "settled": // key=verdict:decision ...
		for _, a := range args {
			key, rest, _ := strings.Cut(a, "=")
			verdict, decision, _ := strings.Cut(rest, ":")
			s.lay.applied.Settled = append(s.lay.applied.Settled, Settled{Key: Key(key), Verdict: s.verdict(verdict), Decision: s.verdict(decision)})
		}
	case "row":
		s.lay.exists = true
		s.lay.row = SiteRow{Applied: s.pos(args[0]), Incarnation: int32(s.number(args[1]))}
	case "inbox":
		s.lay.inbox = append(s.lay.inbox, s.inboxEntry(args))
	case "wish":
		s.wishes++
		w := Wish{Nonce: fmt.Sprintf("w%d", s.wishes), Key: Key(args[0]), Verdict: s.verdict(args[1]), Force: true}
		s.lay.inbox = append(s.lay.inbox, Entry{Pos: Pos{Gen: 1, Num: int32(20 + s.wishes)}, Segment: &Segment{Wishes: []Wish{w}}})
	case "decisions":
		s.lay.decided = append(s.lay.decided, s.decisionEntry(args))
	case "votes":
		for _, a := range args {
			s.lay.votes = append(s.lay.votes, s.listedEntry(s.p.votesLog(), a))
		}
	case "prepared":
		s.lay.prepared = args
	default:
		s.t.Fatalf("lay out %q", what)
	}
}

// start answers everything by the layout, and returns what the last answers led to.
func (s *script) start(args []string) string {
	effects := slices.Clone(s.p.Step(SessionUp{Nonce: args[0]}))
	for {
		s.name(effects)
		var next []Effect
		asked := false
		for _, e := range effects {
			for _, answer := range s.byLayout(e) {
				asked = true
				next = append(next, s.p.Step(answer)...)
			}
		}
		if !asked {
			return s.text(effects)
		}
		effects = next
	}
}

func (s *script) byLayout(e Effect) []Event {
	switch e := e.(type) {
	case ReadNode:
		n := NodeRead{Token: e.Token, Path: e.Path, Exists: true, Version: 1}
		switch e.Path {
		case IncarnationPath(scriptSite):
			n.Version, n.Data = s.lay.incarnation, encodeNode(Incarnation{Process: s.lay.process})
		case AppliedPath(scriptSite):
			n.Data = encodeNode(s.lay.applied)
		}
		return []Event{n}
	case ListNode:
		return []Event{NodeListed{Token: e.Token, Path: e.Path}}
	case Multi:
		if e.Ops[0].Kind == OpSet {
			s.lay.incarnation++
			s.lay.process = "P"
		}
		return []Event{MultiDone{Token: e.Token}}
	case LoadSite:
		return []Event{SiteLoaded{Token: e.Token, Exists: s.lay.exists, Row: s.lay.row}}
	case SaveSite:
		return []Event{SiteSaved{Token: e.Token}}
	case ListPrepared:
		return []Event{PreparedListed{Token: e.Token, Branches: s.xids(s.lay.prepared)}}
	case ListLog:
		return []Event{LogListed{Token: e.Token, Log: e.Log, Gen: 1, Entries: s.lay.votes}}
	case Follow:
		if e.Log.Kind == Inbox {
			return []Event{Entries{Log: e.Log, Entries: s.lay.inbox}}
		}
		return []Event{Entries{Log: e.Log, Entries: s.lay.decided}}
	case ReadToEnd:
		through := Pos{1, 0}
		if n := len(s.lay.decided); n > 0 {
			through = s.lay.decided[n-1].Pos.Next()
		}
		if s.p.phase == phaseRunning {
			return nil
		}
		return []Event{LogEnd{Token: e.Token, Log: e.Log, Through: through}}
	}
	return nil
}

func (s *script) token(name string) Token {
	t, ok := s.tokens[name]
	if !ok {
		s.t.Errorf("nothing was asked as %q", name)
	}
	return t
}

func (s *script) number(text string) int {
	n, err := strconv.Atoi(text)
	s.must(err)
	return n
}

// pos reads "g-1/0".
func (s *script) pos(text string) Pos {
	var p Pos
	_, err := fmt.Sscanf(text, "g-%d/%d", &p.Gen, &p.Num)
	s.must(err)
	return p
}

// ballot reads "commit" or "abort:rows".
func (s *script) ballot(text string) Ballot {
	var b Ballot
	vote, detail, _ := strings.Cut(text, "/")
	s.must(b.Vote.UnmarshalText([]byte(vote)))
	s.must(b.Detail.UnmarshalText([]byte(detail)))
	return b
}

func (s *script) verdict(text string) Verdict {
	var v Verdict
	s.must(v.UnmarshalText([]byte(text)))
	return v
}

func (s *script) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *script) opError(text string) OpError {
	e, ok := map[string]OpError{
		"no-node": OpErrNoNode, "bad-version": OpErrBadVersion, "exists": OpErrExists, "closed": OpErrClosed,
		"no-auth": OpErrNoAuth, "too-large": OpErrTooLarge,
	}[text]
	if !ok {
		s.t.Fatalf("no error %q", text)
	}
	return e
}
