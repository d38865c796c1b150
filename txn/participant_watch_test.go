package txn

import "fmt"

// watch checks what one machine asks for against what it was told.
type watch struct {
	p   *Participant
	err error

	tokens    Token
	began     bool // Ready was said
	multis    map[Token]Multi
	votesOut  int
	appliesUp int
	saving    bool
	saved     SiteRow
	saveRow   SiteRow

	busy      map[Key]bool // a call of Work or Finish is under way
	working   int
	inbox     map[Key]bool // read in this session
	decided   map[Key]Verdict
	ever      map[Key]Verdict // read in any session
	proved    map[Key]bool    // Worked said prepared, or it was listed
	listed    map[Key]bool
	withdrawn map[Key]bool // in ZooKeeper
	told      map[Key]bool // and the machine knows it
	zombie    map[Key]bool
	at        Pos
}

func newWatch(p *Participant) *watch {
	return &watch{
		p: p, multis: map[Token]Multi{}, busy: map[Key]bool{}, ever: map[Key]Verdict{}, proved: map[Key]bool{},
		listed: map[Key]bool{}, withdrawn: map[Key]bool{}, told: map[Key]bool{}, zombie: map[Key]bool{},
	}
}

func (w *watch) fail(format string, args ...any) {
	if w.err == nil {
		w.err = fmt.Errorf(format, args...)
	}
}

func (w *watch) before(e Event) {
	switch e := e.(type) {
	case SessionUp:
		w.inbox, w.decided, w.began, w.at = map[Key]bool{}, map[Key]Verdict{}, false, Pos{}
	case Entries:
		for _, entry := range e.Entries {
			w.entry(entry)
		}
	case LogListed:
		for _, entry := range e.Entries {
			w.listedEntry(entry)
		}
	case Worked:
		delete(w.busy, e.Key)
		w.working--
		if e.Ballot.Vote == VoteCommit {
			w.proved[e.Key] = true
		}
	case Finished:
		delete(w.busy, e.Key)
	case PreparedListed:
		for _, x := range e.Branches {
			w.proved[x.Key], w.listed[x.Key] = true, true
		}
	case SiteSaved:
		w.saving = false
		if !e.Failed {
			w.saved = w.saveRow
		}
	case MultiDone:
		for _, o := range w.multis[e.Token].Ops {
			if o.Kind == OpAppend {
				w.take(w.told, o.Segment)
			}
		}
		w.answered(e.Token)
	case MultiFailed:
		w.answered(e.Token)
	case MultiLost:
		w.answered(e.Token)
	}
}

func (w *watch) entry(e Entry) {
	for _, r := range e.Segment.Prepares {
		w.inbox[r.Key] = true
	}
	for _, d := range e.Segment.Decisions {
		if _, known := w.decided[d.Key]; !known {
			w.decided[d.Key], w.ever[d.Key] = d.Verdict, d.Verdict
		}
	}
}

func (w *watch) listedEntry(e Entry) {
	for _, d := range e.Segment.Decisions {
		if _, known := w.ever[d.Key]; !known {
			w.ever[d.Key] = d.Verdict
		}
	}
	w.take(w.withdrawn, e.Segment)
	w.take(w.told, e.Segment)
}

func (w *watch) take(withdrawn map[Key]bool, s *Segment) {
	for _, v := range s.Votes {
		withdrawn[v.Key] = withdrawn[v.Key] || v.Withdrawn
	}
}

// applied notes a multi that ZooKeeper has applied, whether the machine hears of it or not.
func (w *watch) applied(m Multi) {
	for _, o := range m.Ops {
		if o.Kind == OpAppend {
			w.take(w.withdrawn, o.Segment)
		}
	}
}

func (w *watch) answered(t Token) {
	m, ok := w.multis[t]
	if !ok {
		return
	}
	delete(w.multis, t)
	votes, applies := lanes(m)
	w.votesOut -= votes
	w.appliesUp -= applies
}

func lanes(m Multi) (votes, applies int) {
	for _, o := range m.Ops {
		if o.Kind == OpAppend {
			votes = 1
		}
		if o.Kind == OpSet && o.Path == AppliedPath("emr") {
			applies = 1
		}
	}
	return votes, applies
}

func (w *watch) effect(e Effect) {
	switch e := e.(type) {
	case Multi:
		w.multi(e)
	case Ready:
		w.began = true
	case Work:
		w.work(e)
	case Finish:
		w.finish(e)
	case SaveSite:
		if w.saving {
			w.fail("two site rows are written at once")
		}
		w.saving, w.saveRow = true, e.Row
	}
}

func (w *watch) multi(m Multi) {
	if m.Token <= w.tokens {
		w.fail("token %d again", m.Token)
	}
	w.tokens = m.Token
	first := m.Ops[0]
	bump := first.Kind == OpSet && first.Path == IncarnationPath("emr")
	asks := len(m.Ops) == 1 && !w.p.inbox.follows // whether another process has come
	if !bump && (first.Kind != OpCheck || first.Path != IncarnationPath("emr") || first.Version != w.p.incarnation && !asks) {
		w.fail("a multi without the check of the incarnation: %s", showOps(m.Ops))
	}
	w.multis[m.Token] = m
	votes, applies := lanes(m)
	w.votesOut += votes
	w.appliesUp += applies
	if w.votesOut > 1 || w.appliesUp > 1 {
		w.fail("two multis of one lane are in flight: %s", showOps(m.Ops))
	}
	for _, o := range m.Ops {
		switch {
		case o.Kind == OpAppend:
			w.votes(o)
		case o.Kind == OpSet && o.Path == AppliedPath("emr"):
			w.apply(o)
		}
	}
}

func (w *watch) votes(o Op) {
	for _, v := range o.Segment.Votes {
		switch {
		case !w.inbox[v.Key]:
			w.fail("a vote for %s, which is not in the inbox", v.Key)
		case v.Vote == VoteCommit && !w.proved[v.Key]:
			w.fail("a vote to commit %s, which is not known to be prepared", v.Key)
		case v.Vote == VoteCommit && w.withdrawn[v.Key]:
			w.fail("a vote to commit %s, which was withdrawn", v.Key)
		case v.Withdrawn == o.Ephemeral:
			w.fail("a vote of %s in the wrong kind of entry", v.Key)
		}
	}
}

func (w *watch) apply(o Op) {
	a := w.p.applied
	if w.saved.Applied != (SiteRow{}).Applied && w.saved.Applied.Before(a.written.At) {
		w.fail("applied is written before the site row")
	}
	if a.written.At.Before(w.at) {
		w.fail("applied goes back")
	}
	w.at = a.written.At
}

func (w *watch) work(e Work) {
	k := e.XID.Key
	w.working++
	switch {
	case !w.began:
		w.fail("work on %s before the site is ready", k)
	case w.working > w.p.cfg.Slots:
		w.fail("work on %s beyond the slots", k)
	case w.busy[k]:
		w.fail("work on %s while a call is under way", k)
	case !w.inbox[k]:
		w.fail("work on %s, which is not in the inbox", k)
	case w.decided[k] != VerdictNone:
		w.fail("work on %s, which is decided", k)
	case w.told[k]:
		w.fail("work on %s, which was withdrawn", k)
	}
	w.busy[k] = true
}

func (w *watch) finish(e Finish) {
	k := e.XID.Key
	if w.busy[k] {
		w.fail("finish of %s while a call is under way", k)
	}
	w.busy[k] = true
	decided := w.ever[k]
	presumed := w.listed[k] && !w.inbox[k] && decided == VerdictNone
	switch {
	case decided == e.Verdict:
	case e.Verdict == VerdictCommit:
		w.fail("commit of %s, which was not decided", k)
	case decided == VerdictNone && (w.withdrawn[k] || presumed):
	default:
		w.fail("roll-back of %s, decided %q, in the inbox %v, withdrawn %v", k, decided, w.inbox[k], w.withdrawn[k])
	}
}
