package bench

import (
	"errors"
	"strings"
	"testing"

	"github.com/medcommit/medcommit/cmd/medcommit/load"
	"github.com/medcommit/medcommit/participant"
	"github.com/medcommit/medcommit/participant/dbtest"
	"github.com/medcommit/medcommit/txn"
)

func TestTheCatalogueFitsTheTable(t *testing.T) {
	c, err := participant.ParseCatalogue([]byte(Operations))
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"postgres", "mysql"} {
		if _, err := c.ForKind(kind); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

func TestSitesAreChosen(t *testing.T) {
	site := func(name string, ready bool, operations ...string) txn.ParticipantInfo {
		p := txn.ParticipantInfo{Name: name, Ready: ready}
		for _, o := range operations {
			p.Operations = append(p.Operations, txn.OperationInfo{Name: o})
		}
		return p
	}
	all := []txn.ParticipantInfo{
		site("lab", true, "tick"), site("away", false, "bench-move"), site("sql", true, "bench-move"),
		site("store", true, "add", "check"), site("other", true, "add", "check"),
	}
	for _, c := range []struct {
		workload Workload
		named    []string
		want     string
	}{
		{Transfer, nil, "sql store"},
		{Wide, nil, "sql store other"},
		{HotStock, nil, "store"},
		{Transfer, []string{"store", "other"}, "store other"},
		{Transfer, []string{"store", "lab"}, ""},
		{HotStockChecked, []string{"sql"}, ""},
	} {
		sites, err := choose(c.workload, all, c.named)
		var names []string
		for _, s := range sites {
			names = append(names, s.name)
		}
		if got := strings.Join(names, " "); got != c.want || (c.want == "") != errors.Is(err, ErrSites) {
			t.Errorf("%s %v: %q, %v", c.workload, c.named, got, err)
		}
	}
}

func TestATransferTakesWhatItGives(t *testing.T) {
	sites := []site{{name: "a"}, {name: "b", stored: true}, {name: "c"}}
	there := (&transfer{accounts: []int64{1, 2, 3}, amount: 5}).branches(sites, false)
	back := (&transfer{accounts: []int64{1, 2, 3}, amount: 5}).branches(sites, true)
	for i, want := range [][2]string{
		{`{"account":1,"amount":-10}`, `{"account":1,"amount":10}`},
		{
			`{"key":"bench/account/2","field":"balance","create":true,"by":5}`,
			`{"key":"bench/account/2","field":"balance","create":true,"by":-5}`,
		},
		{`{"account":3,"amount":5}`, `{"account":3,"amount":-5}`},
	} {
		if got := [2]string{string(there[i].Operations[0].Arguments), string(back[i].Operations[0].Arguments)}; got != want {
			t.Errorf("branch %d: %v, want %v", i, got, want)
		}
	}
}

func TestTheFloorOnPostgreSQL(t *testing.T) {
	server := dbtest.NewPostgres(t, nil)
	testFloor(t, server.NewDatabase(t), server.NewDatabase(t))
}

func TestTheFloorOnMariaDB(t *testing.T) {
	server := dbtest.NewMariaDB(t, nil)
	testFloor(t, server.NewDatabase(t), server.NewDatabase(t))
}

func testFloor(t *testing.T, from, to string) {
	for _, rawURL := range []string{from, to} {
		if err := Fill(t.Context(), rawURL); err != nil {
			t.Fatal(err)
		}
	}
	for _, form := range []Form{Plain, Fair} {
		got, err := Floor(t.Context(), form, from, to, load.Config{Clients: 4, Transactions: 40})
		if err != nil || got.Done != 40 {
			t.Errorf("%s: %+v, %v", form, got, err)
		}
	}
	if _, err := Floor(t.Context(), Plain, "ftp://x", to, load.Config{Transactions: 1}); !errors.Is(err, ErrURL) {
		t.Errorf("a URL of no database: %v", err)
	}
}
