package integration

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/medcommit/medcommit/api/client"
	"github.com/medcommit/medcommit/cmd/medcommit/local"
	"github.com/medcommit/medcommit/participant/dbtest"
	"github.com/medcommit/medcommit/txn"
	"github.com/medcommit/medcommit/txn/failpoint"
	"github.com/medcommit/medcommit/zkcoord/zktest"
)

// crashServers are what all lanes share.
type crashServers struct {
	t        *testing.T
	zk       *zktest.Cluster
	postgres *dbtest.Postgres
	mariadb  *dbtest.MariaDB
	exe      string
}

func startCrashServers(t *testing.T) *crashServers {
	return &crashServers{
		t: t, exe: crashProgram(t), zk: zktest.Start(t),
		postgres: dbtest.NewPostgres(t, map[string]string{"max_prepared_transactions": "400", "max_connections": "400"}),
		mariadb:  dbtest.NewMariaDB(t, map[string]string{"max-connections": "400"}),
	}
}

// stepLimit is within how long a process must have reached the step at which it is to die; caseLimit bounds a whole case.
const (
	stepLimit = 20 * time.Second
	caseLimit = time.Minute
)

// lane is one cluster of two coordinators and three sites, that lives on over its cases.
type lane struct {
	t       *testing.T // of the case that runs
	ctx     context.Context
	servers *crashServers
	name    string
	dir     string
	config  local.Config
	cluster *local.Cluster
	books   *crashBooks
	client  *client.Client // of both coordinators
	other   *client.Client // the same, asked in the other order
	patient *client.Client // the first, for what is asked once and must be answered
	// remembers is set where the cluster forgets nothing as long as the test runs.
	remembers bool
}

// newLane makes the databases of a lane. It runs while no lane does.
func (s *crashServers) newLane(n int) *lane {
	l := &lane{t: s.t, servers: s, name: fmt.Sprintf("lane-%d", n+1), dir: s.t.TempDir()}
	l.books = openCrashBooks(s.t, s)
	retention := "4s"
	if l.remembers = n > 0; l.remembers {
		retention = "1h"
	}
	l.config = local.Config{
		Dir: l.dir, Exe: s.exe, ZooKeeper: strings.Join(s.zk.Addrs(), ","), Root: "/" + l.name, Coordinators: 2, Sites: l.books.sites(),
		CoordinatorFlags: []string{"--session-timeout", "3s", "--retention", retention},
		// A site's votes outlive its process by a session: long enough to be relied on once it is back, and may not know of them.
		SiteFlags: []string{"--session-timeout", "4s", "--lock-timeout", "500ms", "--withdraw-after", "1500ms"},
		Env: []string{
			failpoint.Environment + "_GENERATION=60", failpoint.Environment + "_HORIZON=500ms", failpoint.Environment + "_SWEEP=2s",
		},
	}
	return l
}

// begin lets the lane's share of founding processes die under the empty root, and starts the cluster there.
func (l *lane) begin(t *testing.T, founding []crash, n int) {
	for i, c := range founding {
		if i%lanes == n {
			l.run(t, c)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), caseLimit)
	defer cancel()
	var err error
	if l.cluster, err = local.Start(ctx, l.config); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.cluster.Stop)
	l.client, l.other = l.clientOf("c1", "c2"), l.clientOf("c2", "c1")
	l.patient = l.clientWaiting(10*time.Second, "c1", "c2")
	info, err := l.patient.Cluster(ctx)
	if err != nil {
		t.Fatal(err)
	}
	l.books.cluster = info.Cluster
}

// clientOf makes a client that asks the coordinators in that order, and gives up soon: a case asks on.
func (l *lane) clientOf(ids ...string) *client.Client {
	return l.clientWaiting(500*time.Millisecond, ids...)
}

func (l *lane) clientWaiting(patience time.Duration, ids ...string) *client.Client {
	var urls []string
	for _, id := range ids {
		for _, c := range l.cluster.Describe().Coordinators {
			if c.ID == id {
				urls = append(urls, c.URL)
			}
		}
	}
	c, err := client.New(client.Config{Coordinators: urls, Patience: patience, Stay: true})
	if err != nil {
		l.t.Fatal(err)
	}
	return c
}

// run runs one case, after all that an earlier one left dead was started again.
func (l *lane) run(t *testing.T, c crash) {
	t.Run(c.String(), func(t *testing.T) {
		var cancel context.CancelFunc
		l.ctx, cancel = context.WithTimeout(t.Context(), caseLimit)
		defer cancel()
		l.t = t
		if l.cluster != nil {
			for _, name := range l.cluster.Ended() {
				l.restart(name)
			}
		}
		c.scene(l, c)
	})
}

// end stops the cluster and looks for what is left in the embedded store, which only its own process can open.
func (l *lane) end(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), endLimit)
	defer cancel()
	var info txn.ClusterInfo
	err := await(ctx, func() (done bool) {
		var err error
		info, err = l.client.Cluster(ctx)
		return err == nil && info.InFlight == 0 && info.InDoubt == 0
	})
	if err != nil {
		t.Errorf("%d transactions are in flight and %d branches in doubt", info.InFlight, info.InDoubt)
	}
	l.cluster.Stop()
	l.books.auditEmbedded(t, filepath.Join(l.dir, "sites", "emr", "embedded"))
	l.checkLogs(t)
}

// checkLogs looks for what no log may hold: reports of lost data and of second decisions. What operators brought about on purpose
// must be reported there (R13).
func (l *lane) checkLogs(t *testing.T) {
	wanted := l.books.reports()
	files, err := filepath.Glob(filepath.Join(l.dir, "logs", "*.log"))
	if err != nil || len(files) != 5 {
		t.Fatalf("find the logs: %v, %v", files, err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if i := slices.IndexFunc(wanted, func(r report) bool { return strings.Contains(line, r.text) }); i >= 0 {
				wanted[i].seen = true
				continue
			}
			if strings.Contains(line, "[ERROR]") || strings.HasPrefix(line, "panic:") || strings.HasPrefix(line, "fatal error:") {
				t.Errorf("%s: %s", filepath.Base(f), line)
			}
		}
	}
	for _, r := range wanted {
		if !r.seen {
			t.Errorf("no log says %q", r.text)
		}
	}
}
