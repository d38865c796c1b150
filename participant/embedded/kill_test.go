package embedded_test

import (
	"bufio"
	"context"
	"crypto/rand"
	"fmt"
	mrand "math/rand"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/medcommit/medcommit/participant"
	"github.com/medcommit/medcommit/participant/embedded"
	"github.com/medcommit/medcommit/txn"
)

// childDir names the directory that a child of the tests works on until it is killed.
const childDir = "MEDCOMMIT_TEST_STORE"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		if err := workUntilKilled(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

func newXID() txn.XID {
	return txn.XID{Cluster: "test", Key: txn.Key(strings.ToLower(rand.Text())), Participant: "site"}
}

func openStore(dir string, timeout time.Duration) (*embedded.Store, error) {
	s, err := embedded.New(embedded.Config{Dir: dir, LockTimeout: timeout})
	if err != nil {
		return nil, err
	}
	return s, s.Open(context.Background(), "test", "site", 1)
}

// transfer takes from one account and gives to another; a record of its own shows whether it was committed.
func transfer(x txn.XID, from, to string, amount int64) []participant.Call {
	return []participant.Call{
		add(from, -amount), add(to, amount),
		call(false, participant.Record{Put: &participant.PutRecord{Key: "done/" + string(x.Key), Value: map[string]any{"n": amount}, IfAbsent: true}}),
	}
}

const accounts, balance = 5, int64(1000)

func account(i int) string { return fmt.Sprintf("account/%d", i) }

// workUntilKilled makes transfers for ever, and tells what it has been told.
func workUntilKilled(dir string) error {
	s, err := openStore(dir, time.Second)
	if err != nil {
		return err
	}
	var group sync.WaitGroup
	var out sync.Mutex
	say := func(word string, x txn.XID) {
		out.Lock()
		defer out.Unlock()
		fmt.Println(word, x.Key)
	}
	for range 16 {
		group.Go(func() {
			for {
				transferOnce(s, say)
			}
		})
	}
	group.Wait()
	return nil
}

func transferOnce(s *embedded.Store, say func(string, txn.XID)) {
	ctx, x := context.Background(), newXID()
	from := mrand.Intn(accounts)
	ballot, err := s.Prepare(ctx, x, transfer(x, account(from), account((from+1)%accounts), 1+mrand.Int63n(9)))
	if err != nil || ballot.Vote != txn.VoteCommit {
		return
	}
	say("prepared", x)
	if mrand.Intn(4) == 0 {
		if s.Rollback(ctx, x) == nil {
			say("rolled-back", x)
		}
		return
	}
	if s.Commit(ctx, x) == nil {
		say("committed", x)
	}
}

// TestKill kills a process that works on a store, again and again, and opens it: what was said is so, nothing is half done.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	s := must(t, dir)
	for i := range accounts {
		commitCalls(t, s, put(account(i), balance))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	said := 0
	for round := range 6 {
		words := killOne(t, dir, 200+round*300)
		said += len(words)
		s := must(t, dir)
		checkSaid(t, s, words)
		finishPrepared(t, s)
		checkSum(t, s)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d branches were heard of", said)
}

// killOne runs a child until it has said lines things, kills it, and gives the last that it said of each branch.
func killOne(t *testing.T, dir string, lines int) map[txn.Key]string {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	words := map[txn.Key]string{}
	scanner := bufio.NewScanner(out)
	for n := 0; scanner.Scan(); n++ {
		if n == lines {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
		word, key, whole := strings.Cut(scanner.Text(), " ")
		if whole && len(key) == 26 {
			words[txn.Key(key)] = word
		}
	}
	_ = cmd.Wait() // it was killed
	if len(words) == 0 {
		t.Fatal("the child said nothing")
	}
	return words
}

func checkSaid(t *testing.T, s *embedded.Store, words map[txn.Key]string) {
	t.Helper()
	for key, word := range words {
		standing, err := s.Lookup(t.Context(), txn.XID{Cluster: "test", Key: key, Participant: "site"})
		if err != nil {
			t.Fatal(err)
		}
		_, done, err := s.Record("done/" + string(key))
		if err != nil {
			t.Fatal(err)
		}
		if done != (standing == participant.StandingCommitted) {
			t.Errorf("branch %s: standing %d, its record is there: %v", key, standing, done)
		}
		switch {
		case word == "committed" && standing != participant.StandingCommitted,
			word == "rolled-back" && standing != participant.StandingNone:
			t.Errorf("branch %s was %s, and stands at %d", key, word, standing)
		}
	}
}

// finishPrepared ends what the killed process left, either way.
func finishPrepared(t *testing.T, s *embedded.Store) {
	t.Helper()
	left, err := s.Prepared(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i, b := range left {
		end := s.Commit
		if i%2 == 0 {
			end = s.Rollback
		}
		if err := end(t.Context(), b.XID); err != nil {
			t.Fatal(err)
		}
	}
}

func checkSum(t *testing.T, s *embedded.Store) {
	t.Helper()
	sum := int64(0)
	for i := range accounts {
		n, found := numberOf(t, s, account(i))
		if !found || n < 0 {
			t.Errorf("%s holds %d (found: %v)", account(i), n, found)
		}
		sum += n
	}
	if sum != accounts*balance {
		t.Errorf("the accounts hold %d, want %d", sum, accounts*balance)
	}
}
