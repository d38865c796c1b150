package main

import (
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"time"
)

// told is what a client knows of its transaction.
type told uint8

const (
	toldNothing   told = iota // it was handed in, or may have been
	toldCommitted             // acknowledged
	toldAborted               // acknowledged
	toldRefused               // nothing was started, by every answer to it
)

var toldTexts = [...]string{"unknown", "committed", "aborted", "refused"}

func (t told) String() string { return toldTexts[t] }

// entry is one transaction in the clients' own book.
type entry struct {
	job
	id    string
	first time.Time
	told  told
	since time.Time // of told
	xids  map[string]string
	why   string // of an abort
	lost  bool   // an answer was lost: a refusal later says nothing
}

// ledger is the clients' book. It is also written to a file, line by line, as it grows.
type ledger struct {
	mu        sync.Mutex
	entries   map[string]*entry
	conflicts []string // two outcomes of one transaction
	file      *os.File
}

func openLedger(path string) (*ledger, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("open the ledger: %w", err)
	}
	return &ledger{entries: map[string]*entry{}, file: f}, nil
}

func (l *ledger) close() error { return l.file.Close() }

// submit notes a transaction before it is sent.
func (l *ledger) submit(id string, j job) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries[id] = &entry{job: j, id: id, first: time.Now()}
	var sites []string
	for _, e := range j.effects {
		sites = append(sites, fmt.Sprintf("%s %s %+d", e.site, e.item, e.amount))
	}
	l.line(map[string]any{"id": id, "kind": j.kind, "submitted": sites})
}

// learn notes an answer. An outcome is final: another one later is a conflict. A refusal says that nothing was started by what was
// handed in last: it counts where no other answer was lost, and what was refused may be handed in again.
func (l *ledger) learn(id string, t told, why string, xids map[string]string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.entries[id]
	l.line(map[string]any{"id": id, "told": t.String(), "why": why})
	final := e.told == toldCommitted || e.told == toldAborted
	switch {
	case t == toldRefused:
		if !final && !e.lost {
			e.told, e.why, e.since = t, why, time.Now()
		}
	case !final:
		e.told, e.why, e.xids, e.since = t, why, xids, time.Now()
	case t != e.told:
		l.conflicts = append(l.conflicts, fmt.Sprintf("a client was told that %s is %s, and later that it is %s", id, e.told, t))
	}
}

// lose notes that an answer was lost, or undecided: the transaction may have been started.
func (l *ledger) lose(id, why string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.entries[id]
	e.lost = true
	if e.told == toldRefused {
		e.told = toldNothing
	}
	l.line(map[string]any{"id": id, "lost": why})
}

// lost tells whether an answer was lost.
func (l *ledger) lost(id string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.entries[id].lost
}

func (l *ledger) line(v map[string]any) {
	v["at"] = time.Now().UTC().Format("15:04:05.000")
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // strings
	}
	// A ledger that cannot be written is no reason to stop: it is for reading afterwards.
	_, _ = l.file.Write(append(text, '\n'))
}

// outcomes counts transactions by kind and what was told.
func (l *ledger) outcomes() map[string]map[told]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := map[string]map[told]int{}
	for _, e := range l.entries {
		if all[e.kind] == nil {
			all[e.kind] = map[told]int{}
		}
		all[e.kind][e.told]++
	}
	return all
}

// open gives the ids whose outcome nobody was told.
func (l *ledger) open() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var ids []string
	for id, e := range l.entries {
		if e.told == toldNothing {
			ids = append(ids, id)
		}
	}
	return ids
}

// of gives a copy of the entries of one workload.
func (l *ledger) of(w workload) []entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []entry
	for _, e := range l.entries {
		if e.of == w {
			all = append(all, *e)
		}
	}
	return all
}
