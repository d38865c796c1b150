package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/medcommit/medcommit/txn"
)

// What each site holds at the beginning.
const (
	accounts    = 40 // at every site
	balance     = 100
	drugs       = 20 // at the pharmacy
	shelf       = 1_000_000
	patients    = 20 // at the electronic record
	hot         = "hot"
	hotStock    = 2000
	transferMax = 60 // of an account with 100: some are refused
)

// hospital moves amounts between holdings of the sites, which never fall below nothing, and notes each movement as an effect of its
// transaction. A holding is an account, a drug's stock, or what a patient was given.
type hospital struct{}

var _ workload = hospital{}

func newHospital() hospital { return hospital{} }

// holdings gives what a site holds at the beginning.
func (hospital) holdings(site string) map[string]int64 {
	held := map[string]int64{}
	for i := range accounts {
		held[fmt.Sprintf("account-%d", i)] = balance
	}
	switch site {
	case "pharmacy":
		for i := range drugs {
			held[fmt.Sprintf("drug-%d", i)] = shelf
		}
	case "emr":
		for i := range patients {
			held[fmt.Sprintf("patient-%d", i)] = 0
		}
		held[hot] = hotStock
	}
	return held
}

func (h hospital) tables(k kind) []string {
	engine := ""
	if k == mariadbSite {
		engine = " ENGINE=InnoDB"
	}
	var rows []string
	for item, amount := range h.holdings(siteName(k)) {
		rows = append(rows, fmt.Sprintf("('%s', %d)", item, amount))
	}
	return []string{
		"CREATE TABLE holdings (item varchar(64) PRIMARY KEY, amount bigint NOT NULL)" + engine,
		"CREATE TABLE effects (tx varchar(64) NOT NULL, item varchar(64) NOT NULL, amount bigint NOT NULL)" + engine,
		"INSERT INTO holdings VALUES " + strings.Join(rows, ", "),
	}
}

func siteName(k kind) string {
	for _, at := range kinds {
		if at.kind == k {
			return at.name
		}
	}
	return ""
}

const parameters = `
    parameters:
      type: object
      required: [item, amount]
      properties:
        item: {type: string}
        amount: {type: integer}
`

// The effects have no unique key: what is done twice is to be seen.
const sqlOperations = `
  move:` + parameters + `
    statements:
      - {sql: "UPDATE holdings SET amount = amount + :amount WHERE item = :item AND amount + :amount >= 0", rows: 1}
      - {sql: "INSERT INTO effects (tx, item, amount) VALUES (:tx, :item, :amount)", rows: 1}
  note:` + parameters + `
    statements:
      - {sql: "INSERT INTO effects (tx, item, amount) VALUES (:tx, :item, :amount)", rows: 1}
`

const embeddedOperations = `
  open:` + parameters + `
    records:
      - put: {key: "holding/{item}", value: {amount: "{amount}"}, if_absent: true}
  move:` + parameters + `
    records:
      - add: {key: "holding/{item}", field: amount, by: "{amount}", min: 0}
      - add: {key: "effect/{tx}/{item}", field: amount, by: "{amount}", create: true}
  note:` + parameters + `
    records:
      - add: {key: "effect/{tx}/{item}", field: amount, by: "{amount}", create: true}
`

func (hospital) operations(k kind) string {
	if k == embeddedSite {
		return embeddedOperations
	}
	return sqlOperations
}

// opening gives the embedded store what the others were given as rows.
func (h hospital) opening() []txn.Request {
	b := txn.BranchRequest{Participant: "emr"}
	for item, amount := range h.holdings("emr") {
		b.Operations = append(b.Operations, call("open", item, amount))
	}
	return []txn.Request{{ID: "opening", Branches: []txn.BranchRequest{b}}}
}

func call(operation, item string, amount int64) txn.Operation {
	arguments, err := json.Marshal(map[string]any{"item": item, "amount": amount})
	if err != nil {
		panic(err) // strings and numbers
	}
	return txn.Operation{Name: operation, Arguments: arguments}
}

func (h hospital) next(r *rand.Rand) job {
	switch n := r.IntN(10); {
	case n < 4:
		return h.transfer(r)
	case n < 7:
		return h.prescription(r)
	}
	return h.order(r)
}

// transfer moves an amount from one site's account to another's. Of an account that has too little it aborts.
func (h hospital) transfer(r *rand.Rand) job {
	at := r.Perm(len(kinds))
	amount := 1 + r.Int64N(transferMax)
	j := job{of: h, kind: "transfer"}
	j.call("move", kinds[at[0]].name, fmt.Sprintf("account-%d", r.IntN(accounts)), -amount)
	j.call("move", kinds[at[1]].name, fmt.Sprintf("account-%d", r.IntN(accounts)), amount)
	return j
}

// prescription is ordered, dispensed, and noted with the patient. One of twelve asks for more than there is.
func (h hospital) prescription(r *rand.Rand) job {
	quantity := 1 + r.Int64N(5)
	if r.IntN(12) == 0 {
		quantity = 2 * shelf
	}
	drug := fmt.Sprintf("drug-%d", r.IntN(drugs))
	j := job{of: h, kind: "prescription"}
	j.call("note", "orders", drug, quantity)
	j.call("move", "pharmacy", drug, -quantity)
	j.call("move", "emr", fmt.Sprintf("patient-%d", r.IntN(patients)), quantity)
	return j
}

// order takes from the one holding that everybody wants, or brings new stock.
func (h hospital) order(r *rand.Rand) job {
	j := job{of: h, kind: "hot-stock"}
	if r.IntN(20) == 0 {
		j.call("note", "pharmacy", hot, 40)
		j.call("move", "emr", hot, 40)
		return j
	}
	quantity := 1 + r.Int64N(4)
	j.call("note", "orders", hot, quantity)
	j.call("move", "emr", hot, -quantity)
	return j
}

func (j *job) call(operation, site, item string, amount int64) {
	j.branches = append(j.branches, txn.BranchRequest{Participant: site, Operations: []txn.Operation{call(operation, item, amount)}})
	j.effects = append(j.effects, effect{site, item, amount})
}
