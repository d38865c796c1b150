package txn

import (
	"encoding/json"
	"slices"
	"strings"
)

// serveStore has ZooKeeper answer its oldest question.
func (m *monkey) serveStore() {
	if len(m.store) == 0 {
		return
	}
	e := m.store[0]
	m.store = m.store[1:]
	switch e := e.(type) {
	case Multi:
		m.serveMulti(e)
	case ReadToEnd:
		m.give(e.Log)
		m.tell(LogEnd{Token: e.Token, Log: e.Log, Through: m.gens[e.Log.Kind]})
	case ListLog:
		m.tell(m.list(e))
	case FindPast:
		m.tell(PastFound{Token: e.Token})
	case ReadNode:
		m.tell(m.node(e))
	case ListNode:
		m.tell(NodeListed{Token: e.Token, Path: e.Path})
	}
}

// serveMulti applies a multi, or not, and answers, or not.
func (m *monkey) serveMulti(e Multi) {
	fate := m.rng.Intn(20)
	if m.calm {
		fate = 20
	}
	if fate == 0 {
		m.tell(MultiLost{Token: e.Token, Unsent: m.rng.Intn(2) == 0})
		return
	}
	if index, err := m.refuse(e.Ops); err != OpErrNone {
		if fate == 1 {
			m.tell(MultiLost{Token: e.Token})
			return
		}
		m.tell(MultiFailed{Token: e.Token, Index: index, Err: err})
		return
	}
	done := MultiDone{Token: e.Token}
	for _, o := range e.Ops {
		if pos, appended := m.apply(o); appended {
			done.Appended = append(done.Appended, pos)
		}
	}
	m.w.applied(e)
	if fate == 1 || fate == 2 || !m.up {
		m.tell(MultiLost{Token: e.Token})
		return
	}
	m.tell(done)
}

// refuse gives the first operation that cannot be done.
func (m *monkey) refuse(ops []Op) (int, OpError) {
	for i, o := range ops {
		switch o.Kind {
		case OpCheck:
			if o.Version != m.incarnation {
				return i, OpErrBadVersion
			}
		case OpSet:
			switch {
			case o.Path == IncarnationPath("emr") && o.Version != m.incarnation,
				o.Path == AppliedPath("emr") && o.Version != m.version,
				strings.Contains(o.Path, "/g-") && m.genOf(o.Path) != o.Path:
				return i, OpErrBadVersion
			}
		case OpAppend:
			if o.Gen != m.gens[Votes].Gen {
				return i, OpErrClosed
			}
		case OpDeleteEntry:
			if !m.holds(o) {
				return i, OpErrNoNode
			}
		}
	}
	return 0, OpErrNone
}

func (m *monkey) genOf(path string) string {
	l := m.p.votesLog()
	if strings.HasPrefix(path, m.p.inboxLog().Path()) {
		l = m.p.inboxLog()
	}
	return l.GenerationPath(m.gens[l.Kind].Gen)
}

func (m *monkey) holds(o Op) bool {
	if o.Log.Kind == Inbox {
		return slices.ContainsFunc(m.inbox, func(e Entry) bool { return e.Pos == o.Pos })
	}
	return slices.ContainsFunc(m.votes, func(e heldVotes) bool { return e.Pos == o.Pos })
}

func (m *monkey) apply(o Op) (Pos, bool) {
	switch o.Kind {
	case OpSet:
		m.set(o)
	case OpAppend:
		pos := m.place(Votes)
		e := Entry{Pos: pos, Ephemeral: o.Ephemeral, Segment: o.Segment}
		m.votes = append(m.votes, heldVotes{e, m.sessions})
		return pos, true
	case OpDeleteEntry:
		if o.Log.Kind == Inbox {
			m.inbox = slices.DeleteFunc(m.inbox, func(e Entry) bool { return e.Pos == o.Pos })
		} else {
			m.votes = slices.DeleteFunc(m.votes, func(e heldVotes) bool { return e.Pos == o.Pos })
		}
	}
	return Pos{}, false
}

func (m *monkey) set(o Op) {
	switch o.Path {
	case IncarnationPath("emr"):
		var i Incarnation
		if err := json.Unmarshal(o.Data, &i); err != nil {
			panic(err)
		}
		m.incarnation++
		m.owner = i.Process
	case AppliedPath("emr"):
		m.version++
		m.applied = o.Data
	default:
		kind := Votes
		if strings.HasPrefix(o.Path, m.p.inboxLog().Path()) {
			kind = Inbox
		}
		m.gens[kind] = Pos{m.gens[kind].Gen + 1, 0}
	}
}

func (m *monkey) list(e ListLog) LogListed {
	l := LogListed{Token: e.Token, Log: e.Log, Gen: m.gens[e.Log.Kind].Gen}
	if e.Log.Kind == Decisions {
		l.Entries = slices.Clone(m.decisions)
		return l
	}
	for _, v := range m.votes {
		l.Entries = append(l.Entries, v.Entry)
	}
	return l
}

func (m *monkey) node(e ReadNode) NodeRead {
	n := NodeRead{Token: e.Token, Path: e.Path, Exists: true}
	switch e.Path {
	case IncarnationPath("emr"):
		n.Version, n.Data = m.incarnation, encodeNode(Incarnation{Process: m.owner})
	case AppliedPath("emr"):
		n.Version, n.Data = m.version, m.applied
	}
	return n
}

// serveDatabase has the resource manager answer any of its questions.
func (m *monkey) serveDatabase() {
	if len(m.database) == 0 {
		return
	}
	i := m.rng.Intn(len(m.database))
	e := m.database[i]
	m.database = slices.Delete(m.database, i, i+1)
	failed := !m.calm && m.rng.Intn(8) == 0
	switch e := e.(type) {
	case Work:
		m.tell(Worked{Key: e.XID.Key, Ballot: m.work(e.XID.Key, failed)})
	case Finish:
		m.tell(Finished{Key: e.XID.Key, Result: m.finish(e, failed)})
	case ListPrepared:
		l := PreparedListed{Token: e.Token, Failed: failed}
		for k := range m.prepared {
			l.Branches = append(l.Branches, m.p.xid(k))
		}
		slices.SortFunc(l.Branches, func(a, b XID) int { return strings.Compare(string(a.Key), string(b.Key)) })
		m.tell(l)
	case LoadSite:
		m.tell(SiteLoaded{Token: e.Token, Exists: m.exists, Row: m.row, Failed: failed})
	case SaveSite:
		if !failed || m.rng.Intn(2) == 0 {
			m.exists, m.row = true, e.Row
		}
		m.tell(SiteSaved{Token: e.Token, Failed: failed})
	}
}

// readOnly tells whether all operations of a branch are declared so.
func readOnly(k Key) bool { return k[len(k)-1]%5 == 0 }

func (m *monkey) work(k Key, failed bool) Ballot {
	switch {
	case m.prepared[k]:
		return Commit()
	case m.marked[k], failed:
		return Abort(DetailDatabaseUnavailable)
	case readOnly(k):
		return ReadOnly()
	case m.rng.Intn(6) == 0:
		return Abort(DetailRows)
	}
	m.prepared[k] = true
	return Commit()
}

func (m *monkey) finish(e Finish, failed bool) FinishResult {
	k := e.XID.Key
	switch {
	case failed && m.rng.Intn(2) == 0:
		return FinishFailed
	case e.Verdict == VerdictAbort && e.ByHand && m.marked[k]:
		return FinishUnknown
	case e.Verdict == VerdictAbort:
		delete(m.prepared, k)
	case m.prepared[k]:
		delete(m.prepared, k)
		m.marked[k] = true
	case !m.marked[k]:
		return FinishUnknown
	}
	if failed {
		return FinishFailed // done, and not known to be
	}
	return FinishDone
}
