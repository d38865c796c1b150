package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"time"

	"github.com/medcommit/medcommit/txn"
)

// timeout of the transactions.
const timeout = 30 * time.Second

// pair gives the two sites of the n-th transaction: every pair of them in turn.
func pair(names []string, n int64) (a, b string) {
	sites := int64(len(names))
	first := n % sites
	step := 1 + n/sites%(sites-1)
	return names[first], names[(first+step)%sites]
}

// operation is what a small request looks like: the amount of an account changes.
func operation(n int64, by int) string {
	return `{"name":"add","arguments":{"by":` + strconv.Itoa(by) + `,"create":true,"field":"balance","key":"account/` +
		strconv.FormatInt(n%20000, 10) + `"}}`
}

// prefix makes the ids of this run differ from those of another.
var prefix = rand.Text()[:6]

func id(n int64) string { return prefix + "-" + strconv.FormatInt(n, 10) }

// handed is the n-th transaction as a coordinator gets it.
func handed(names []string, n int64) txn.Handed {
	a, b := pair(names, n)
	return txn.Handed{
		ID: id(n), Digest: id(n), Timeout: timeout,
		Branches: []txn.HandedBranch{
			{Participant: a, Payload: []byte(`{"operations":[` + operation(n, -1) + `]}`)},
			{Participant: b, Payload: []byte(`{"operations":[` + operation(n, 1) + `]}`)},
		},
	}
}

// body is the same as a client sends it.
func body(names []string, n int64) []byte {
	a, b := pair(names, n)
	return []byte(`{"id":"` + id(n) + `","timeout":"30s","branches":[` +
		`{"participant":"` + a + `","operations":[` + operation(n, -1) + `]},` +
		`{"participant":"` + b + `","operations":[` + operation(n, 1) + `]}]}`)
}

// committed is an error where a transaction was not: nothing here has a reason to abort.
func committed(t txn.Transaction, err error) error {
	if err == nil && !t.State.Commit() {
		err = fmt.Errorf("transaction %s is %s, for %+v", t.ID, t.State, t.Reason)
	}
	return err
}

// submitter hands the n-th transaction in and waits for its decision.
type submitter func(ctx context.Context, n int64) error
