package integration

import (
	"context"
	"database/sql"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/medcommit/medcommit/cmd/medcommit/local"
	"github.com/medcommit/medcommit/participant/dbtest"
	"github.com/medcommit/medcommit/txn"
)

// TestRestoredZooKeeper puts ZooKeeper back to a copy of its disk that was taken under load, while transactions were prepared and
// undecided, which have all been decided since (R10). The processes run on, and have seen what is newer. Every site says why it is
// not ready; what one of them may have committed is not aborted because its time is over; and after an operator's word to each, what
// was decided since the backup is decided again as it was, and transactions go on.
func TestRestoredZooKeeper(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	orders := newOrdersDatabase(ctx, t)
	r := startRestoreRig(ctx, t, 2*time.Second, local.Site{Name: "orders", Catalogue: []byte(noteCatalogue), Resource: orders.url})
	const timeout = 6 * time.Second
	load := startRestoreLoad(ctx, t, r.client, timeout, "pharmacy", "emr")
	others := startRestoreLoad(ctx, t, r.client, timeout, "orders", "pharmacy")
	load.progress(ctx, t, 30)

	backup := filepath.Join(t.TempDir(), "backup")
	data := filepath.Join(r.zkDir, "zookeeper-1", "data")
	var held []string
	r.holdUndecided(func(prepared []string) {
		held = prepared
		r.zk.Servers[0].Kill()
		r.must(os.CopyFS(backup, os.DirFS(data)))
		r.zk.Servers[0].Restart(t)
	})
	load.progress(ctx, t, 30)
	others.progress(ctx, t, 30)
	told := load.end(t)
	for id, tx := range others.end(t) {
		told[id] = tx
	}
	r.must(await(ctx, func() bool { return len(r.prepared()) == 0 && orders.prepared() == 0 }))

	r.zk.Servers[0].Kill()
	r.must(os.RemoveAll(data))
	r.must(os.CopyFS(data, os.DirFS(backup)))
	r.zk.Servers[0].Restart(t)
	sites := []string{"emr", "orders", "lab", "pharmacy"}
	for _, site := range sites {
		r.awaitRestored(site)
	}
	for _, site := range sites[:3] {
		r.adopt(site)
	}
	time.Sleep(timeout + time.Second) // nothing is to happen meanwhile that could be waited for
	again, aborted := undecided(told, held)
	for _, id := range again {
		if now, err := r.client.Get(ctx, id); err != nil || now.State != txn.StatePreparing {
			t.Errorf("%s waits for the pharmacy, and is %v, %v", id, now.State, err)
		}
	}
	r.adopt("pharmacy")
	for _, id := range again {
		var now txn.Transaction
		if err := await(ctx, func() (done bool) { now, _ = r.client.Get(ctx, id); return now.State.Decided() }); err != nil || now.State.Commit() != told[id].State.Commit() {
			t.Errorf("%s was %v, and is %v now, %v", id, told[id].State, now.State, err)
		}
	}

	since := startRestoreLoad(ctx, t, r.client, 20*time.Second, "emr", "orders", "pharmacy")
	since.progress(ctx, t, 30)
	for id, tx := range since.end(t) {
		told[id] = tx
	}
	r.must(await(ctx, func() bool { return len(r.prepared()) == 0 && orders.prepared() == 0 }))
	there := map[string][]string{"pharmacy": r.entries(), "orders": orders.entries(), "emr": r.records("emr")}
	commits := 0
	for id, tx := range told {
		if tx.State.Commit() {
			commits++
		}
		if slices.Contains(aborted, id) {
			continue // nothing is left of an abort that the backup does not know: it may have been committed since
		}
		for _, b := range tx.Branches {
			if _, here := slices.BinarySearch(there[b.Participant], id); here != tx.State.Commit() {
				t.Errorf("%s is %v, and at %s: %v", id, tx.State, b.Participant, here)
			}
		}
	}
	t.Logf("%d transactions were decided again, %d of %d committed in all", len(again), commits, len(told))
	if len(again) == 0 {
		t.Error("nothing was tried: the backup knew no transaction that was committed afterwards")
	}
}

// undecided gives the ids of those whose branches at the pharmacy are among held, by how they were decided then.
func undecided(told map[string]txn.Transaction, held []string) (committed, aborted []string) {
	for id, tx := range told {
		switch {
		case !slices.Contains(held, xidAt(tx, "pharmacy")):
		case tx.State.Commit():
			committed = append(committed, id)
		default:
			aborted = append(aborted, id)
		}
	}
	return committed, aborted
}

// ordersDatabase is a MariaDB database of a third site.
type ordersDatabase struct {
	t   *testing.T
	ctx context.Context
	url string
	db  *sql.DB
}

func newOrdersDatabase(ctx context.Context, t *testing.T) *ordersDatabase {
	t.Helper()
	server := dbtest.NewMariaDB(t, nil)
	address := server.NewDatabase(t)
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	db, err := server.Connect(strings.TrimPrefix(u.Path, "/"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if _, err := db.ExecContext(ctx, "CREATE TABLE entry (tx VARCHAR(64) PRIMARY KEY) ENGINE=InnoDB"); err != nil {
		t.Fatal(err)
	}
	return &ordersDatabase{t: t, ctx: ctx, url: address, db: db}
}

// prepared counts the branches that are prepared on the server.
func (o *ordersDatabase) prepared() (n int) {
	o.each("XA RECOVER", func(*sql.Rows) { n++ })
	return n
}

// entries are the transactions that are noted, sorted.
func (o *ordersDatabase) entries() (list []string) {
	o.each("SELECT tx FROM entry", func(rows *sql.Rows) {
		var id string
		if err := rows.Scan(&id); err != nil {
			o.t.Fatal(err)
		}
		list = append(list, id)
	})
	slices.Sort(list)
	return list
}

func (o *ordersDatabase) each(query string, f func(*sql.Rows)) {
	o.t.Helper()
	rows, err := o.db.QueryContext(o.ctx, query)
	if err != nil {
		o.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		f(rows)
	}
	if err := rows.Err(); err != nil {
		o.t.Fatal(err)
	}
}
