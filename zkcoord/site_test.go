package zkcoord

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/medcommit/medcommit/txn"
)

// testSite is a participant as small as it can be: the participant's machine over a Driver and a testDatabase.
type testSite struct {
	*testDatabase
	name    string
	driver  *Driver
	machine *txn.Participant
	box     *mailbox
	ready   chan struct{}
	stop    func()
}

// startSite runs a participant until the test ends, and returns when it is ready.
func startSite(t testing.TB, cfg DriverConfig, name string, db *testDatabase, tweak ...func(*txn.ParticipantConfig)) *testSite {
	t.Helper()
	driver, err := NewDriver(cfg)
	if err != nil {
		t.Fatal(err)
	}
	s := &testSite{testDatabase: db, name: name, driver: driver, box: newMailbox(), ready: make(chan struct{})}
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	s.stop = func() { cancel(); group.Wait() }
	t.Cleanup(s.stop)
	group.Go(func() {
		if err := driver.Run(ctx, func(e txn.Event) { s.deliver(ctx, e) }); err != nil {
			t.Errorf("run the driver of %s: %v", name, err)
		}
	})
	cluster, err := driver.Register(ctx, name, txn.Registration{Kind: "embedded", Format: txn.FormatVersion})
	if err != nil {
		t.Fatal(err)
	}
	pc := txn.ParticipantConfig{Cluster: cluster, Name: name, Process: newNonce(), Slots: 4096}
	for _, f := range tweak {
		f(&pc)
	}
	s.machine = txn.NewParticipant(pc)
	group.Go(func() { s.loop(ctx) })
	select {
	case <-s.ready:
	case <-time.After(testPatience):
		t.Fatalf("the site %s does not become ready", name)
	}
	return s
}

func (s *testSite) deliver(ctx context.Context, e txn.Event) {
	heard := make(chan struct{})
	s.box.put(letter{call: func() { s.do(s.machine.Step(e)); close(heard) }})
	if _, lost := e.(txn.SessionLost); lost {
		select {
		case <-heard:
		case <-ctx.Done():
		}
	}
}

func (s *testSite) loop(ctx context.Context) {
	ticker := time.NewTicker(tickEvery)
	defer ticker.Stop()
	began := time.Now()
	var letters []letter
	for ctx.Err() == nil {
		letters = s.box.take(letters)
		for i := range letters {
			letters[i].call()
		}
		s.do(s.machine.Flush(txn.Hold{}))
		select {
		case <-ctx.Done():
		case <-s.box.wake:
		case <-ticker.C:
			s.do(s.machine.Step(txn.Tick{Now: time.Since(began), Wall: time.Now().UnixMilli()}))
		}
	}
}

// answer gives the machine the database's answer.
func (s *testSite) answer(e txn.Event) {
	s.box.put(letter{call: func() { s.do(s.machine.Step(e)) }})
}

func (s *testSite) do(effects []txn.Effect) {
	var store []txn.Effect
	for _, effect := range effects {
		switch e := effect.(type) {
		case txn.Work:
			s.prepare(e)
		case txn.Finish:
			s.answer(txn.Finished{Key: e.XID.Key, Result: s.finish(e)})
		case txn.ListPrepared:
			s.answer(txn.PreparedListed{Token: e.Token, Branches: s.list()})
		case txn.LoadSite:
			row, exists := s.site()
			s.answer(txn.SiteLoaded{Token: e.Token, Exists: exists, Row: row})
		case txn.SaveSite:
			s.saveSite(e.Row)
			s.answer(txn.SiteSaved{Token: e.Token})
		case txn.Ready:
			s.driver.Present(s.name, txn.Presented{Ready: true, URL: "http://" + s.name})
			select {
			case <-s.ready:
			default:
				close(s.ready)
			}
		case txn.CancelWork:
			if s.cancel(e.Key) {
				s.answer(txn.Worked{Key: e.Key, Ballot: txn.Abort(txn.DetailInternal)})
			}
		case txn.Stop, txn.Restored, txn.Adopted, txn.WishAnswered, txn.SettledByHand, txn.HeuristicMismatch, txn.BranchChanged, txn.PastCompared:
		default:
			store = append(store, effect)
		}
	}
	s.driver.Do(store...)
}

func (s *testSite) prepare(w txn.Work) {
	if w.Prepare.Head == "" {
		s.worked(w, len(w.Prepare.Payload))
		return
	}
	go func() {
		payload, err := s.driver.Payload(context.Background(), w.Prepare.Head, w.Prepare.Parts)
		if err != nil {
			s.answer(txn.Worked{Key: w.XID.Key, Ballot: txn.Abort(txn.DetailInternal)})
			return
		}
		s.worked(w, len(payload))
	}()
}

func (s *testSite) worked(w txn.Work, size int) {
	if ballot, ok := s.work(w, size); ok {
		s.answer(txn.Worked{Key: w.XID.Key, Ballot: ballot})
	}
}
