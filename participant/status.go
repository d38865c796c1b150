package participant

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/medcommit/medcommit/txn"
)

// waiting is what a participant waits for before it works.
type waiting uint8

const (
	waitNothing waiting = iota
	waitSession
	waitDatabase
	waitRecovery
	waitOperator
)

var waitTexts = [...]string{
	"", "a ZooKeeper session", "its database", "the recovery to end",
	"an operator: its database or ZooKeeper was restored from a backup",
}

func (w waiting) String() string { return waitTexts[w] }

// status is what others may know of a running participant.
type status struct {
	mu       sync.Mutex
	waits    waiting
	opening  error // why the database is not open
	database error // why the database did not answer when it was last asked

	wanted    atomic.Int32 // the newest incarnation
	suspected atomic.Bool  // the housekeeper is going to ask the database whether it answers
}

func (s *status) wait(w waiting) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waits, s.opening = w, nil
}

// opened says how opening the database ended.
func (s *status) opened(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opening, s.database = err, nil
}

// answered says what the database did when it was asked, and tells whether it answers again after it did not.
func (s *status) answered(err error) (again bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	again = err == nil && s.database != nil
	s.database = err
	return again
}

func (s *status) silent() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.database != nil
}

func (s *status) ready() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.waits != waitNothing && s.opening != nil:
		return fmt.Errorf("waits for %v: %w", s.waits, s.opening)
	case s.waits != waitNothing:
		return errors.New("waits for " + s.waits.String())
	case s.database != nil:
		return fmt.Errorf("waits for %v: %w", waitDatabase, s.database)
	}
	return nil
}

// shownWait is what the participant waits for, without a database's own words.
func (s *status) shownWait() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.waits != waitNothing:
		return s.waits.String()
	case s.database != nil:
		return waitDatabase.String()
	}
	return ""
}

// Ready returns nil when the participant is registered, has reached its database and has recovered; else an error that says what
// it waits for.
func (p *Participant) Ready() error {
	if err := p.status.ready(); err != nil {
		return err
	}
	if p.ledger.Suspended() {
		return errors.New("waits for ZooKeeper to answer again")
	}
	return nil
}

// presentEvery is how often the site shows the cluster how it stands, if nothing important changes.
const presentEvery = time.Second

// look takes stock: it shows how the site stands, and has a silent database asked again. It is the loop's.
func (p *Participant) look() {
	ready := p.Ready() == nil
	if time.Since(p.looked) < presentEvery && ready == p.shown {
		return
	}
	p.looked, p.shown = time.Now(), ready
	waits := ""
	if err := p.Ready(); err != nil {
		waits = p.status.shownWait()
	}
	if p.status.silent() {
		p.suspect()
	}
	queued, inDoubt, oldest := p.machine.Standing()
	p.metrics.stands(inDoubt, oldest)
	p.ledger.Present(p.config.Name, txn.Presented{
		URL: p.config.URL, Version: p.config.Version, Ready: ready,
		Queued: queued, InDoubt: inDoubt, OldestInDoubtSeconds: oldest.Seconds(), Waits: waits,
	})
}
