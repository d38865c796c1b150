package zkcoord

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/medcommit/medcommit/txn"
)

func isNoPayload(err error) bool { return errors.Is(err, txn.ErrNoPayload) }

// noise is what does not compress.
func noise(n int) []byte {
	b := make([]byte, n)
	source := rand.NewChaCha8([32]byte{1})
	_, _ = source.Read(b) // never fails
	return b
}

func TestManyMakeOneLayout(t *testing.T) {
	addr, root := sharedZooKeeper(t)
	ctx, cancel := context.WithTimeout(t.Context(), testPatience)
	defer cancel()
	var clients []*client
	for range 4 {
		clients = append(clients, newClient(t, root, addr))
	}
	codes := make([]string, 16)
	var wg sync.WaitGroup
	for i := range codes {
		wg.Go(func() {
			var err error
			if codes[i], err = clients[i%4].Register(ctx, "emr", txn.Registration{Kind: "embedded", Format: 1}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, code := range codes {
		if code != codes[0] || len(code) != 8 || !txn.ValidCluster(code) {
			t.Fatalf("the codes are %v", codes)
		}
	}
	c := clients[0]
	for _, path := range []string{"epoch", "horizon", txn.IncarnationPath("emr"), txn.AppliedPath("emr"), votesOf("emr").GenerationPath(1)} {
		if n := c.node(path); !n.Exists || n.Version != 0 {
			t.Errorf("%s is %+v", path, n)
		}
	}
	if _, err := c.Register(ctx, "emr", txn.Registration{Kind: "postgres", Format: 1}); err != nil {
		t.Fatal(err)
	}
	var reg txn.Registration
	if err := json.Unmarshal(c.node("participants/emr").Data, &reg); err != nil || reg.Kind != "postgres" {
		t.Fatalf("the registration is %+v, %v", reg, err)
	}
	if _, err := c.Register(ctx, "../x", txn.Registration{}); !errors.Is(err, txn.ErrBadName) {
		t.Errorf("a bad name: %v", err)
	}
}

func TestNewerRecordsAreRefused(t *testing.T) {
	addr, root := sharedZooKeeper(t)
	c := newClient(t, root, addr).up()
	c.must(txn.Op{Kind: txn.OpSet, Path: txn.ClusterPath, Version: 0, Data: []byte(`{"cluster":"abc","format":2}`)})
	if _, err := c.Register(t.Context(), "emr", txn.Registration{}); !errors.Is(err, txn.ErrFormat) {
		t.Fatalf("newer records: %v", err)
	}
}

func TestPresentShowsTheLastStateInEverySession(t *testing.T) {
	addr, root := sharedZooKeeper(t)
	c := newClient(t, root, addr).up()
	c.register("emr")
	path := txn.SessionsPath("emr") + "/nonce"
	for i := range 5 {
		c.Present("emr", txn.Presented{Queued: i})
	}
	c.Do(txn.WatchNode{Path: path})
	c.must(txn.Op{Kind: txn.OpCreate, Path: path, Ephemeral: true})
	shows := func(want txn.Presented) txn.NodeRead {
		t.Helper()
		return await(c, 0, func(e txn.NodeRead) bool {
			var p txn.Presented
			return e.Path == path && len(e.Data) > 0 && json.Unmarshal(e.Data, &p) == nil && p == want
		})
	}
	shows(txn.Presented{Queued: 4})
	begun := time.Now()
	for i := range 100 {
		c.Present("emr", txn.Presented{Ready: true, InDoubt: i})
		c.node("epoch") // takes about as long as a write
	}
	n := shows(txn.Presented{Ready: true, InDoubt: 99})
	if writes, most := int(n.Version), 3+int(time.Since(begun)/presentEvery); writes > most {
		t.Errorf("%d writes, at most %d are due", writes, most)
	}
}
