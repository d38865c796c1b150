package rmtest

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/medcommit/medcommit/participant"
	"github.com/medcommit/medcommit/txn"
)

// The cluster and the two participants of the suite. The second name is as long as a name can be.
const (
	cluster = "rmtest"
	siteA   = "site-a"
)

var siteB = "site-b" + strings.Repeat("-long", 11)

// patience bounds every wait of the suite: what takes longer hangs.
const patience = 30 * time.Second

// rig is a test with its database.
type rig struct {
	*testing.T
	Harness
	ctx         context.Context
	open        []participant.ResourceManager
	incarnation int32
}

// newRig makes a fresh database; when the test is over, nothing of ours may be left prepared in it.
func newRig(t *testing.T, fresh func(*testing.T) Harness) *rig {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 4*patience)
	r := &rig{T: t, Harness: fresh(t), ctx: ctx}
	t.Cleanup(func() {
		defer cancel()
		defer r.closeAll()
		if t.Failed() {
			return
		}
		for _, b := range r.list(r.process(siteA)) {
			if b.XID != (txn.XID{}) {
				t.Errorf("%s is left prepared", b.Name)
			}
		}
	})
	return r
}

// process starts a process of participant: a resource manager, opened.
func (r *rig) process(name string) participant.ResourceManager {
	r.Helper()
	return r.opened(r.New(r.T), name)
}

// patient is a process that waits long for locks.
func (r *rig) patient(name string) participant.ResourceManager {
	r.Helper()
	return r.opened(r.NewPatient(r.T), name)
}

// opened opens rm as the newest incarnation of participant, having closed all others where only one can have the database.
func (r *rig) opened(rm participant.ResourceManager, name string) participant.ResourceManager {
	r.Helper()
	if r.Exclusive {
		r.closeAll()
	}
	r.open = append(r.open, rm)
	r.incarnation++
	if err := rm.Open(r.ctx, cluster, name, r.incarnation); err != nil {
		r.Fatalf("open as %s: %v", name, err)
	}
	return rm
}

func (r *rig) closeAll() {
	for _, rm := range r.open {
		if err := rm.Close(); err != nil {
			r.Errorf("close: %v", err)
		}
	}
	r.open = nil
}

// xid names a new branch of a participant.
func xid(name string) txn.XID {
	key := strings.ToLower(rand.Text()) // 26 letters and digits
	return txn.XID{Cluster: cluster, Key: txn.Key(key), Participant: name}
}

// prepare demands an honest answer to a prepare.
func (r *rig) prepare(rm participant.ResourceManager, x txn.XID, calls ...participant.Call) txn.Ballot {
	r.Helper()
	ballot, err := rm.Prepare(r.ctx, x, calls)
	if err != nil {
		r.Fatalf("prepare: %v", err)
	}
	return ballot
}

// prepared demands a vote to commit.
func (r *rig) prepared(rm participant.ResourceManager, x txn.XID, calls ...participant.Call) {
	r.Helper()
	r.wantBallot(r.prepare(rm, x, calls...), txn.Commit())
	r.wantStanding(rm, x, participant.StandingPrepared)
}

func (r *rig) commit(rm participant.ResourceManager, x txn.XID) {
	r.Helper()
	if err := rm.Commit(r.ctx, x); err != nil {
		r.Fatalf("commit: %v", err)
	}
	r.wantStanding(rm, x, participant.StandingCommitted)
}

func (r *rig) rollback(rm participant.ResourceManager, x txn.XID) {
	r.Helper()
	if err := rm.Rollback(r.ctx, x); err != nil {
		r.Fatalf("roll back: %v", err)
	}
}

// committed stores a number by a whole transaction.
func (r *rig) committed(rm participant.ResourceManager, name string, value int64) {
	r.Helper()
	x := xid(siteA)
	r.prepared(rm, x, r.Write(name, value))
	r.commit(rm, x)
	r.wantNumber(name, value)
}

func (r *rig) list(rm participant.ResourceManager) []participant.PreparedBranch {
	r.Helper()
	branches, err := rm.Prepared(r.ctx)
	if err != nil {
		r.Fatalf("list prepared branches: %v", err)
	}
	return branches
}

func (r *rig) wantBallot(got, want txn.Ballot) {
	r.Helper()
	if got != want {
		r.Fatalf("ballot is %+v, want %+v", got, want)
	}
}

func (r *rig) wantStanding(rm participant.ResourceManager, x txn.XID, want participant.Standing) {
	r.Helper()
	got, err := rm.Lookup(r.ctx, x)
	if err != nil {
		r.Fatalf("look up: %v", err)
	}
	if got != want {
		r.Fatalf("standing is %d, want %d", got, want)
	}
	listed := slices.ContainsFunc(r.list(rm), func(b participant.PreparedBranch) bool { return b.XID == x })
	if listed != (want == participant.StandingPrepared) {
		r.Fatalf("listed as prepared: %t, standing %d", listed, want)
	}
}

func (r *rig) wantNumber(name string, want int64) {
	r.Helper()
	if got, exists := r.Read(r.T, name); !exists || got != want {
		r.Fatalf("%s is %d (exists: %t), want %d", name, got, exists, want)
	}
}

func (r *rig) wantNothing(name string) {
	r.Helper()
	if got, exists := r.Read(r.T, name); exists {
		r.Fatalf("%s is %d, want nothing", name, got)
	}
}

func (r *rig) wantError(err, want error) {
	r.Helper()
	if !errors.Is(err, want) {
		r.Fatalf("error is %v, want %v", err, want)
	}
}

// answer is what a Prepare in the background came to.
type answer struct {
	ballot txn.Ballot
	err    error
}

// background begins a prepare.
func (r *rig) background(ctx context.Context, rm participant.ResourceManager, x txn.XID, calls ...participant.Call) <-chan answer {
	done := make(chan answer, 1)
	go func() {
		ballot, err := rm.Prepare(ctx, x, calls)
		done <- answer{ballot, err}
	}()
	return done
}

// await waits for something the test counts on.
func await[T any](r *rig, what string, c <-chan T) T {
	r.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		r.Fatalf("waited too long for %s", what)
		panic("not reached")
	}
}

// eventually waits for a condition with a deadline.
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
