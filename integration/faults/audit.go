package main

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/medcommit/medcommit/txn"
)

// markerAge is how long after its outcome was told a transaction's marker is looked for: it may be purged when no log names its
// key any more.
const markerAge = retention / 3

// audit compares the sites with the ledger: every transaction is at all of its sites, once, or at none; what was acknowledged as
// committed is there, what was acknowledged as aborted or refused is not; nothing else is there; every holding is what it was at the
// beginning and what the effects made of it; and medcommit's own markers say the same.
func (h hospital) audit(ctx context.Context, sites []*site, l *ledger) ([]string, error) {
	at := map[string]map[string][]effect{}
	var wrong []string
	for _, s := range sites {
		effects, err := s.views.effects(ctx)
		if err != nil {
			return nil, fmt.Errorf("audit %s: %w", s.name, err)
		}
		at[s.name] = effects
		amounts, err := s.views.amounts(ctx)
		if err != nil {
			return nil, fmt.Errorf("audit %s: %w", s.name, err)
		}
		wrong = append(wrong, compareHoldings(s.name, h.holdings(s.name), amounts, effects)...)
	}
	entries := l.of(h)
	known := map[string]bool{}
	for _, e := range entries {
		known[e.id] = true
		wrong = append(wrong, compareEntry(e, at)...)
	}
	for site, effects := range at {
		for id := range effects {
			if !known[id] {
				wrong = append(wrong, fmt.Sprintf("%s is at %s, and no client handed it in", id, site))
			}
		}
	}
	marks, err := compareMarkers(ctx, sites, entries)
	return append(wrong, marks...), err
}

// compareHoldings finds holdings that are not what they were and what the effects made of them.
func compareHoldings(site string, first, now map[string]int64, effects map[string][]effect) []string {
	want := maps.Clone(first)
	for _, all := range effects {
		for _, e := range all {
			if _, held := want[e.item]; held {
				want[e.item] += e.amount
			}
		}
	}
	var wrong []string
	for item, amount := range want {
		switch got, there := now[item]; {
		case !there:
			wrong = append(wrong, fmt.Sprintf("%s has lost %s", site, item))
		case got != amount:
			wrong = append(wrong, fmt.Sprintf("%s has %d of %s, and by its effects %d", site, got, item, amount))
		case got < 0:
			wrong = append(wrong, fmt.Sprintf("%s has %d of %s", site, got, item))
		}
	}
	return wrong
}

// compareEntry finds what is wrong with one transaction.
func compareEntry(e entry, at map[string]map[string][]effect) []string {
	var whole, partly int
	var places []string
	for _, want := range e.effects {
		there := at[want.site][e.id]
		switch {
		case len(there) == 0:
			places = append(places, "not at "+want.site)
		case len(there) == 1 && there[0].item == want.item && there[0].amount == want.amount:
			whole++
			places = append(places, "at "+want.site)
		default:
			partly++
			places = append(places, fmt.Sprintf("%d effects at %s", len(there), want.site))
		}
	}
	what := fmt.Sprintf("%s %s (told: %s): %s", e.kind, e.id, e.told, strings.Join(places, ", "))
	switch {
	case partly > 0:
		return []string{"not once: " + what}
	case whole > 0 && whole < len(e.effects):
		return []string{"split: " + what}
	case e.told == toldCommitted && whole == 0:
		return []string{"an acknowledged commit is lost: " + what}
	case (e.told == toldAborted || e.told == toldRefused) && whole > 0:
		return []string{"an acknowledged abort is there: " + what}
	}
	return nil
}

// compareMarkers looks for the markers of what was decided lately.
func compareMarkers(ctx context.Context, sites []*site, entries []entry) ([]string, error) {
	var wrong []string
	for _, s := range sites {
		var lately []txn.XID
		by := map[txn.XID]entry{}
		for _, e := range entries {
			if x, err := txn.ParseXID(e.xids[s.name]); err == nil && time.Since(e.since) < markerAge {
				lately = append(lately, x)
				by[x] = e
			}
		}
		marked, err := s.views.marked(ctx, lately)
		if err != nil {
			return nil, fmt.Errorf("audit the markers of %s: %w", s.name, err)
		}
		for _, x := range lately {
			if e := by[x]; marked[x] != (e.told == toldCommitted) {
				wrong = append(wrong, fmt.Sprintf("%s was told to be %s, and its marker at %s is there: %v", e.id, e.told, s.name, marked[x]))
			}
		}
	}
	return wrong, nil
}
