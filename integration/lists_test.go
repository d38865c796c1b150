package integration

import (
	"context"
	"database/sql"
	"maps"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/medcommit/medcommit/api/client"
	"github.com/medcommit/medcommit/cmd/medcommit/local"
	"github.com/medcommit/medcommit/integration/appends"
	"github.com/medcommit/medcommit/integration/lists"
	"github.com/medcommit/medcommit/participant/dbtest"
	"github.com/medcommit/medcommit/txn"
)

// listSites are three sites that keep lists, on three kinds of databases.
type listSites struct {
	pharmacy, orders *sql.DB
	local            []local.Site
}

func startListSites(t *testing.T) *listSites {
	t.Helper()
	pg := dbtest.NewPostgres(t, map[string]string{"max_prepared_transactions": "200"})
	my := dbtest.NewMariaDB(t, nil)
	pgURL, myURL := pg.NewDatabase(t), my.NewDatabase(t)
	s := &listSites{local: []local.Site{
		{Name: "orders", Catalogue: []byte("operations:" + lists.MariaDBOperations), Resource: myURL},
		{Name: "pharmacy", Catalogue: []byte("operations:" + lists.PostgresOperations), Resource: pgURL},
		{Name: "emr", Catalogue: []byte("operations:" + lists.EmbeddedOperations)},
	}}
	var err error
	if s.pharmacy, err = sql.Open("pgx", pgURL); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.pharmacy.Close() })
	if s.orders, err = my.Connect(path.Base(myURL)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.orders.Close() })
	if _, err := s.pharmacy.ExecContext(t.Context(), lists.PostgresTable); err != nil {
		t.Fatal(err)
	}
	if _, err := s.orders.ExecContext(t.Context(), lists.MariaDBTable); err != nil {
		t.Fatal(err)
	}
	return s
}

// listRun is a cluster with a workload on lists, and its history.
type listRun struct {
	t        *testing.T
	cluster  *local.Cluster
	workload *lists.Workload
	recorder *lists.Recorder
	client   *client.Client
	stop     func()
}

// startListRun starts the sites, a cluster on them, and so many clients.
func startListRun(ctx context.Context, t *testing.T, clients int) *listRun {
	t.Helper()
	sites := startListSites(t)
	cluster, err := local.Start(ctx, local.Config{Dir: t.TempDir(), Exe: program, Sites: sites.local, LogLevel: "debug"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Stop)
	file, err := os.Create(filepath.Join(t.TempDir(), "history.edn"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	var urls []string
	for _, c := range cluster.Describe().Coordinators {
		urls = append(urls, c.URL)
	}
	api, err := client.New(client.Config{Coordinators: urls, Patience: 30 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	emr := ""
	for _, p := range cluster.Describe().Participants {
		if p.Name == "emr" {
			emr = p.URL
		}
	}
	r := &listRun{t: t, cluster: cluster, client: api, recorder: lists.NewRecorder(file)}
	r.workload = lists.New(lists.Config{
		Client: api, Recorder: r.recorder, Seed: uint64(time.Now().UnixNano()),
		Sites: map[string]lists.Site{
			"orders": lists.SQL{DB: sites.orders}, "pharmacy": lists.SQL{DB: sites.pharmacy, Numbered: true},
			"emr": lists.Embedded{HTTP: &http.Client{}, URL: emr},
		},
	})
	running, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.workload.Run(running, clients)
	}()
	r.stop = func() { stop(); <-ended }
	t.Cleanup(r.stop)
	return r
}

// committed counts the acknowledged commits until now.
func (r *listRun) committed() int {
	history, err := r.recorder.History()
	if err != nil {
		r.t.Fatal(err)
	}
	n := 0
	for _, op := range history {
		if op.Type == appends.OK && op.ID != "" {
			n++
		}
	}
	return n
}

// progress waits until so many more transactions are committed.
func (r *listRun) progress(ctx context.Context, n int) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	until := r.committed() + n
	if err := await(ctx, func() bool { return r.committed() >= until }); err != nil {
		r.t.Fatalf("%d committed, and not %d after a minute", r.committed(), until)
	}
}

// end stops the clients, waits until everything has settled, reads all lists, and checks the history.
func (r *listRun) end(ctx context.Context) ([]appends.Op, appends.Report) {
	r.t.Helper()
	r.stop()
	settled, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	var info txn.ClusterInfo
	if err := await(settled, func() bool {
		var err error
		info, err = r.client.Cluster(settled)
		return err == nil && info.InFlight == 0 && info.InDoubt == 0
	}); err != nil {
		r.t.Errorf("%d in flight and %d in doubt after a minute", info.InFlight, info.InDoubt)
	}
	if err := r.workload.Finish(settled); err != nil {
		r.t.Fatal(err)
	}
	history, err := r.recorder.History()
	if err != nil {
		r.t.Fatal(err)
	}
	report, err := appends.Check(history)
	if err != nil {
		r.t.Fatal(err)
	}
	return history, report
}

// ends counts how transactions ended that were not committed, by reason.
func ends(history []appends.Op) map[string]int {
	reasons := map[string]int{}
	for _, op := range history {
		if op.ID != "" && op.Type != appends.Invoke && op.Type != appends.OK {
			reasons[op.Error]++
		}
	}
	return reasons
}

// TestListsUnderKills appends to lists at three kinds of sites while processes are killed, and checks the history.
func TestListsUnderKills(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	r := startListRun(ctx, t, 8)
	info, err := r.client.Cluster(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"pharmacy", info.Leader, "orders", "emr"} {
		r.progress(ctx, 50)
		r.cluster.Kill(name)
		if err := r.cluster.Restart(ctx, name); err != nil {
			t.Fatal(err)
		}
	}
	r.progress(ctx, 50)
	history, report := r.end(ctx)
	t.Logf("%s", report)
	reasons := ends(history)
	for _, reason := range slices.Sorted(maps.Keys(reasons)) {
		t.Logf("%d times %q", reasons[reason], reason)
	}
	if len(report.Violations()) > 0 {
		t.Error("the history breaks what is promised")
	}
	if report.Committed < 200 || report.Failed == 0 || report.Looks == 0 || report.Validated == 0 {
		t.Error("there was too little to look at")
	}
}
