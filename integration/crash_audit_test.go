package integration

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/medcommit/medcommit/cmd/medcommit/local"
	"github.com/medcommit/medcommit/participant/embedded"
	"github.com/medcommit/medcommit/txn"
)

// crashBooks are a lane's databases, and what its clients were told.
type crashBooks struct {
	cluster                string // its short code
	ordersURL, pharmacyURL string
	orders                 *sql.DB
	pharmacy               *pgx.Conn

	mu       sync.Mutex
	ids      int
	outcomes map[string]txn.Transaction // by id
}

const bookCatalogue = `
operations:
  transfer:
    description: changes an account by an amount
    parameters:
      type: object
      required: [account, amount, note]
      properties:
        account: {type: integer}
        amount: {type: integer}
        note: {type: string}
`

const bookStatements = `    statements:
      - sql: UPDATE account SET balance = balance + :amount WHERE id = :account AND balance + :amount >= -100000
        rows: 1
      - sql: INSERT INTO entry (tx, amount) VALUES (:tx, :amount)
        rows: 1
`

const bookRecords = `    records:
      - add: {key: "account/{account}", field: quantity, by: "{amount}", min: -100000, create: true}
      - put: {key: "entry/{tx}", value: {quantity: "{amount}"}, if_absent: true}
`

// openCrashBooks makes a lane's databases and tables.
func openCrashBooks(t *testing.T, s *crashServers) *crashBooks {
	ctx := context.Background()
	b := &crashBooks{ordersURL: s.mariadb.NewDatabase(t), pharmacyURL: s.postgres.NewDatabase(t), outcomes: map[string]txn.Transaction{}}
	var err error
	if b.pharmacy, err = pgx.Connect(ctx, b.pharmacyURL); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.pharmacy.Close(ctx) })
	if b.orders, err = s.mariadb.Connect(path.Base(b.ordersURL)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.orders.Close() })
	const account = "CREATE TABLE account (id bigint PRIMARY KEY, balance bigint NOT NULL)"
	const entry = "CREATE TABLE entry (tx varchar(64) PRIMARY KEY, amount bigint NOT NULL)"
	rows := make([]string, accounts)
	for i := range rows {
		rows[i] = fmt.Sprintf("(%d, 0)", i)
	}
	for _, q := range []string{account, entry, "INSERT INTO account VALUES " + strings.Join(rows, ", ")} {
		_, err := b.pharmacy.Exec(ctx, q)
		_, err2 := b.orders.ExecContext(ctx, q)
		if err := errors.Join(err, err2); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

func (b *crashBooks) sites() []local.Site {
	return []local.Site{
		{Name: "orders", Catalogue: []byte(bookCatalogue + bookStatements), Resource: b.ordersURL},
		{Name: "pharmacy", Catalogue: []byte(bookCatalogue + bookStatements), Resource: b.pharmacyURL},
		{Name: "emr", Catalogue: []byte(bookCatalogue + bookRecords)},
	}
}

func (b *crashBooks) newID() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ids++
	return fmt.Sprintf("t%06d", b.ids)
}

// told keeps what a client was told. Whoever asks again must hear the same.
func (b *crashBooks) told(t txn.Transaction) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if was, known := b.outcomes[t.ID]; known && was.State.Commit() != t.State.Commit() {
		return fmt.Errorf("%s was said to be %v, and then to be %v", t.ID, was.State, t.State)
	}
	b.outcomes[t.ID] = t
	return nil
}

// endLimit is how long a transaction may take to come to its end everywhere once all processes are back.
const endLimit = 15 * time.Second

// audit waits until every transaction is over and every branch finished, and compares the databases with what clients were told.
func (l *lane) audit() {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(l.ctx, endLimit)
	defer cancel()
	open := ""
	err := await(ctx, func() bool {
		for _, s := range []txn.State{txn.StatePreparing, txn.StateCommitting, txn.StateAborting} {
			page, err := l.client.List(ctx, txn.Filter{State: s, Limit: 1})
			if err != nil {
				open = err.Error()
				return false
			}
			if len(page.Transactions) > 0 {
				open = fmt.Sprintf("%s is %v", page.Transactions[0].ID, s)
				return false
			}
		}
		return true
	})
	if err != nil {
		l.t.Errorf("not every transaction came to its end: %s", open)
	}
	l.awaitUnprepared(false)
	l.books.audit(l)
}

// audit reads the three sites' entries and balances.
func (b *crashBooks) audit(l *lane) {
	l.t.Helper()
	entries := map[string]map[string]int64{"orders": {}, "pharmacy": {}, "emr": {}}
	balances := map[string]int64{}
	base := ""
	for _, p := range l.cluster.Describe().Participants {
		if p.Name == "emr" {
			base = p.URL
		}
	}
	records(l.t, base, "entry/", func(key string, n int64) { entries["emr"][key[len("entry/"):]] = n })
	records(l.t, base, "account/", func(_ string, n int64) { balances["emr"] += n })
	const all = "SELECT tx, amount FROM entry"
	rows, err := b.orders.QueryContext(l.ctx, all)
	l.must(err)
	l.must(amounts(rows, entries["orders"]))
	rows.Close()
	prows, err := b.pharmacy.Query(l.ctx, all)
	l.must(err)
	l.must(amounts(prows, entries["pharmacy"]))
	prows.Close()
	var total int64
	l.must(b.orders.QueryRowContext(l.ctx, "SELECT CAST(SUM(balance) AS SIGNED) FROM account").Scan(&total))
	balances["orders"] = total
	l.must(b.pharmacy.QueryRow(l.ctx, "SELECT sum(balance)::bigint FROM account").Scan(&total))
	balances["pharmacy"] = total
	b.compare(l.t, entries, balances)
	b.compareMarkers(l)
}

// amounts reads rows of a transaction's id and an amount.
func amounts(rows interface {
	Next() bool
	Scan(...any) error
	Err() error
}, into map[string]int64,
) error {
	for rows.Next() {
		var id string
		var n int64
		if err := rows.Scan(&id, &n); err != nil {
			return err
		}
		into[id] = n
	}
	return rows.Err()
}

func (b *crashBooks) compare(t *testing.T, entries map[string]map[string]int64, balances map[string]int64) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	var everything int64
	for site, at := range entries {
		var sum int64
		for id, amount := range at {
			sum += amount
			if _, known := b.outcomes[id]; !known {
				t.Errorf("%s is at %s, and no client was told of it", id, site)
			}
		}
		if sum != balances[site] {
			t.Errorf("the entries of %s sum up to %d, its balances to %d", site, sum, balances[site])
		}
		everything += sum
	}
	if everything != 0 {
		t.Errorf("the sites' sums are %v, and together not zero", balances)
	}
	for id, told := range b.outcomes {
		for _, branch := range told.Branches {
			_, there := entries[branch.Participant][id]
			if there != told.State.Commit() {
				t.Errorf("clients were told that %s is %v; that it is at %s: %v", id, told.State, branch.Participant, there)
			}
		}
	}
}

// compareMarkers looks at the markers, by which medcommit itself tells what is committed: none is there of what was aborted.
func (b *crashBooks) compareMarkers(l *lane) {
	l.t.Helper()
	const marked = "SELECT cluster, %s FROM medcommit_branches"
	keys := map[string]map[string]bool{"orders": {}, "pharmacy": {}}
	rows, err := b.orders.QueryContext(l.ctx, fmt.Sprintf(marked, "`key`"))
	l.must(err)
	for rows.Next() {
		var cluster, key string
		l.must(rows.Scan(&cluster, &key))
		keys["orders"][cluster+"."+key] = true
	}
	l.must(errors.Join(rows.Err(), rows.Close()))
	prows, err := b.pharmacy.Query(l.ctx, fmt.Sprintf(marked, "key"))
	l.must(err)
	for prows.Next() {
		var cluster, key string
		l.must(prows.Scan(&cluster, &key))
		keys["pharmacy"][cluster+"."+key] = true
	}
	l.must(prows.Err())
	b.mu.Lock()
	defer b.mu.Unlock()
	for id, told := range b.outcomes {
		for _, branch := range told.Branches {
			name := strings.TrimSuffix(strings.TrimPrefix(branch.XID, "medcommit."), "."+branch.Participant)
			if keys[branch.Participant][name] && !told.State.Commit() {
				l.t.Errorf("%s was aborted, and marked as committed at %s", id, branch.Participant)
			}
			delete(keys[branch.Participant], name)
		}
	}
	for site, left := range keys {
		if len(left) > 0 {
			l.t.Errorf("%s has markers of branches that no client was told of: %v", site, slices.Sorted(maps.Keys(left)))
		}
	}
}

// prepared lists the branches that are prepared in the lane's databases.
func (b *crashBooks) prepared(t *testing.T) (left []string) {
	t.Helper()
	ctx := context.Background()
	prows, err := b.pharmacy.Query(ctx, "SELECT gid FROM pg_prepared_xacts WHERE database = current_database()")
	if err != nil {
		t.Fatal(err)
	}
	defer prows.Close()
	for prows.Next() {
		var gid string
		if err := prows.Scan(&gid); err != nil {
			t.Fatal(err)
		}
		left = append(left, gid)
	}
	rows, err := b.orders.QueryContext(ctx, "XA RECOVER")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var format, gtrid, bqual int
		var data string
		if err := rows.Scan(&format, &gtrid, &bqual, &data); err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(data, "medcommit."+b.cluster+".") { // the server is shared
			left = append(left, data)
		}
	}
	if err := errors.Join(prows.Err(), rows.Err()); err != nil {
		t.Fatal(err)
	}
	return left
}

// auditEmbedded opens the store when its site is stopped, and looks for prepared branches.
func (b *crashBooks) auditEmbedded(t *testing.T, dir string) {
	store, err := embedded.New(embedded.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if err := store.Open(t.Context(), "audit", "audit", 1); err != nil {
		t.Fatal(err)
	}
	left, err := store.Prepared(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, branch := range left {
		t.Errorf("%s is still prepared in the embedded store", branch.Name)
	}
}
