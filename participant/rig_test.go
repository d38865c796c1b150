package participant_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/hashicorp/go-hclog"
	"github.com/medcommit/medcommit/participant"
	"github.com/medcommit/medcommit/participant/embedded"
	"github.com/medcommit/medcommit/txn"
	"github.com/medcommit/medcommit/zkcoord"
	"github.com/prometheus/client_golang/prometheus"
)

// patience bounds every wait.
const patience = 30 * time.Second

// rig is a cluster on a root of its own: a coordinator, and the sites that a test starts.
type rig struct {
	*testing.T
	zk          zkcoord.DriverConfig
	coordinator *zkcoord.Coordinator
	// wrap, where set, stands between the sites that are started and their stores.
	wrap func(*embedded.Store) participant.ResourceManager
}

func (r *rig) logger() hclog.Logger {
	if os.Getenv("MEDCOMMIT_TEST_LOG") == "" {
		return hclog.NewNullLogger()
	}
	return hclog.New(&hclog.LoggerOptions{Level: hclog.Debug})
}

func newRig(t *testing.T) *rig {
	addr, root := zooKeeper(t)
	r := &rig{T: t, zk: zkcoord.DriverConfig{Servers: []string{addr}, Root: root, SessionTimeout: 2 * time.Second}}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.coordinator, err = zkcoord.New(zkcoord.Config{
		ID: "c1", Advertise: "http://" + listener.Addr().String(), Version: "test", ZooKeeper: r.zk, Logger: r.logger(),
	})
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: r.coordinator.LeaderHandler(), ReadHeaderTimeout: patience}
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	group.Go(func() { _ = server.Serve(listener) })
	group.Go(func() {
		if err := r.coordinator.Run(ctx); err != nil {
			t.Errorf("run coordinator: %v", err)
		}
	})
	t.Cleanup(func() {
		cancel()
		_ = server.Close()
		group.Wait()
	})
	r.eventually("the coordinator", func() bool { return r.coordinator.Ready() == nil })
	return r
}

// site is a participant on an embedded store.
type site struct {
	*participant.Participant
	store   *embedded.Store
	metrics *prometheus.Registry
	done    chan error
	cancel  context.CancelFunc
	once    sync.Once
}

// start starts a process of a participant; it ends with the test, or by stop.
func (r *rig) start(name, dir string, tweak ...func(*participant.Config)) *site {
	r.Helper()
	store, err := embedded.New(embedded.Config{Dir: dir, LockTimeout: 2 * time.Second})
	if err != nil {
		r.Fatal(err)
	}
	driver, err := zkcoord.NewDriver(r.zk)
	if err != nil {
		r.Fatal(err)
	}
	s := &site{store: store, metrics: prometheus.NewRegistry(), done: make(chan error, 1)}
	c := participant.Config{Name: name, URL: "http://" + name, Version: "test", Logger: r.logger(), Registerer: s.metrics}
	for _, f := range tweak {
		f(&c)
	}
	var rm participant.ResourceManager = store
	if r.wrap != nil {
		rm = r.wrap(store)
	}
	if s.Participant, err = participant.New(c, driver, rm); err != nil {
		r.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	go func() { s.done <- s.Run(ctx) }()
	r.Cleanup(func() { s.stop(r) })
	return s
}

func (s *site) stop(r *rig) {
	s.once.Do(func() {
		s.cancel()
		if err := <-s.done; err != nil {
			r.Errorf("run participant: %v", err)
		}
		if err := s.store.Close(); err != nil {
			r.Error(err)
		}
	})
}

// ready waits until the coordinator sees the participants ready.
func (r *rig) ready(names ...string) {
	r.Helper()
	for _, name := range names {
		r.eventually(name+" to be ready", func() bool {
			p := r.seen(name)
			return p.Alive && p.Ready
		})
	}
}

// gone waits until the coordinator sees that the participant has no session.
func (r *rig) gone(name string) {
	r.Helper()
	r.eventually(name+" to be gone", func() bool { return !r.seen(name).Alive })
}

// seen is a participant as the coordinator sees it.
func (r *rig) seen(name string) txn.ParticipantInfo {
	all, err := r.coordinator.Participants(r.Context())
	if err != nil {
		return txn.ParticipantInfo{}
	}
	for _, p := range all {
		if p.Name == name {
			return p
		}
	}
	return txn.ParticipantInfo{}
}

func (r *rig) eventually(what string, holds func() bool) {
	r.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); !holds(); <-tick.C {
		if time.Now().After(deadline) {
			r.Fatalf("waited too long for %s", what)
		}
	}
}

// operation is one call of a built-in operation.
func operation(name string, arguments map[string]any) txn.Operation {
	raw, err := json.Marshal(arguments)
	if err != nil {
		panic(err)
	}
	return txn.Operation{Name: name, Arguments: raw}
}

func put(key string, n int) txn.Operation {
	return operation("put", map[string]any{"key": key, "value": map[string]any{"n": n}})
}

func add(key string, by int) txn.Operation {
	return operation("add", map[string]any{"key": key, "field": "n", "by": by, "min": 0})
}

type branches map[string][]txn.Operation

// handed makes a submission of branches.
func (r *rig) handed(b branches) txn.Handed {
	h := txn.Handed{ID: uuid.Must(uuid.NewV7()).String(), Timeout: 10 * time.Second, Wait: txn.WaitCompleted}
	h.Digest = h.ID
	for name, operations := range b {
		payload, err := json.Marshal(txn.WorkRequest{Operations: operations})
		if err != nil {
			r.Fatal(err)
		}
		h.Branches = append(h.Branches, txn.HandedBranch{Participant: name, Payload: payload})
	}
	return h
}

// submit runs one transaction and waits for its end.
func (r *rig) submit(b branches) txn.Transaction {
	r.Helper()
	tx, err := r.coordinator.Submit(r.Context(), r.handed(b))
	if err != nil {
		r.Fatalf("submit: %v", err)
	}
	return tx
}

// want demands the number under key in a site's store.
func (r *rig) want(s *site, key string, want int) {
	r.Helper()
	got, err := numberAt(s.store, key)
	if err != nil || got != want {
		r.Errorf("%s is %d, %v, want %d", key, got, err, want)
	}
}

func numberAt(s *embedded.Store, key string) (int, error) {
	record, found, err := s.Record(key)
	if err != nil || !found {
		return -1, err
	}
	var v struct{ N int }
	if err := json.Unmarshal(record.Value, &v); err != nil {
		return -1, fmt.Errorf("read number: %w", err)
	}
	return v.N, nil
}
