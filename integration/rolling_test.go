package integration

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/medcommit/medcommit/integration/appends"
	"github.com/medcommit/medcommit/integration/build"
)

// everyProcess of a local cluster with the sites of lists.
var everyProcess = []string{"c1", "c2", "c3", "orders", "pharmacy", "emr"}

// TestRollingUpgrade stops every process in order, one after the other, under load, and starts it again as a program of another
// version, so that versions are mixed in between; then it does so again, back to the first one. Clients send again by id what was
// not answered. None of them hears anything but an outcome, and nothing is aborted for a reason that is not the transaction's own.
func TestRollingUpgrade(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	defer cancel()
	next := buildAs(t, "99.0.0-next")
	r := startListRun(ctx, t, 8)
	r.progress(ctx, 20)
	for _, exe := range []string{next, program} {
		for _, name := range everyProcess {
			began := time.Now()
			r.cluster.Terminate(name)
			if err := r.cluster.AwaitEnd(ctx, name); err != nil {
				t.Fatal(err)
			}
			ended := time.Now()
			r.cluster.Use(name, exe)
			if err := r.cluster.Restart(ctx, name); err != nil {
				t.Fatal(err)
			}
			t.Logf("%s ended in %v and was ready %v later", name, ended.Sub(began).Round(time.Millisecond), time.Since(ended).Round(time.Millisecond))
			r.progress(ctx, 20)
		}
		r.version(ctx, exe == next)
	}
	history, report := r.end(ctx)
	t.Logf("%s", report)
	if len(report.Violations()) > 0 {
		t.Error("the history breaks what is promised")
	}
	for reason, n := range ends(history) {
		t.Logf("%d times %q", n, reason)
		if !ownReason(reason) {
			t.Errorf("%d times %q", n, reason)
		}
	}
	t.Logf("the longest transaction took %v", longest(history).Round(time.Millisecond))
	if report.Committed < 200 {
		t.Errorf("only %d transactions were committed", report.Committed)
	}
}

// buildAs builds the program under another version.
func buildAs(t *testing.T, version string) string {
	t.Helper()
	exe := filepath.Join(t.TempDir(), "medcommit-"+version)
	if err := build.Medcommit(exe, "-ldflags", "-X main.version="+version); err != nil {
		t.Fatalf("version %s: %v", version, err)
	}
	return exe
}

// version checks what version every coordinator shows.
func (r *listRun) version(ctx context.Context, next bool) {
	r.t.Helper()
	info, err := r.client.Cluster(ctx)
	if err != nil {
		r.t.Fatal(err)
	}
	if len(info.Coordinators) != 3 {
		r.t.Errorf("%d coordinators are there", len(info.Coordinators))
	}
	for _, c := range info.Coordinators {
		if strings.HasSuffix(c.Version, "-next") != next {
			r.t.Errorf("coordinator %s is of version %s", c.ID, c.Version)
		}
	}
}

// ownReason tells whether a transaction failed for what it met itself: a list that others had appended to since it was seen, or a
// lock that others held.
func ownReason(reason string) bool {
	return slices.Contains([]string{"vote rows", "vote version", "vote exists", "vote lock-timeout", "vote deadlock", "vote serialization"}, reason)
}

// longest gives how long the slowest transaction took.
func longest(history []appends.Op) time.Duration {
	began, most := map[string]int64{}, int64(0)
	for _, op := range history {
		switch {
		case op.ID == "":
		case op.Type == appends.Invoke:
			began[op.ID] = op.Time
		default:
			most = max(most, op.Time-began[op.ID])
		}
	}
	return time.Duration(most)
}
