package zkcoord

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/go-zookeeper/zk"

	"github.com/medcommit/medcommit/txn"
)

// garbage is what no program of ours writes.
func garbage() map[string][]byte {
	line := func(kind, record string) []byte {
		return fmt.Appendf(nil, "{\"format\":1,\"batch\":\"b\",\"kind\":%q}\n%s\n", kind, record)
	}
	return map[string][]byte{
		"empty":          {},
		"rubbish":        []byte("rubbish"),
		"truncated":      line(kindDecisions, `{"key":"0123456789abcdefghijkl`),
		"unknown kind":   line("stars", `{}`),
		"huge":           bytes.Repeat([]byte("x"), 500<<10),
		"wrong types":    line(kindVotes, `{"key":7,"vote":[]}`),
		"names no names": line(kindSubmissions, `{"key":"0123456789abcdefghijklmnop","id":"t","participants":["../../epoch"],"timeout":1}`),
		"invalid UTF-8":  line(kindPrepares, "{\"key\":\"\xff\xfe\"}"),
		"no frame":       []byte(zstdMagic + "\x00\x00\x00\x00\x00"),
		"null":           []byte("null"),
		"newer":          []byte(`{"format":1000,"batch":"b","kind":"decisions"}` + "\n"),
	}
}

// vandal writes where nobody should.
type vandal struct {
	t testing.TB
	*client
}

// append puts garbage at the end of a log; as a site's own would be where ephemeral is not set, for good.
func (v vandal) append(log txn.Log, data []byte) {
	v.t.Helper()
	v.must(txn.Op{Kind: txn.OpCreate, Path: log.GenerationPath(1) + "/" + log.Prefix(), Data: data, Sequential: true})
}

// overwrite sets a node, whatever it holds.
func (v vandal) overwrite(path string, data []byte) {
	v.t.Helper()
	for {
		_, stat, err := v.get(context.Background(), v.path(path))
		if err == nil {
			err = v.set(context.Background(), v.path(path), data, stat.Version)
		}
		if err == nil || errors.Is(err, zk.ErrNoNode) { // a session's node may have gone
			return
		}
		if !errors.Is(err, zk.ErrBadVersion) {
			v.t.Fatalf("overwrite %s: %v", path, err)
		}
	}
}

func (v vandal) children(path string) []string {
	v.t.Helper()
	names, err := v.Driver.list(context.Background(), v.path(path))
	if err != nil {
		v.t.Fatal(err)
	}
	return names
}

// commitsSoon hands transactions over sites in until one commits.
func commitsSoon(t testing.TB, c *testCoordinator, id string, sites ...string) {
	t.Helper()
	n := 0
	eventually(t, id+" commits", func() bool {
		n++
		got, err := c.Submit(context.Background(), handed(fmt.Sprintf("%s-%d", id, n), sites...))
		return err == nil && got.State.Commit()
	})
}

// Garbage in any log stops nobody: those who run go on, and those who start anew read past it.
func TestGarbageInEveryLog(t *testing.T) {
	for _, log := range []txn.Log{
		{Kind: txn.Transactions},
		{Kind: txn.Decisions},
		{Kind: txn.History},
		{Kind: txn.Inbox, Participant: "a"},
		{Kind: txn.Votes, Participant: "a"},
	} {
		t.Run(strings.ReplaceAll(log.Path(), "/", "-"), func(t *testing.T) {
			tc := newTestCluster(t)
			a := tc.site("a")
			tc.site("b")
			c := tc.coordinator("c1")
			c.awaitSites("a", "b")
			commitsSoon(t, c, "before", "a", "b")
			v := vandal{t, newClient(t, tc.root, tc.servers...).up()}
			for _, data := range garbage() {
				v.append(log, data)
			}
			commitsSoon(t, c, "after", "a", "b")
			commitsSoon(t, c, "elsewhere", "b")
			a.stop()
			startSite(t, tc.zookeeper(), "a", a.testDatabase)
			c.awaitSites("a", "b")
			commitsSoon(t, c, "a-again", "a", "b")
			next := tc.coordinator("c2")
			c.stop()
			awaitLeader(t, next)
			next.awaitSites("a", "b")
			commitsSoon(t, next, "next", "a", "b")
			if _, err := next.Transactions(context.Background(), txn.Filter{Limit: 1000}); err != nil {
				t.Errorf("list: %v", err)
			}
			if got, err := next.Transaction(context.Background(), "after-1"); err != nil || got.ID != "after-1" {
				t.Errorf("find: %+v, %v", got, err)
			}
		})
	}
}

// Garbage in any single node stops nobody either.
func TestGarbageInEveryNode(t *testing.T) {
	tc := newTestCluster(t)
	a := tc.site("a")
	tc.site("b")
	c := tc.coordinator("c1")
	c.awaitSites("a", "b")
	commitsSoon(t, c, "before", "a", "b")
	v := vandal{t, newClient(t, tc.root, tc.servers...).up()}
	for name, data := range garbage() {
		for _, path := range []string{
			txn.EpochPath, txn.HorizonPath, txn.AppliedPath("a"), txn.IncarnationPath("a"), "participants/a", coordinatorsPath + "/c1",
		} {
			v.overwrite(path, data)
		}
		for _, folder := range []string{txn.SessionsPath("a"), electionPath} {
			for _, child := range v.children(folder) {
				v.overwrite(folder+"/"+child, data)
			}
		}
		v.must(txn.Op{Kind: txn.OpCreate, Path: drainedPath + "/NOBODY " + strings.ReplaceAll(name, " ", "_")})
		v.must(txn.Op{Kind: txn.OpCreate, Path: participantsPath + "/NOBODY-" + strings.ReplaceAll(name, " ", "_"), Data: data})
		v.must(txn.Op{Kind: txn.OpCreate, Path: coordinatorsPath + "/NOBODY-" + strings.ReplaceAll(name, " ", "_"), Data: data})
		v.must(txn.Op{Kind: txn.OpCreate, Path: payloadsPath + "/NOBODY-" + strings.ReplaceAll(name, " ", "_"), Data: data})
	}
	v.must(txn.Op{Kind: txn.OpCreate, Path: electionPath + "/nobody", Data: []byte("rubbish")})
	v.must(txn.Op{Kind: txn.OpDelete, Path: electionPath + "/nobody"})
	commitsSoon(t, c, "after", "a", "b")
	a.stop()
	startSite(t, tc.zookeeper(), "a", a.testDatabase)
	commitsSoon(t, c, "a-again", "a", "b")
	next := tc.coordinator("c2")
	c.stop()
	awaitLeader(t, next)
	commitsSoon(t, next, "next", "a", "b")
}

// A coordinator writes its own node anew, so that those who start later find it.
func TestGarbageUnderACoordinatorsName(t *testing.T) {
	tc := newTestCluster(t)
	tc.coordinator("c1")
	v := vandal{t, newClient(t, tc.root, tc.servers...).up()}
	for name, data := range garbage() {
		v.overwrite(coordinatorsPath+"/c1", data)
		eventually(t, "c1 is there again after "+name, func() bool {
			read, _, err := v.get(context.Background(), v.path(coordinatorsPath+"/c1"))
			var peer peerRecord
			return err == nil && json.Unmarshal(read, &peer) == nil && peer.URL != ""
		})
	}
}

// A cluster's code that cannot be read keeps a coordinator waiting, and ends nothing.
func TestGarbageInTheClustersCode(t *testing.T) {
	tc := newTestCluster(t)
	tc.site("a")
	v := vandal{t, newClient(t, tc.root, tc.servers...).up()}
	code, _, err := v.get(context.Background(), v.path(txn.ClusterPath))
	if err != nil {
		t.Fatal(err)
	}
	v.overwrite(txn.ClusterPath, []byte("rubbish"))
	c := tc.launch("c1", tc.servers)
	c.Ready()
	v.overwrite(txn.ClusterPath, code)
	c.awaitReady()
	c.awaitSites("a")
	commitsSoon(t, c, "after", "a")
}
