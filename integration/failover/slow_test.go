package failover

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/medcommit/medcommit/cmd/medcommit/local"
	"github.com/medcommit/medcommit/participant/dbtest"
	"github.com/medcommit/medcommit/txn"
)

// behind gives the URL of a database behind a proxy of its own.
func behind(t *testing.T, address, url string) (*dbtest.Proxy, string) {
	t.Helper()
	p := dbtest.NewProxy(t, address)
	return p, strings.Replace(url, address, p.Address(), 1)
}

// TestSlowAndDeadDatabases leaves one site with a database that answers nothing and another with one that takes no connections, and
// more work for both than they take at once: everything over other sites is decided while that still waits, also at the sites that
// take part in what waits.
func TestSlowAndDeadDatabases(t *testing.T) {
	const waiting, others = 100, 200
	server := dbtest.NewPostgres(t, map[string]string{"max_prepared_transactions": "300"})
	heldURL, heldRows := rows(t, server, 1+waiting)
	deadURL, deadRows := rows(t, server, 1+waiting)
	heldProxy, heldThrough := behind(t, server.Address(), heldURL)
	deadProxy, deadThrough := behind(t, server.Address(), deadURL)
	r := start(t, local.Config{Sites: []local.Site{
		{Name: "a"},
		{Name: "b"},
		{Name: "held", Catalogue: []byte(rowsCatalogue), Resource: heldThrough},
		{Name: "dead", Catalogue: []byte(rowsCatalogue), Resource: deadThrough},
	}})
	r.leader()
	ctx := context.Background()
	for _, site := range []string{"held", "dead"} {
		if got, err := r.client.Submit(ctx, with("first-"+site, site, 1), txn.WaitCompleted); err != nil || !got.State.Commit() {
			t.Fatalf("while all is well: %+v, %v", got, err)
		}
	}
	heldProxy.Hold("")
	deadProxy.Close()
	var stuck []string
	once, err := r.connectTo("c1") // which tries nothing again
	if err != nil {
		t.Fatal(err)
	}
	for i := range waiting {
		for _, site := range []string{"held", "dead"} {
			request := with(fmt.Sprintf("%s-%d", site, i), site, 2+i)
			_, err := once.Submit(ctx, request, txn.WaitNone)
			refused := errors.Is(err, txn.ErrTooMany) || errors.Is(err, txn.ErrParticipantUnavailable)
			if err != nil && !refused {
				t.Fatalf("%s: %v", request.ID, err)
			}
			if err == nil {
				stuck = append(stuck, request.ID)
			}
		}
	}
	l := r.loadUp(8, "other", "a", "b")
	l.flows(r.leader().Epoch, others)
	l.check(r)
	undecided := 0
	for _, id := range stuck {
		if got, err := r.client.Get(ctx, id); err != nil {
			t.Errorf("%s: %v", id, err)
		} else if !got.State.Decided() {
			undecided++
		}
	}
	t.Logf("%d transactions over the other sites are committed while %d of %d wait", len(l.answers), undecided, len(stuck))
	if undecided == 0 {
		t.Error("nothing waits for the held database")
	}
	heldProxy.Release()
	r.eventually("what waited is decided", func() bool {
		for _, id := range stuck {
			if got, err := r.client.Get(ctx, id); err != nil || !strings.HasPrefix(id, "dead") && !got.State.Decided() {
				return false
			}
		}
		return true
	})
	r.eventually("nothing is prepared any more at the site that was slow", func() bool {
		return number(t, heldRows, "SELECT count(*) FROM pg_prepared_xacts WHERE database = current_database()") == 0
	})
	for _, id := range stuck {
		var row int
		if _, err := fmt.Sscanf(id, "held-%d", &row); err != nil {
			continue
		}
		got, err := r.client.Get(ctx, id)
		if n := number(t, heldRows, fmt.Sprintf("SELECT n FROM numbers WHERE id = %d", 2+row)); err != nil || (n == 1) != got.State.Commit() {
			t.Errorf("%s is %s, %v, and done %d times", id, got.State, err, n)
		}
	}
	if n := number(t, deadRows, "SELECT sum(n) FROM numbers"); n != 1 {
		t.Errorf("%d are done at the database that took no connections", n)
	}
}

// with is a transaction over a site with numbered rows and the embedded store of a.
func with(id, site string, row int) txn.Request {
	request := request(id, "a")
	request.Timeout = "5m"
	request.Branches = append(request.Branches, txn.BranchRequest{Participant: site, Operations: []txn.Operation{{
		Name: "take", Arguments: []byte(fmt.Sprintf(`{"row":%d}`, row)),
	}}})
	return request
}
