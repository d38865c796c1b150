package zkcoord

import (
	"strings"
	"testing"
	"time"

	"github.com/medcommit/medcommit/txn"
)

// FuzzRecords gives both machines any record that a log or a node may hold: neither ever fails, nor asks for what has no path.
func FuzzRecords(f *testing.F) {
	c := newCodec()
	for _, seg := range samples() {
		data, err := c.encode(seg)
		if err != nil {
			f.Fatal(err)
		}
		for kind := range txn.Votes {
			f.Add(byte(kind), data, []byte("null"))
		}
	}
	f.Add(byte(0), []byte{}, []byte(`{"at":{"gen":1,"num":7},"from":{"gen":1,"num":9},"unfinished":[{"key":"k","verdict":"commit","lost":true}],"needs":[{}]}`))
	f.Add(byte(txn.Decisions-1), []byte("{\"format\":1,\"kind\":\"decisions\"}\n{\"key\":\"0123456789abcdefghijklmnop\",\"verdict\":\"commit\",\"votes\":[{\"participant\":\"../a\"}]}"), []byte("{}"))
	f.Fuzz(func(t *testing.T, kind byte, data, node []byte) {
		segment, err := c.decode(data)
		if err != nil {
			segment = nil
		}
		for _, m := range []*feigned{feignedCoordinator(t), feignedParticipant(t)} {
			log := txn.Log{Kind: txn.LogKind(kind%byte(txn.Votes)) + 1}
			if log.Kind == txn.Inbox || log.Kind == txn.Votes {
				log.Participant = "emr"
			}
			m.listed[log] = []txn.Entry{{Pos: txn.Pos{Gen: 1}, Segment: segment, Size: len(data)}, {Pos: txn.Pos{Gen: 1, Num: 1}, Segment: segment, Ephemeral: true}}
			m.nodes[txn.AppliedPath("emr")] = node
			m.nodes[txn.EpochPath] = node
			m.nodes[txn.IncarnationPath("emr")] = node
			m.tell(txn.SessionUp{Nonce: "s1"})
			m.tell(txn.Entries{Log: log, Entries: m.listed[log]})
			m.tell(txn.NodeRead{Path: txn.AppliedPath("emr"), Exists: true, Data: node})
			m.tell(txn.Lead{ElectionPath: "election/n", Nonce: "n"})
			m.tell(txn.Entries{Log: log, Entries: []txn.Entry{{Pos: txn.Pos{Gen: 1, Num: 2}, Segment: segment}}})
			for i := range 20 {
				m.tell(txn.Tick{Now: time.Duration(i+1) * time.Minute, Wall: int64(i)})
			}
			m.tell(txn.SessionLost{})
			m.tell(txn.SessionUp{Nonce: "s2"})
			m.tell(txn.Tick{Now: time.Hour, Wall: 100})
		}
	})
}

// feigned is a machine over a store that answers everything at once.
type feigned struct {
	t      *testing.T
	step   func(txn.Event) []txn.Effect
	flush  func() []txn.Effect
	listed map[txn.Log][]txn.Entry
	nodes  map[string][]byte
	num    int32
}

func feignedCoordinator(t *testing.T) *feigned {
	c := txn.NewCoordinator(txn.CoordinatorConfig{Cluster: "c", ID: "c1", Nonce: "n", Retention: time.Minute})
	return &feigned{t: t, step: c.Step, flush: func() []txn.Effect { return c.Flush(txn.Hold{}) }, listed: map[txn.Log][]txn.Entry{}, nodes: map[string][]byte{}, num: 10}
}

func feignedParticipant(t *testing.T) *feigned {
	p := txn.NewParticipant(txn.ParticipantConfig{Cluster: "c", Name: "emr", Process: "p", WithdrawAfter: time.Minute})
	return &feigned{t: t, step: p.Step, flush: func() []txn.Effect { return p.Flush(txn.Hold{}) }, listed: map[txn.Log][]txn.Entry{}, nodes: map[string][]byte{}, num: 10}
}

// tell gives the machine an event, and answers what follows from it, as far as that goes within many steps.
func (m *feigned) tell(e txn.Event) {
	events := []txn.Event{e}
	for range 2000 {
		var effects []txn.Effect
		if len(events) > 0 {
			effects = m.step(events[0])
			events = events[1:]
		} else if effects = m.flush(); len(effects) == 0 {
			return
		}
		for _, e := range append([]txn.Effect(nil), effects...) {
			if answer := m.answer(e); answer != nil {
				events = append(events, answer)
			}
		}
	}
}

func (m *feigned) answer(e txn.Effect) txn.Event {
	switch e := e.(type) {
	case txn.Multi:
		done := txn.MultiDone{Token: e.Token}
		for _, op := range e.Ops {
			m.validPath(op.Path, op.Log)
			if op.Kind == txn.OpAppend {
				done.Appended = append(done.Appended, txn.Pos{Gen: 1, Num: m.num})
				m.num++
			}
		}
		return done
	case txn.ReadNode:
		m.validPath(e.Path, txn.Log{})
		return txn.NodeRead{Token: e.Token, Path: e.Path, Exists: true, Data: m.nodes[e.Path]}
	case txn.ReadToEnd:
		return txn.LogEnd{Token: e.Token, Log: e.Log, Through: txn.Pos{Gen: 1, Num: m.num}}
	case txn.FindPast:
		return txn.PastFound{Token: e.Token}
	case txn.ListPast:
		return txn.PastListed{Token: e.Token, End: true}
	case txn.FindBranches:
		return txn.BranchesFound{Token: e.Token, Missing: e.Keys}
	case txn.ListLog:
		return txn.LogListed{Token: e.Token, Log: e.Log, Gen: 1, Entries: m.listed[e.Log]}
	case txn.ListNode:
		return txn.NodeListed{Token: e.Token, Path: e.Path}
	case txn.WatchNode:
		m.validPath(e.Path, txn.Log{})
	case txn.WatchChildren:
		m.validPath(e.Path, txn.Log{})
	case txn.Follow:
		m.validPath("", e.Log)
	case txn.ListPrepared:
		return txn.PreparedListed{Token: e.Token}
	case txn.LoadSite:
		return txn.SiteLoaded{Token: e.Token}
	case txn.SaveSite:
		return txn.SiteSaved{Token: e.Token}
	case txn.Work:
		return txn.Worked{Key: e.XID.Key, Ballot: txn.Commit()}
	case txn.Finish:
		if _, err := txn.ParseXID(e.XID.String()); err != nil {
			m.t.Fatalf("a branch without a name is to be finished: %q", e.XID)
		}
		return txn.Finished{Key: e.XID.Key, Result: txn.FinishDone}
	case txn.Sweep:
		return txn.Heads{Token: e.Token}
	}
	return nil
}

// validPath fails where the machine asks for what ZooKeeper's client would refuse.
func (m *feigned) validPath(path string, log txn.Log) {
	if log.Kind != 0 {
		path = log.Path()
	}
	for part := range strings.SplitSeq(path, "/") {
		if part == "." || part == ".." || path != "" && part == "" || strings.ContainsFunc(part, func(r rune) bool { return r < ' ' || r > '~' }) {
			m.t.Fatalf("asked for the path %q", path)
		}
	}
}
