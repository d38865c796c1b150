package main

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

// transferOf is a transaction of two sites, as the ledger has it.
func transferOf(t told) entry {
	return entry{job: job{kind: "transfer", effects: []effect{{"pharmacy", "account-1", -5}, {"orders", "account-2", 5}}}, id: "x", told: t}
}

var (
	debit  = map[string][]effect{"x": {{item: "account-1", amount: -5}}}
	credit = map[string][]effect{"x": {{item: "account-2", amount: 5}}}
	twice  = map[string][]effect{"x": {{item: "account-2", amount: 5}, {item: "account-2", amount: 5}}}
	other  = map[string][]effect{"x": {{item: "account-2", amount: 6}}}
)

func TestAuditFindsWhatIsPlanted(t *testing.T) {
	for name, c := range map[string]struct {
		told             told
		pharmacy, orders map[string][]effect
		want             string
	}{
		"whole":                   {toldCommitted, debit, credit, ""},
		"nowhere":                 {toldAborted, nil, nil, ""},
		"unknown and whole":       {toldNothing, debit, credit, ""},
		"unknown and nowhere":     {toldNothing, nil, nil, ""},
		"split":                   {toldNothing, debit, nil, "split"},
		"split the other way":     {toldCommitted, nil, credit, "split"},
		"lost":                    {toldCommitted, nil, nil, "an acknowledged commit is lost"},
		"an abort that is there":  {toldAborted, debit, credit, "an acknowledged abort is there"},
		"a refusal that is there": {toldRefused, debit, credit, "an acknowledged abort is there"},
		"twice":                   {toldCommitted, debit, twice, "not once"},
		"another amount":          {toldCommitted, debit, other, "not once"},
	} {
		found := strings.Join(compareEntry(transferOf(c.told), map[string]map[string][]effect{"pharmacy": c.pharmacy, "orders": c.orders}), "; ")
		if c.want == "" && found != "" || !strings.HasPrefix(found, c.want) {
			t.Errorf("%s: %q, want %q", name, found, c.want)
		}
	}
}

func TestHoldingsAreWhatTheEffectsMade(t *testing.T) {
	first := map[string]int64{"account-1": 10, "account-2": 10}
	effects := map[string][]effect{"x": {{item: "account-1", amount: -5}, {item: "noted only", amount: 7}}}
	for name, c := range map[string]struct {
		now  map[string]int64
		want int
	}{
		"right":   {map[string]int64{"account-1": 5, "account-2": 10}, 0},
		"too few": {map[string]int64{"account-1": 5, "account-2": 9}, 1},
		"lost":    {map[string]int64{"account-1": 5}, 1},
	} {
		if found := compareHoldings("pharmacy", first, c.now, effects); len(found) != c.want {
			t.Errorf("%s: %q", name, found)
		}
	}
}

func TestLedgerKeepsOutcomesAndNotesConflicts(t *testing.T) {
	l, err := openLedger(t.TempDir() + "/ledger.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	l.submit("lost", job{})
	l.learn("lost", toldRefused, "", nil)
	l.lose("lost", "the answer")
	l.learn("lost", toldRefused, "", nil)
	if got := l.entries["lost"].told; got != toldNothing {
		t.Errorf("a refusal after a lost answer counts: %s", got)
	}
	l.submit("done", job{})
	l.learn("done", toldCommitted, "", nil)
	l.learn("done", toldRefused, "", nil)
	if got := l.entries["done"].told; got != toldCommitted || len(l.conflicts) != 0 {
		t.Errorf("a refusal after an outcome counts: %s, %q", got, l.conflicts)
	}
	l.learn("done", toldAborted, "", nil)
	if len(l.conflicts) != 1 {
		t.Error("two outcomes of one transaction are no conflict")
	}
}

func TestAPlanIsItsSeed(t *testing.T) {
	all := faults(time.Minute)
	strip := func(seed uint64, n int) (names []string) {
		for _, p := range plan(seed, n, all) {
			names = append(names, p.fault.name+p.after.String()+p.length.String())
		}
		return names
	}
	seen := map[string]bool{}
	for n := range 400 {
		if !reflect.DeepEqual(strip(7, n), strip(7, n)) {
			t.Fatalf("round %d is not the same again", n)
		}
		for _, p := range plan(7, n, all) {
			seen[p.fault.name] = true
		}
	}
	if len(seen) != len(all) {
		t.Errorf("400 rounds have %d of %d faults", len(seen), len(all))
	}
	if reflect.DeepEqual(strip(7, 1), strip(8, 1)) {
		t.Error("two seeds make the same round")
	}
}
