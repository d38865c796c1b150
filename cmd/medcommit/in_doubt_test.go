package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/medcommit/medcommit/participant"
	"github.com/medcommit/medcommit/participant/dbtest"
	"github.com/medcommit/medcommit/participant/postgres"
	"github.com/medcommit/medcommit/zkcoord"
)

// What is prepared in a real site's database and is not its participant's is shown as foreign, and stays.
func TestInDoubtOfAPostgresSite(t *testing.T) {
	w := startWhole(t)
	server := dbtest.NewPostgres(t, nil)
	url := server.NewDatabase(t)
	w.postgres("ward", url)
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), "BEGIN; CREATE TABLE theirs (n INT); PREPARE TRANSACTION 'theirs'"); err != nil {
		t.Fatal(err)
	}
	w.await("the site to list it", func() bool {
		got := run(t, "", "in-doubt", "-o", "json")
		return strings.Contains(got.out, `"xid": "theirs"`) && strings.Contains(got.out, `"decision": "foreign"`) && !strings.Contains(got.out, "unanswered")
	})
	e := examine(t, "--zookeeper", strings.Join(w.zookeeper, ","))
	e.want(t, "warning", "branches", "1 prepared transactions in the sites' databases are not medcommit's")
	var n int
	if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM pg_prepared_xacts WHERE gid = 'theirs'").Scan(&n); err != nil || n != 1 {
		t.Errorf("the foreign transaction was touched: %d, %v", n, err)
	}
	if _, err := conn.Exec(t.Context(), "ROLLBACK PREPARED 'theirs'"); err != nil {
		t.Error(err)
	}
}

func (w *whole) postgres(name, url string) {
	rm, err := postgres.New(postgres.Config{URL: url})
	if err != nil {
		w.t.Fatal(err)
	}
	driver, err := zkcoord.NewDriver(zkcoord.DriverConfig{Servers: w.zookeeper})
	if err != nil {
		w.t.Fatal(err)
	}
	p, err := participant.New(participant.Config{Name: name, Catalogue: participant.OpenCatalogue()}, driver, rm)
	if err != nil {
		w.t.Fatal(err)
	}
	w.run(name, func(ctx context.Context) error {
		defer func() { _ = rm.Close() }()
		return p.Run(ctx)
	})
}

func (w *whole) await(what string, f func() bool) {
	w.t.Helper()
	patience, tick := time.After(30*time.Second), time.NewTicker(50*time.Millisecond)
	defer tick.Stop()
	for !f() {
		select {
		case <-tick.C:
		case <-patience:
			w.t.Fatal("waited for " + what)
		}
	}
}
