package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/medcommit/medcommit/participant"
	"github.com/medcommit/medcommit/participant/dbtest"
	"github.com/medcommit/medcommit/participant/mysql"
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

// The same on MariaDB, whose XIDs have three parts, of any bytes.
func TestInDoubtOfAMariaDBSite(t *testing.T) {
	w := startWhole(t)
	server := dbtest.NewMariaDB(t, nil)
	rm, err := mysql.New(mysql.Config{URL: server.NewDatabase(t), LockTimeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	w.over("ward", rm)
	database, err := server.Connect("db1")
	if err != nil {
		t.Fatal(err)
	}
	defer database.Close()
	conn, err := database.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	const theirs = "'other''s','\xff',7"
	for _, statement := range []string{
		"CREATE TABLE theirs (n INT)", "XA START " + theirs, "INSERT INTO theirs VALUES (1)", "XA END " + theirs, "XA PREPARE " + theirs,
	} {
		if _, err := conn.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	w.await("the site to list it", func() bool {
		got := run(t, "", "in-doubt", "-o", "json")
		return strings.Contains(got.out, `"xid": "X'6f746865722773',X'ff',7"`) && strings.Contains(got.out, `"decision": "foreign"`) &&
			!strings.Contains(got.out, "unanswered")
	})
	if got := run(t, "", "in-doubt"); got.code != exitDone || !strings.Contains(got.out, "foreign") || strings.Contains(got.out, "tx resolve") {
		t.Errorf("a foreign branch as text: %+v", got)
	}
	e := examine(t, "--zookeeper", strings.Join(w.zookeeper, ","))
	e.want(t, "warning", "branches", "1 prepared transactions in the sites' databases are not medcommit's")
	if _, err := conn.ExecContext(context.WithoutCancel(t.Context()), "XA ROLLBACK "+theirs); err != nil {
		t.Errorf("the foreign branch was touched: %v", err)
	}
}

func (w *whole) postgres(name, url string) *prometheus.Registry {
	rm, err := postgres.New(postgres.Config{URL: url, LockTimeout: time.Minute})
	if err != nil {
		w.t.Fatal(err)
	}
	return w.over(name, rm)
}

// over runs a site over its resource manager.
func (w *whole) over(name string, rm participant.ResourceManager) *prometheus.Registry {
	registry := prometheus.NewRegistry()
	driver, err := zkcoord.NewDriver(zkcoord.DriverConfig{Servers: w.zookeeper})
	if err != nil {
		w.t.Fatal(err)
	}
	p, err := participant.New(participant.Config{Name: name, Catalogue: participant.OpenCatalogue(), Registerer: registry}, driver, rm)
	if err != nil {
		w.t.Fatal(err)
	}
	w.run(name, func(ctx context.Context) error {
		defer func() { _ = rm.Close() }()
		return p.Run(ctx)
	})
	return registry
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

// A branch that is prepared and undecided is shown so; rolled back by force it is a withdrawal, and committed by force against the
// decision that comes it stays heuristic.
func TestResolveAtPostgresSites(t *testing.T) {
	w := startWhole(t)
	server := dbtest.NewPostgres(t, nil)
	ward, lab := server.NewDatabase(t), server.NewDatabase(t)
	counted := w.postgres("ward", ward)
	w.postgres("lab", lab)
	w.await("the sites", func() bool { return strings.Count(run(t, "", "participants", "list").out, "  ready ") == 2 })
	there, slow := connectTo(t, ward), connectTo(t, lab)
	for _, conn := range []*pgx.Conn{there, slow} {
		if _, err := conn.Exec(t.Context(), "CREATE TABLE notes (n INT PRIMARY KEY); INSERT INTO notes VALUES (0)"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := slow.Exec(t.Context(), "BEGIN; UPDATE notes SET n = 0 WHERE n = 0"); err != nil { // the lab's branches wait for this
		t.Fatal(err)
	}
	undecided := func(id, n string) {
		t.Helper()
		got := run(t, `{"id":"`+id+`","timeout":"2m","branches":[{"participant":"ward","operations":[{"sql":"INSERT INTO notes VALUES (`+n+`)"}]},
			{"participant":"lab","operations":[{"sql":"UPDATE notes SET n = 0 WHERE n = 0"}]}]}`, "tx", "submit", "--wait", "none")
		if got.code != exitUndecided {
			t.Fatalf("submit: %+v", got)
		}
		w.await("an undecided branch", func() bool { return strings.Contains(run(t, "", "in-doubt").out, "medcommit tx abort "+id) })
	}
	noted := func(n int) bool {
		var found bool
		if err := there.QueryRow(t.Context(), "SELECT EXISTS (SELECT 1 FROM notes WHERE n = $1)", n).Scan(&found); err != nil {
			t.Fatal(err)
		}
		return found
	}
	resolve := func(id, outcome string, more ...string) ran {
		return run(t, "", append([]string{"tx", "resolve", id, "--participant", "ward", "--outcome", outcome, "--reason", "a trial"}, more...)...)
	}

	undecided("rx-1", "1")
	if got := resolve("rx-1", "rolled-back"); got.code != exitError || !strings.Contains(got.err, "nothing is decided yet") {
		t.Errorf("without force: %+v", got)
	}
	if got := resolve("rx-1", "rolled-back", "--force"); got.code != exitDone {
		t.Errorf("rolled back by force: %+v", got)
	}
	w.await("the abort", func() bool { return strings.Contains(run(t, "", "tx", "get", "rx-1").out, "withdrawn") })
	if got := run(t, "", "tx", "get", "rx-1"); strings.Contains(got.out, "heuristic") || noted(1) {
		t.Errorf("a withdrawal is no heuristic: %+v", got)
	}

	undecided("rx-2", "2")
	if got := resolve("rx-2", "committed", "--force"); got.code != exitDone || !noted(2) {
		t.Errorf("committed by force: %+v, %v", got, noted(2))
	}
	if got := run(t, "", "tx", "abort", "rx-2"); got.code != exitDone {
		t.Errorf("abort: %+v", got)
	}
	w.await("the heuristic outcome", func() bool { return strings.Contains(run(t, "", "tx", "get", "rx-2").out, "heuristic-commit") })
	w.await("its count", func() bool {
		return testutil.GatherAndCompare(counted, strings.NewReader(`
# HELP medcommit_heuristic_outcomes_total Branches that ended otherwise than was decided, by how they ended.
# TYPE medcommit_heuristic_outcomes_total counter
medcommit_heuristic_outcomes_total{outcome="heuristic-commit",participant="ward"} 1
medcommit_heuristic_outcomes_total{outcome="heuristic-rollback",participant="ward"} 0
`), "medcommit_heuristic_outcomes_total") == nil
	})
}

func connectTo(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}
