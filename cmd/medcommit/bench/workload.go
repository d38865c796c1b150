package bench

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/medcommit/medcommit/txn"
)

// Workload is what a client does over and over.
type Workload uint8

// The workloads.
const (
	// Transfer moves an amount between a row at one site and a row at another.
	Transfer Workload = iota
	// HotStock takes one from the same record of an embedded store, all clients at once.
	HotStock
	// HotStockChecked does the same after a check on the record, which locks it.
	HotStockChecked
	// Wide moves an amount from a row at one site to a row at each of the others.
	Wide
)

var workloads = []string{"transfer", "hot-stock", "hot-stock-checked", "wide"}

func (w Workload) String() string { return workloads[w] }

// Workloads are the names of all.
func Workloads() []string { return workloads }

// ParseWorkload reads a workload's name.
func ParseWorkload(text string) (Workload, error) {
	for w, name := range workloads {
		if name == text {
			return Workload(w), nil
		}
	}
	return 0, fmt.Errorf("the workload is one of %v", workloads)
}

// ErrSites says that the cluster's sites do not offer what a workload needs.
var ErrSites = errors.New("the sites do not offer what the workload needs")

// site is one that takes part.
type site struct {
	name, url string
	stored    bool // it offers the operations of an open embedded store, else bench-move
}

// choose picks the sites of a workload: those that are named, or the first that will do.
func choose(w Workload, all []txn.ParticipantInfo, named []string) ([]site, error) {
	var sites []site
	for i := range all {
		p := &all[i]
		if len(named) > 0 && !contains(named, p.Name) || !p.Ready || p.Drained {
			continue
		}
		switch {
		case offers(p, "add") && offers(p, "check"):
			sites = append(sites, site{p.Name, p.URL, true})
		case offers(p, "bench-move") && w != HotStock && w != HotStockChecked:
			sites = append(sites, site{p.Name, p.URL, false})
		}
	}
	need := 2
	if w == HotStock || w == HotStockChecked {
		need = 1
	}
	if len(sites) < need || len(named) > 0 && len(sites) < len(named) {
		return nil, fmt.Errorf("%w: %s needs %d that are ready and have the catalogue that \"medcommit bench operations\" prints, or open embedded stores",
			ErrSites, w, max(need, len(named)))
	}
	if w != Wide {
		sites = sites[:need]
	}
	return sites, nil
}

func contains(all []string, one string) bool {
	for _, s := range all {
		if s == one {
			return true
		}
	}
	return false
}

func offers(p *txn.ParticipantInfo, name string) bool {
	for i := range p.Operations {
		if p.Operations[i].Name == name {
			return true
		}
	}
	return false
}

// The records of an embedded store.
const (
	accountPrefix = "bench/account/"
	stockKey      = "bench/stock"
)

// move changes the balance of an account.
func (s *site) move(account, amount int64) txn.Operation {
	if !s.stored {
		return txn.Operation{Name: "bench-move", Arguments: arguments(`{"account":`, account, `,"amount":`, amount, `}`)}
	}
	return txn.Operation{Name: "add", Arguments: arguments(`{"key":"`+accountPrefix, account, `","field":"balance","create":true,"by":`, amount, `}`)}
}

// take takes one from the stock.
func take(checked bool) []txn.Operation {
	ops := []txn.Operation{{Name: "add", Arguments: json.RawMessage(`{"key":"` + stockKey + `","field":"quantity","by":-1,"min":0}`)}}
	if checked {
		ops = append([]txn.Operation{{Name: "check", Arguments: json.RawMessage(`{"key":"` + stockKey + `","field":"quantity","min":1}`)}}, ops...)
	}
	return ops
}

func arguments(before string, a int64, between string, b int64, after string) json.RawMessage {
	out := append(make([]byte, 0, 96), before...)
	out = strconv.AppendInt(out, a, 10)
	out = append(out, between...)
	out = strconv.AppendInt(out, b, 10)
	return append(out, after...)
}
