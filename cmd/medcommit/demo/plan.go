package demo

import (
	"encoding/json"
	"fmt"

	"github.com/medcommit/medcommit/txn"
)

// step is one transaction that the demo wants, and what must become of it.
type step struct {
	name     string
	branches []txn.BranchRequest
	writes   []mark // what it leaves where, if it commits
	aborts   bool   // it must abort, whatever happens around it
}

// mark is the record that an operation leaves at its site, in the transaction's name.
type mark struct{ site, operation string }

// course is what is done for one patient, one step after the other.
type course []step

// do makes a call of an operation.
func do(site, operation string, arguments map[string]any) txn.BranchRequest {
	text, err := json.Marshal(arguments)
	if err != nil {
		panic(fmt.Sprintf("demo: %v", err)) // strings and integers only
	}
	return txn.BranchRequest{Participant: site, Operations: []txn.Operation{{Name: operation, Arguments: text}}}
}

// among makes a step of branches all of which write but the read-only ones.
func among(name string, aborts bool, branches ...txn.BranchRequest) step {
	s := step{name: name, branches: branches, aborts: aborts}
	for _, b := range branches {
		if op := b.Operations[0].Name; op != "check-patient" {
			s.writes = append(s.writes, mark{b.Participant, op})
		}
	}
	return s
}

const stockOfEach = 100_000

func drug(i int) string { return fmt.Sprintf("drug-%d", i%8) }

// scarce is a drug of which the pharmacy has less than anybody orders.
const scarce = "drug-scarce"

// deliveries fills the shelf.
func deliveries() course {
	var c course
	for i := range 9 {
		d, n := drug(i), stockOfEach
		if i == 8 {
			d, n = scarce, 5
		}
		args := map[string]any{"drug": d, "quantity": n}
		c = append(c, among("deliver", false, do(pharmacy, "take-in", args), do(orders, "note-delivery", args)))
	}
	return c
}

// patient makes the course of patient i: admission, a prescription and its dispensation; for some also what must be refused.
func patient(i int) course {
	who := fmt.Sprintf("p-%d", i)
	c := course{
		among("admit", false, do(emr, "admit", map[string]any{"patient": who}), do(orders, "open-file", map[string]any{"patient": who})),
	}
	c = append(c, prescribe(who, order(i, 1, drug(i), 1+i%20), false), dispense(who, order(i, 1, drug(i), 1+i%20), false))
	if i%3 == 0 {
		o := order(i, 2, drug(i+1), 10)
		c = append(c, prescribe(who, o, false), discontinue(who, o), dispense(who, o, true))
	}
	if i%5 == 0 {
		o := order(i, 3, scarce, 50)
		c = append(c, prescribe(who, o, false), dispense(who, o, true))
	}
	if i%7 == 0 {
		c = append(c, prescribe("nobody-"+who, order(i, 4, drug(i), 1), true))
	}
	if i%9 == 0 { // a precondition at a site that changes nothing
		o := order(i, 5, drug(i), 1)
		c = append(c, among("check", true, do(emr, "check-patient", map[string]any{"patient": "nobody-" + who}),
			do(orders, "place-order", o.with(who, ""))))
	}
	return c
}

// medication is one order's content.
type medication struct {
	order, drug string
	quantity    int
}

func order(patient, n int, drug string, quantity int) medication {
	return medication{fmt.Sprintf("o-%d-%d", patient, n), drug, quantity}
}

func (m medication) with(patient, status string) map[string]any {
	args := map[string]any{"order": m.order, "patient": patient, "drug": m.drug, "quantity": m.quantity}
	if status != "" {
		args["status"] = status
	}
	return args
}

func chart(patient string, m medication, event string) txn.BranchRequest {
	return do(emr, "chart", map[string]any{"patient": patient, "order": m.order, "event": event})
}

func prescribe(patient string, m medication, aborts bool) step {
	return among("prescribe", aborts, chart(patient, m, "prescribed"), do(orders, "place-order", m.with(patient, "")))
}

func dispense(patient string, m medication, aborts bool) step {
	return among("dispense", aborts, chart(patient, m, "dispensed"), do(orders, "close-order", m.with(patient, "dispensed")),
		do(pharmacy, "dispense", m.with(patient, "")))
}

func discontinue(patient string, m medication) step {
	return among("discontinue", false, chart(patient, m, "discontinued"), do(orders, "close-order", m.with(patient, "discontinued")))
}
