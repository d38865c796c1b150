package failover

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/medcommit/medcommit/api/client"
	"github.com/medcommit/medcommit/cmd/medcommit/local"
	"github.com/medcommit/medcommit/participant/dbtest"
	"github.com/medcommit/medcommit/txn"
	"github.com/medcommit/medcommit/zkcoord"
)

// TestDecidedIsDoneWithoutCoordinators stops a site that has voted to commit, lets the other one's vote and with it the decision
// come, and kills every coordinator. Once their sessions are over too the site goes on alone, long after it may withdraw: it neither
// withdraws nor waits, but does what was decided (R9); also where its session was over meanwhile and its votes are gone.
func TestDecidedIsDoneWithoutCoordinators(t *testing.T) {
	const each = 8
	server := dbtest.NewPostgres(t, nil)
	firstURL, first := rows(t, server, 2*each)
	secondURL, second := rows(t, server, 2*each)
	r := start(t, local.Config{
		Sites: []local.Site{
			{Name: "first", Catalogue: []byte(rowsCatalogue), Resource: firstURL},
			{Name: "second", Catalogue: []byte(rowsCatalogue), Resource: secondURL},
		},
		SiteFlags: []string{"--withdraw-after", "1s", "--lock-timeout", "1m", "--session-timeout", "10s"},
	})
	standing := r.standing()
	ctx := context.Background()
	prepared := "SELECT count(*) FROM pg_prepared_xacts WHERE database = current_database()"
	for round, over := range []bool{false, true} {
		lock, err := pgx.Connect(ctx, firstURL)
		if err != nil {
			t.Fatal(err)
		}
		execute(t, lock, "BEGIN")
		execute(t, lock, "SELECT 1 FROM numbers FOR UPDATE")
		from := 1 + round*each
		for row := from; row < from+each; row++ {
			if _, err := r.client.Submit(ctx, take(row), txn.WaitNone); err != nil {
				t.Fatal(err)
			}
		}
		all := func(c *client.Client, is func(txn.Transaction) bool) bool {
			for row := from; row < from+each; row++ {
				if got, err := c.Get(ctx, take(row).ID); err != nil || !is(got) {
					return false
				}
			}
			return true
		}
		r.eventually("the second site has voted", func() bool {
			leading, err := r.connectTo(r.leader().Leader) // which alone reads votes before the decision, and may be another the next time
			return err == nil && all(leading, func(got txn.Transaction) bool {
				return slices.ContainsFunc(got.Branches, func(b txn.Branch) bool { return b.Participant == "second" && b.Vote == txn.VoteCommit })
			})
		})
		r.halt("second")
		lock.Close(ctx)
		r.eventually("all are decided", func() bool {
			return all(r.client, func(got txn.Transaction) bool {
				if got.State.Decided() && !got.State.Commit() {
					t.Fatalf("%s is %s: %+v", got.ID, got.State, got.Branches)
				}
				return got.State.Commit()
			})
		})
		if over {
			r.eventually("the second site's session is over", func() bool {
				info, err := r.client.Participants(ctx)
				return err == nil && slices.ContainsFunc(info, func(p txn.ParticipantInfo) bool { return p.Name == "second" && !p.Alive })
			})
		}
		for _, id := range []string{"c1", "c2", "c3"} {
			r.Kill(id)
		}
		if n := number(t, second, prepared); n != each {
			t.Errorf("%d are in doubt at the second site", n)
		}
		r.eventually("no coordinator stands for election", func() bool { return standing.Load() == 0 })
		r.proceed("second")
		r.eventually("nothing is in doubt any more", func() bool { return number(t, first, prepared)+number(t, second, prepared) == 0 })
		query := fmt.Sprintf("SELECT sum(n) FROM numbers WHERE id BETWEEN %d AND %d", from, from+each-1)
		if a, b := number(t, first, query), number(t, second, query); a != each || b != each {
			t.Errorf("of %d that were decided %d are done at the first site, %d at the second", each, a, b)
		}
		for _, id := range []string{"c1", "c2", "c3"} {
			if err := r.Launch(id); err != nil {
				t.Fatal(err)
			}
		}
		r.eventually("the second site counts as done", func() bool {
			return all(r.client, func(got txn.Transaction) bool { return got.State == txn.StateCommitted })
		})
	}
}

// standing counts, until the test ends, the coordinators that stand for election, as ZooKeeper tells it.
func (r *rig) standing() *atomic.Int64 {
	r.t.Helper()
	d, err := zkcoord.NewDriver(zkcoord.DriverConfig{Servers: []string{r.Describe().ZooKeeper}, Root: "/medcommit", SessionTimeout: 4 * time.Second})
	if err != nil {
		r.t.Fatal(err)
	}
	var n atomic.Int64
	n.Store(-1) // not known yet
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- d.Run(ctx, func(e txn.Event) {
			switch e := e.(type) {
			case txn.SessionUp:
				d.Do(txn.WatchChildren{Path: "election"})
			case txn.NodeListed:
				n.Store(int64(len(e.Children)))
			}
		})
	}()
	r.t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			r.t.Errorf("watch the election: %v", err)
		}
	})
	return &n
}
