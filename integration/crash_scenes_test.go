package integration

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"

	"github.com/medcommit/medcommit/txn/failpoint"
)

var everySite = []string{"orders", "pharmacy", "emr"}

// must ends the case where something that is no part of it fails.
func (l *lane) must(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

// found lets the first process of an empty root die while it makes what all others find.
func (l *lane) found(c crash) {
	args := []string{"coordinator", "--id", "c1", "--retention", "1h"}
	if c.who != "" {
		args = []string{"participant", "--name", c.who, "--data", l.t.TempDir()}
	}
	args = append(args, "--zookeeper", l.config.ZooKeeper, "--root", l.config.Root, "--listen", "127.0.0.1:0",
		"--advertise", "http://127.0.0.1:1")
	ctx, cancel := context.WithTimeout(l.ctx, stepLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, l.config.Exe, args...)
	cmd.Env = append(os.Environ(), c.arm())
	out, err := cmd.CombinedOutput()
	if !strings.Contains(string(out), failpoint.Died(c.point, c.side)) {
		l.t.Errorf("%v/%v was never reached: %v\n%s", c.point, c.side, err, out)
	}
}

// launch starts a process that is to die as c says; what it gives waits for that.
func (l *lane) launch(name string, c crash) (died func()) {
	l.t.Helper()
	before := len(l.log(name))
	l.must(l.cluster.Launch(name, c.arm()))
	return func() {
		l.t.Helper()
		ctx, cancel := context.WithTimeout(l.ctx, stepLimit)
		defer cancel()
		if err := l.cluster.AwaitEnd(ctx, name); err != nil {
			l.t.Errorf("%v/%v was never reached at %s: %v", c.point, c.side, name, err)
			l.cluster.Kill(name)
		} else if since := l.log(name)[before:]; !strings.Contains(since, failpoint.Died(c.point, c.side)) {
			l.t.Fatalf("%s ended, but not at %v/%v:\n%s", name, c.point, c.side, since)
		}
	}
}

func (l *lane) log(name string) string {
	text, err := os.ReadFile(l.cluster.LogFile(name))
	l.must(err)
	return string(text)
}

// roles tells who leads, and who stands by.
func (l *lane) roles() (leader, standby string) {
	l.t.Helper()
	l.must(await(l.ctx, func() bool {
		info, err := l.client.Cluster(l.ctx)
		leader = info.Leader
		return err == nil && leader != ""
	}))
	if leader == "c1" {
		return leader, "c2"
	}
	return leader, "c1"
}

func (l *lane) restart(name string) {
	l.t.Helper()
	l.must(l.cluster.Restart(l.ctx, name))
}

// startCoordinator: a coordinator dies as it starts, under load.
func (l *lane) startCoordinator(c crash) {
	_, standby := l.roles()
	load := l.load(l.client)
	l.cluster.Kill(standby)
	l.launch(standby, c)()
	l.restart(standby)
	load.end()
	l.audit()
}

// submit: the coordinator that clients ask dies.
func (l *lane) submit(c crash) {
	leader, standby := l.roles()
	l.cluster.Kill(standby)
	died := l.launch(standby, c)
	l.must(l.cluster.AwaitReady(l.ctx, standby))
	load := l.load(l.clientOf(standby, leader))
	died()
	l.restart(standby)
	load.end()
	l.audit()
}

// lead: a coordinator takes over from a leader that was killed, and dies as it takes over or while it leads.
func (l *lane) lead(c crash) {
	leader, standby := l.roles()
	l.cluster.Kill(standby)
	died := l.launch(standby, c)
	l.must(l.cluster.AwaitReady(l.ctx, standby))
	l.awaitStanding(2)
	load := l.load(l.client)
	l.cluster.Kill(leader)
	l.must(l.cluster.Launch(leader))
	died()
	l.restart(standby)
	l.must(l.cluster.AwaitReady(l.ctx, leader))
	load.end()
	l.audit()
}

// awaitStanding waits until n coordinators are seen.
func (l *lane) awaitStanding(n int) {
	l.t.Helper()
	l.must(await(l.ctx, func() bool {
		info, err := l.client.Cluster(l.ctx)
		return err == nil && len(info.Coordinators) == n && info.Leader != ""
	}))
}

// sweep: there is a payload that no submission took, since its coordinator died between the two.
func (l *lane) sweep(c crash) {
	l.submit(crash{point: failpoint.Payload, side: failpoint.SideAfter})
	l.lead(c)
}

// resign: a leader dies as it hands over.
func (l *lane) resign(c crash) {
	leader, standby := l.roles()
	load := l.load(l.client)
	l.cluster.Kill(leader)
	died := l.launch(leader, c)
	l.must(l.cluster.AwaitReady(l.ctx, leader))
	l.awaitStanding(2)
	l.cluster.Kill(standby)
	l.restart(standby)
	l.must(await(l.ctx, func() bool { now, _ := l.roles(); return now == leader }))
	l.cluster.Terminate(leader)
	died()
	l.restart(leader)
	load.end()
	l.audit()
}

// drain: a coordinator dies as it drains a site for an operator.
func (l *lane) drain(c crash) {
	leader, standby := l.roles()
	l.cluster.Kill(standby)
	died := l.launch(standby, c)
	l.must(l.cluster.AwaitReady(l.ctx, standby))
	load := l.load(l.client)
	_, _ = l.clientOf(standby, leader).Drain(l.ctx, "emr") // the first one dies of it, and the client asks the other
	died()
	l.restart(standby)
	p, err := l.client.Drain(l.ctx, "emr")
	l.must(err)
	if !p.Drained {
		l.t.Error("a site that was drained is shown as not drained")
	}
	p, err = l.client.Resume(l.ctx, "emr")
	l.must(err)
	if p.Drained {
		l.t.Error("a site that was taken up again is shown as drained")
	}
	load.end()
	l.audit()
}

// serve: a site dies at its work. It stays away until the others' transactions have gone to history: what is decided and needed
// there must not have gone with them.
func (l *lane) serve(c crash) {
	l.cluster.Kill(c.who)
	died := l.launch(c.who, c)
	l.must(l.cluster.AwaitReady(l.ctx, c.who))
	load := l.load(l.client)
	died()
	if slow[c.point] {
		l.outlive(c.who)
	}
	l.restart(c.who)
	load.end()
	l.audit()
}

// slow are the steps after which what was decided before must be there for long.
var slow = map[failpoint.Point]bool{
	failpoint.Commit: true, failpoint.Rollback: true, failpoint.Applied: true, failpoint.SiteRow: true, failpoint.VoteCommit: true,
}

// outlive lets two rounds of transactions without the site go to history.
func (l *lane) outlive(without string) {
	l.t.Helper()
	for range 2 {
		known := l.remembered()
		l.transferWithout(without)
		l.must(await(l.ctx, func() bool { return l.remembered() > known }))
	}
}

// remembered is how many transactions the leader has in history.
func (l *lane) remembered() int {
	leader, _ := l.roles()
	for _, c := range l.cluster.Describe().Coordinators {
		if c.ID == leader {
			return l.metric(c.URL, "medcommit_history_transactions")
		}
	}
	return -1
}

func (l *lane) metric(base, name string) int {
	res, err := http.Get(base + "/metrics")
	if err != nil {
		return -1
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	l.must(err)
	for line := range strings.Lines(string(text)) {
		var value float64
		if n, _ := fmt.Sscanf(line, name+" %g", &value); n == 1 {
			return int(value)
		}
	}
	return -1
}

// recover: a site that died with branches in doubt dies again while it recovers.
func (l *lane) recover(c crash) {
	l.cluster.Kill(c.who)
	first := l.launch(c.who, crash{point: failpoint.VoteCommit, side: failpoint.SideBefore, times: 2})
	l.must(l.cluster.AwaitReady(l.ctx, c.who))
	load := l.load(l.client)
	first()
	l.launch(c.who, c)()
	l.restart(c.who)
	load.end()
	l.audit()
}

// withdraw: every coordinator dies before a decision to commit is logged, and stays away; the site, left alone, dies as it takes its
// votes back. All sites free themselves, and nothing is committed by the coordinators that come back.
func (l *lane) withdraw(c crash) {
	leader, standby := l.roles()
	undecided := crash{point: failpoint.DecideCommit, side: failpoint.SideBefore}
	l.cluster.Kill(c.who)
	died := l.launch(c.who, c)
	l.must(l.cluster.AwaitReady(l.ctx, c.who))
	l.cluster.Kill(standby)
	last := l.launch(standby, undecided)
	l.must(l.cluster.AwaitReady(l.ctx, standby))
	l.cluster.Kill(leader)
	first := l.launch(leader, undecided)
	l.must(l.cluster.AwaitReady(l.ctx, leader))
	load := l.load(l.client)
	first()
	last()
	died()
	l.must(l.cluster.Launch(c.who))
	l.must(l.cluster.AwaitReady(l.ctx, c.who))
	l.awaitUnprepared(true)
	for _, id := range []string{leader, standby} {
		l.must(l.cluster.Launch(id))
	}
	for _, id := range []string{leader, standby} {
		l.must(l.cluster.AwaitReady(l.ctx, id))
	}
	load.end()
	l.audit()
}

// awaitUnprepared waits until no site holds a prepared branch. The embedded store's site, whose own word must be taken for it, and
// which gives it once a second, is asked where embedded is set.
func (l *lane) awaitUnprepared(embedded bool) {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(l.ctx, endLimit)
	defer cancel()
	var left []string
	err := await(ctx, func() bool {
		left = l.books.prepared(l.t)
		if n := l.inDoubtAtEMR(); embedded && n != 0 {
			left = append(left, fmt.Sprintf("%d at emr", n))
		}
		return len(left) == 0
	})
	if err != nil {
		l.t.Errorf("branches are still prepared: %v", left)
	}
}

// inDoubtAtEMR is how many branches the embedded store's site shows to be in doubt.
func (l *lane) inDoubtAtEMR() int {
	for _, p := range l.cluster.Describe().Participants {
		if p.Name == "emr" {
			return l.metric(p.URL, `medcommit_in_doubt_branches{participant="emr"}`)
		}
	}
	return -1
}
