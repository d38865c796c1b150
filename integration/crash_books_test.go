package integration

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path"
	"strings"
	"sync"
	"testing"

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
	// byHand are the sites where an operator committed by hand what was decided to abort, by the transaction's id; each moved heldAmount.
	byHand map[string]string
	// restored are the sites that found their database or ZooKeeper restored.
	restored map[string]bool
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
	b := &crashBooks{ordersURL: s.mariadb.NewDatabase(t), pharmacyURL: s.postgres.NewDatabase(t), outcomes: map[string]txn.Transaction{}, byHand: map[string]string{}, restored: map[string]bool{}}
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

// settledByHand keeps that an aborted transaction was committed at a site by an operator.
func (b *crashBooks) settledByHand(t txn.Transaction, site string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.byHand[t.ID] = site
}

// report is what a log must say at level ERROR because of what a case did.
type report struct {
	text string
	seen bool
}

func (b *crashBooks) reports() (all []report) {
	for id := range b.byHand {
		xid := strings.Split(b.outcomes[id].Branches[0].XID, ".") // medcommit.CLUSTER.KEY.PARTICIPANT
		all = append(all, report{text: "branch heuristic against its decision: key=" + xid[2] + " "})
	}
	for site := range b.restored {
		all = append(all, report{text: "medcommit.participant: restored: participant=" + site + " "})
	}
	return all
}

// expect keeps that a site is to report a restore.
func (b *crashBooks) expect(site string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.restored[site] = true
}

// advance moves a site row ahead of all decisions that ZooKeeper ever issued: to the site an older ZooKeeper.
func (b *crashBooks) advance(ctx context.Context, site string) error {
	const update = "UPDATE medcommit_site SET %s = %[1]s + 2 WHERE cluster = '%s' AND participant = '%s'"
	if site == "pharmacy" {
		_, err := b.pharmacy.Exec(ctx, fmt.Sprintf(update, "generation", b.cluster, site))
		return err
	}
	_, err := b.orders.ExecContext(ctx, fmt.Sprintf(update, "applied_generation", b.cluster, site))
	return err
}

// committed tells whether a branch of what a client was told is to be found at its site. It is called under mu.
func (b *crashBooks) committed(told txn.Transaction, site string) bool {
	return told.State.Commit() || b.byHand[told.ID] == site
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
