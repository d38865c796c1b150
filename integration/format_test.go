package integration

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/medcommit/medcommit/txn"
	"github.com/medcommit/medcommit/zkcoord"
	"github.com/medcommit/medcommit/zkcoord/zktest"
)

// TestOlderProgramsRefuseANewerCluster starts each role on records that a newer program has made: it ends at once, with one line
// that says so, and touches nothing.
func TestOlderProgramsRefuseANewerCluster(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	zookeeper := zktest.Start(t).Addrs()[0]
	if err := raiseFormat(ctx, zookeeper); err != nil {
		t.Fatal(err)
	}
	for _, role := range []string{"coordinator --id c1", "participant --name emr --data " + t.TempDir()} {
		args := append(strings.Fields(role), "--zookeeper", zookeeper, "--listen", "127.0.0.1:0")
		out, err := exec.CommandContext(ctx, program, args...).CombinedOutput()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 1 {
			t.Errorf("%s: %v\n%s", role, err, out)
		}
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		if last := lines[len(lines)-1]; !strings.Contains(last, txn.ErrFormat.Error()) {
			t.Errorf("%s says at last: %s", role, last)
		}
	}
}

// raiseFormat makes a cluster as a program of the next format would.
func raiseFormat(ctx context.Context, zookeeper string) error {
	d, err := zkcoord.NewDriver(zkcoord.DriverConfig{Servers: []string{zookeeper}, Root: "/medcommit", SessionTimeout: 4 * time.Second})
	if err != nil {
		return err
	}
	running, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	answers := make(chan txn.Event, 16)
	go func() { ended <- d.Run(running, func(e txn.Event) { answers <- e }) }()
	defer func() { stop(); <-ended }()
	code, err := d.Cluster(ctx)
	if err != nil {
		return err
	}
	for {
		select {
		case e := <-answers:
			switch e := e.(type) {
			case txn.SessionUp:
				data := fmt.Appendf(nil, `{"cluster":%q,"format":%d}`, code, txn.FormatVersion+1)
				d.Do(txn.Multi{Token: 1, Ops: []txn.Op{{Kind: txn.OpSet, Path: txn.ClusterPath, Data: data}}})
			case txn.MultiDone:
				return nil
			case txn.MultiFailed, txn.MultiLost:
				return fmt.Errorf("the cluster's format was not raised: %+v", e)
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
