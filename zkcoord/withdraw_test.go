package zkcoord

import (
	"context"
	"fmt"
	"math/rand"
	"testing"
	"time"

	"github.com/medcommit/medcommit/txn"
	"github.com/medcommit/medcommit/zkcoord/zktest"
)

// TestR9DecisionThatMeetsAWithdrawal holds a leader's decision to commit in the network while a site withdraws: the election shows it
// nobody, for the leader's node is taken away, but its session and its epoch stand. Delivered afterwards, the decision fails on the
// votes that it relies on, and at no site is anything committed.
func TestR9DecisionThatMeetsAWithdrawal(t *testing.T) {
	seed := time.Now().UnixNano()
	random := rand.New(rand.NewSource(seed))
	t.Logf("seed %d", seed)
	tc := newTestCluster(t)
	tc.session = 20 * time.Second
	alone := func(c *txn.ParticipantConfig) { c.WithdrawAfter = 200 * time.Millisecond }
	a, b := tc.site("a", alone), tc.site("b", alone)
	c1 := tc.apart("c1")
	hand := newClient(t, tc.root, tc.servers...).up()
	for i := range 8 {
		awaitLeader(t, c1)
		c1.awaitSites("a", "b")
		id := fmt.Sprintf("tx-%d", i)
		late := c1.proxy.HoldMulti("/decisions/g-1/d-\x00") // an append: where old entries are deleted, digits follow
		answer := make(chan txn.Transaction, 1)
		go func() {
			got, err := c1.Submit(context.Background(), handed(id, "a", "b"))
			if err != nil {
				t.Errorf("%s: %v", id, err)
			}
			answer <- got
		}()
		select {
		case <-late.Caught:
		case <-time.After(testPatience):
			t.Fatal("the leader does not decide")
		}
		// Now it meets the withdrawal before, in the middle of, or after it.
		hand.must(txn.Op{Kind: txn.OpDelete, Path: electionPath + "/" + nodeOf(t, hand)})
		if random.Intn(4) > 0 {
			eventually(t, "a site withdraws", func() bool { return a.inDoubt() == 0 || b.inDoubt() == 0 })
		} else {
			<-time.After(time.Duration(random.Intn(400)) * time.Millisecond)
		}
		c1.proxy.Release()
		var code int32
		select {
		case code = <-late.Answer():
		case <-time.After(testPatience):
			t.Fatal("the late decision gets no answer")
		}
		var got txn.Transaction
		select {
		case got = <-answer:
		case <-time.After(testPatience):
			t.Fatal("the client hears nothing")
		}
		if code != 0 && code != zktest.NoNode || (code == 0) != got.State.Commit() {
			t.Errorf("ZooKeeper says %d to the late decision, and the client hears %s", code, got.State)
		}
		t.Logf("%s: ZooKeeper says %d, the client hears %s", id, code, got.State)
		eventually(t, id+" is over", func() bool { return a.inDoubt() == 0 && b.inDoubt() == 0 })
		want := 0
		if got.State.Commit() {
			want = 1
		}
		eventually(t, id+" is the same everywhere", func() bool { return a.commits(id) == want && b.commits(id) == want })
	}
}

// nodeOf gives the one candidate's node.
func nodeOf(t *testing.T, c *client) string {
	t.Helper()
	mark, token := c.mark(), c.newToken()
	c.Do(txn.ListNode{Token: token, Path: electionPath})
	listed := await(c, mark, func(e txn.NodeListed) bool { return e.Token == token })
	if len(listed.Children) != 1 {
		t.Fatalf("the candidates are %v", listed.Children)
	}
	return listed.Children[0]
}
