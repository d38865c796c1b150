package integration

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
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

// launch starts a process that is to die as c says, with more in its environment; what it gives waits for that.
func (l *lane) launch(name string, c crash, env ...string) (died func()) {
	l.t.Helper()
	before := len(l.log(name))
	l.must(l.cluster.Launch(name, append(env, c.arm())...))
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

// awaitUp waits until a process that is to die is ready, or has died.
func (l *lane) awaitUp(name string) {
	l.t.Helper()
	if err := l.cluster.AwaitReady(l.ctx, name); err != nil && !slices.Contains(l.cluster.Ended(), name) {
		l.t.Fatal(err)
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

// awaitUnprepared waits until no site holds a prepared branch. The embedded store's site, whose own word must be taken for it, and
// which gives it once a second, is asked where embedded is set.
func (l *lane) awaitUnprepared(embedded bool) {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(l.ctx, endLimit)
	defer cancel()
	var left []string
	err := await(ctx, func() bool {
		left = l.books.prepared(l.t)
		if n := l.inDoubtAt("emr"); embedded && n != 0 {
			left = append(left, fmt.Sprintf("%d at emr", n))
		}
		return len(left) == 0
	})
	if err != nil {
		l.t.Errorf("branches are still prepared: %v", left)
	}
}

// inDoubtAt is how many branches a site shows to be in doubt.
func (l *lane) inDoubtAt(site string) int {
	for _, p := range l.cluster.Describe().Participants {
		if p.Name == site {
			return l.metric(p.URL, fmt.Sprintf("medcommit_in_doubt_branches{participant=%q}", site))
		}
	}
	return -1
}
