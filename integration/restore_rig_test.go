package integration

import (
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/medcommit/medcommit/api/client"
	"github.com/medcommit/medcommit/cmd/medcommit/local"
	"github.com/medcommit/medcommit/participant/dbtest"
	"github.com/medcommit/medcommit/txn"
	"github.com/medcommit/medcommit/zkcoord/zktest"
)

// restoreRig is a cluster of two coordinators, a pharmacy on PostgreSQL, and two sites on embedded stores.
type restoreRig struct {
	t        *testing.T
	ctx      context.Context
	zkDir    string // holds the data folder of ZooKeeper
	zk       *zktest.Cluster
	postgres *dbtest.Postgres
	url      string // of the pharmacy's database
	cluster  *local.Cluster
	client   *client.Client
}

const noteCatalogue = `
operations:
  note:
    description: notes the transaction
    statements:
      - sql: INSERT INTO entry (tx) VALUES (:tx)
        rows: 1
`

// whyNotReady is how a site says that it waits for an operator.
const whyNotReady = "its database or ZooKeeper was restored from a backup"

// startRestoreRig starts it, with more sites. Sessions end after the given time-out.
func startRestoreRig(ctx context.Context, t *testing.T, sessions time.Duration, more ...local.Site) *restoreRig {
	t.Helper()
	r := &restoreRig{t: t, ctx: ctx, zkDir: t.TempDir(), postgres: dbtest.NewPostgres(t, map[string]string{"max_prepared_transactions": "200"})}
	var err error
	r.zk, err = zktest.Launch(r.zkDir, 1)
	r.must(err)
	t.Cleanup(r.zk.Close)
	r.url = r.postgres.NewDatabase(t)
	r.database(func(c *pgx.Conn) error {
		_, err := c.Exec(ctx, "CREATE TABLE entry (tx text PRIMARY KEY)")
		return err
	})
	r.cluster, err = local.Start(ctx, local.Config{
		Dir: t.TempDir(), Exe: program, ZooKeeper: strings.Join(r.zk.Addrs(), ","), Coordinators: 2,
		Sites: append([]local.Site{
			{Name: "pharmacy", Catalogue: []byte(noteCatalogue), Resource: r.url}, {Name: "lab"}, {Name: "emr"},
		}, more...),
		CoordinatorFlags: []string{"--session-timeout", sessions.String()},
		SiteFlags:        []string{"--session-timeout", sessions.String()},
	})
	r.must(err)
	t.Cleanup(r.cluster.Stop)
	r.client = connect(t, r.cluster)
	t.Cleanup(func() { r.showLog("pharmacy") })
	return r
}

func (r *restoreRig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// database has the pharmacy's database asked, over a connection of its own: the server comes and goes.
func (r *restoreRig) database(ask func(*pgx.Conn) error) {
	r.t.Helper()
	c, err := pgx.Connect(r.ctx, r.url)
	r.must(err)
	defer c.Close(r.ctx)
	r.must(ask(c))
}

// texts gives the sorted column that a query of the pharmacy's database answers.
func (r *restoreRig) texts(query string) (list []string) {
	r.t.Helper()
	r.database(func(c *pgx.Conn) error {
		rows, err := c.Query(r.ctx, query)
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	slices.Sort(list)
	return list
}

// prepared and entries are what the pharmacy's database has.
func (r *restoreRig) prepared() []string { return r.texts("SELECT gid FROM pg_prepared_xacts") }
func (r *restoreRig) entries() []string  { return r.texts("SELECT tx FROM entry") }

// records are the transactions that a site's embedded store notes.
func (r *restoreRig) records(site string) []string {
	r.t.Helper()
	var list []string
	records(r.t, r.site(site).URL, "entry/", func(key string, _ int64) { list = append(list, key[len("entry/"):]) })
	slices.Sort(list)
	return list
}

func (r *restoreRig) site(name string) local.Participant {
	all := r.cluster.Describe().Participants
	return all[slices.IndexFunc(all, func(p local.Participant) bool { return p.Name == name })]
}

// holdUndecided stops all coordinators in the middle of the load until the pharmacy has branches prepared that nobody decides, lets
// meet see them, and lets the coordinators go on. What was decided just before is finished within settles.
func (r *restoreRig) holdUndecided(meet func(prepared []string)) {
	r.t.Helper()
	signal := func(s syscall.Signal) {
		for _, c := range r.cluster.Describe().Coordinators {
			r.must(syscall.Kill(c.PID, s))
		}
	}
	for {
		signal(syscall.SIGSTOP)
		var held []string
		var since time.Time
		ctx, cancel := context.WithTimeout(r.ctx, 2*settles)
		err := await(ctx, func() bool {
			now := r.prepared()
			if !slices.Equal(now, held) {
				held, since = now, time.Now()
			}
			return len(held) > 1 && time.Since(since) > settles
		})
		cancel()
		if err == nil {
			meet(held)
			signal(syscall.SIGCONT)
			return
		}
		signal(syscall.SIGCONT)
		time.Sleep(settles) // lets the load come to another point
		r.must(r.ctx.Err())
	}
}

const settles = 400 * time.Millisecond

// info is how the coordinators see a site.
func (r *restoreRig) info(name string) txn.ParticipantInfo {
	sites, err := r.client.Participants(r.ctx)
	if err != nil {
		return txn.ParticipantInfo{}
	}
	for _, p := range sites {
		if p.Name == name {
			return p
		}
	}
	return txn.ParticipantInfo{}
}

// awaitRestored waits until a site says everywhere that it waits for an operator.
func (r *restoreRig) awaitRestored(name string) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.ctx, 30*time.Second)
	defer cancel()
	var info txn.ParticipantInfo
	if err := await(ctx, func() bool {
		info = r.info(name)
		return info.Alive && !info.Ready && strings.Contains(info.Waits, whyNotReady)
	}); err != nil {
		r.t.Fatalf("%s does not say that it waits for an operator: %+v", name, info)
	}
	res, err := http.Get(r.site(name).URL + "/readyz")
	r.must(err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	r.must(err)
	if res.StatusCode != http.StatusServiceUnavailable || !strings.Contains(string(text), whyNotReady) {
		r.t.Errorf("/readyz of %s: %s, %s", name, res.Status, text)
	}
	if out, err := r.run("participants", "list"); err != nil || !strings.Contains(out, name+" waits for an operator: "+whyNotReady) {
		r.t.Errorf("participants list: %v\n%s", err, out)
	}
}

// run runs a client command.
func (r *restoreRig) run(args ...string) (string, error) {
	var urls []string
	for _, c := range r.cluster.Describe().Coordinators {
		urls = append(urls, c.URL)
	}
	out, err := exec.CommandContext(r.ctx, program, append(args, "--coordinators", strings.Join(urls, ","))...).CombinedOutput()
	return string(out), err
}

// adopt gives the operator's word.
func (r *restoreRig) adopt(name string) {
	r.t.Helper()
	if out, err := r.run("participants", "adopt", name, "--reason", "the disk failed"); err != nil {
		r.t.Fatalf("adopt %s: %v\n%s", name, err, out)
	}
	ctx, cancel := context.WithTimeout(r.ctx, 15*time.Second)
	defer cancel()
	r.must(r.cluster.AwaitReady(ctx, name))
}

// missing gives what is in want and not in have, both sorted.
func missing(want, have []string) (list []string) {
	for _, s := range want {
		if _, found := slices.BinarySearch(have, s); !found {
			list = append(list, s)
		}
	}
	return list
}

// showLog shows the end of a process's log where the test failed.
func (r *restoreRig) showLog(name string) {
	if !r.t.Failed() {
		return
	}
	text, err := os.ReadFile(r.cluster.LogFile(name))
	if err != nil {
		return
	}
	r.t.Logf("the log of %s ends:\n%s", name, text[max(0, len(text)-8000):])
}
