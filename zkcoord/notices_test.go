package zkcoord

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/medcommit/medcommit/txn"
)

// next gives the next notice that is wanted.
func next(t *testing.T, notices <-chan txn.Notice, wanted func(txn.Notice) bool) txn.Notice {
	t.Helper()
	deadline := time.After(testPatience)
	for {
		select {
		case n, ok := <-notices:
			if !ok {
				t.Fatal("the reader was cut off")
			}
			if wanted(n) {
				return n
			}
		case <-deadline:
			t.Fatal("the notice does not come")
		}
	}
}

func TestNotices(t *testing.T) {
	tc := newTestCluster(t)
	tc.site("a")
	c1, c2 := tc.coordinator("c1"), tc.coordinator("c2")
	leader := awaitLeader(t, c1, c2)
	other := c1
	if leader == c1 {
		other = c2
	}
	other.awaitSites("a")
	leader.awaitSites("a")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	notices := other.Notices(ctx)
	if _, err := leader.Submit(ctx, handed("tx", "a")); err != nil {
		t.Fatal(err)
	}
	for _, state := range []txn.State{txn.StatePreparing, txn.StateCommitting, txn.StateCommitted} {
		next(t, notices, func(n txn.Notice) bool {
			return n.Kind == txn.EventTransaction && n.Transaction.ID == "tx" && n.Transaction.State == state
		})
	}
	if _, err := leader.Drain(ctx, "a"); err != nil {
		t.Fatal(err)
	}
	next(t, notices, func(n txn.Notice) bool {
		return n.Kind == txn.EventParticipant && n.Participant.Name == "a" && n.Participant.Drained
	})
	leader.stop()
	next(t, notices, func(n txn.Notice) bool { return n.Kind == txn.EventLeader && n.Cluster.Leader == other.cfg.ID })
	cancel()
	for range notices {
	}
}

func TestSlowReaderIsCutOff(t *testing.T) {
	n := newNotices()
	slow := n.subscribe(context.Background())
	quick := n.subscribe(context.Background())
	for range noticeBuffer + 1 {
		n.publish(txn.Notice{Kind: txn.EventLeader})
		<-quick
	}
	for range slow {
	}
	if !n.wanted() {
		t.Error("the quick reader was cut off too")
	}
	n.close()
	if _, open := <-quick; open || n.wanted() {
		t.Error("a reader is left when the coordinator ends")
	}
	if _, open := <-n.subscribe(context.Background()); open {
		t.Error("a reader is taken after the end")
	}
}

func TestMetrics(t *testing.T) {
	tc := newTestCluster(t)
	tc.site("a")
	registry := prometheus.NewRegistry()
	c := tc.coordinator("c1", func(cfg *Config) { cfg.Registerer, cfg.ZooKeeper.Registerer = registry, registry })
	c.awaitSites("a")
	awaitLeader(t, c)
	h := handed("tx", "a")
	h.Wait = txn.WaitCompleted
	if _, err := c.Submit(context.Background(), h); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Submit(context.Background(), handed("tx-2", "nobody")); err == nil {
		t.Fatal("an unknown participant is taken")
	}
	problems, err := testutil.GatherAndLint(registry)
	if err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
	m := c.metrics
	for name, got := range map[string]float64{
		"committed": testutil.ToFloat64(m.transactions.WithLabelValues("committed")),
		"leader":    testutil.ToFloat64(m.leader),
		"epoch":     testutil.ToFloat64(m.epoch),
		"rejected":  testutil.ToFloat64(m.rejected.WithLabelValues("participant-unknown")),
	} {
		if got != 1 {
			t.Errorf("%s is %v", name, got)
		}
	}
	eventually(t, "it is completed", func() bool { return testutil.CollectAndCount(m.duration) == 2 })
	if got := testutil.ToFloat64(m.inFlight); got != 0 {
		t.Errorf("%v are in flight", got)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range families {
		names = append(names, f.GetName())
	}
	for _, name := range []string{
		"medcommit_transactions_total", "medcommit_transactions_in_flight", "medcommit_transaction_duration_seconds",
		"medcommit_leader", "medcommit_epoch", "medcommit_leader_changes_total", "medcommit_failover_duration_seconds",
		"medcommit_zookeeper_request_duration_seconds", "medcommit_zookeeper_session_expirations_total",
		"medcommit_admission_rejected_total",
	} {
		if !slices.Contains(names, name) {
			t.Errorf("%s is missing", name)
		}
	}
}
