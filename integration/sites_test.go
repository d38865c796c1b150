package integration

import (
	"context"
	"database/sql"
	"path"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/medcommit/medcommit/cmd/medcommit/local"
	"github.com/medcommit/medcommit/participant/dbtest"
)

// sites are three hospital sites on three kinds of databases.
type sites struct {
	ordersURL, pharmacyURL string
	orders                 *sql.DB
	pharmacy               *pgx.Conn
}

const ordersCatalogue = `
operations:
  place-order:
    description: places a medication order
    parameters:
      type: object
      required: [order, patient, drug, quantity]
      properties:
        order: {type: string}
        patient: {type: string}
        drug: {type: string}
        quantity: {type: integer, minimum: 1}
    statements:
      - sql: INSERT INTO orders (id, transaction, patient, drug, quantity) VALUES (:order, :tx, :patient, :drug, :quantity)
        rows: 1
`

const pharmacyCatalogue = `
operations:
  dispense:
    description: takes units of a drug from stock and records the dispensation
    parameters:
      type: object
      required: [order, patient, drug, quantity]
      properties:
        order: {type: string}
        patient: {type: string}
        drug: {type: string}
        quantity: {type: integer, minimum: 1}
    statements:
      - sql: UPDATE stock SET quantity = quantity - :quantity WHERE drug = :drug AND quantity >= :quantity
        rows: 1
      - sql: INSERT INTO dispensations (id, transaction, patient, drug, quantity) VALUES (:order, :tx, :patient, :drug, :quantity)
        rows: 1
`

const emrCatalogue = `
operations:
  prescribe:
    description: notes a prescription under its drug and its patient
    parameters:
      type: object
      required: [order, patient, drug, quantity]
      properties:
        order: {type: string}
        patient: {type: string}
        drug: {type: string}
        quantity: {type: integer, minimum: 1}
    records:
      - add: {key: "prescribed/{drug}/{patient}", field: quantity, by: "{quantity}", create: true}
      - put: {key: "tx/{tx}", value: {order: "{order}", drug: "{drug}", patient: "{patient}", quantity: "{quantity}"}, if_absent: true}
`

// operation names each site's one operation.
var operation = map[string]string{"orders": "place-order", "pharmacy": "dispense", "emr": "prescribe"}

// startSites starts the databases and makes the sites' own tables, with units of each drug in stock as stock gives them.
func startSites(t *testing.T, stock map[string]int) *sites {
	ctx := context.Background()
	pg := dbtest.NewPostgres(t, map[string]string{"max_prepared_transactions": "200"})
	my := dbtest.NewMariaDB(t, nil)
	s := &sites{ordersURL: my.NewDatabase(t), pharmacyURL: pg.NewDatabase(t)}
	var err error
	if s.pharmacy, err = pgx.Connect(ctx, s.pharmacyURL); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.pharmacy.Close(ctx) })
	if s.orders, err = my.Connect(path.Base(s.ordersURL)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.orders.Close() })
	for _, ddl := range []string{
		"CREATE TABLE stock (drug text PRIMARY KEY, quantity bigint NOT NULL)",
		"CREATE TABLE dispensations (id text PRIMARY KEY, transaction text NOT NULL UNIQUE, patient text, drug text, quantity bigint)",
	} {
		if _, err := s.pharmacy.Exec(ctx, ddl); err != nil {
			t.Fatal(err)
		}
	}
	for drug, quantity := range stock {
		if _, err := s.pharmacy.Exec(ctx, "INSERT INTO stock VALUES ($1, $2)", drug, quantity); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.orders.ExecContext(ctx, `CREATE TABLE orders (id varchar(64) PRIMARY KEY, transaction varchar(64) NOT NULL UNIQUE,
		patient varchar(64), drug varchar(64), quantity bigint) ENGINE=InnoDB`); err != nil {
		t.Fatal(err)
	}
	return s
}

// local gives the sites as a local cluster runs them.
func (s *sites) local() []local.Site {
	return []local.Site{
		{Name: "orders", Catalogue: []byte(ordersCatalogue), Resource: s.ordersURL},
		{Name: "pharmacy", Catalogue: []byte(pharmacyCatalogue), Resource: s.pharmacyURL},
		{Name: "emr", Catalogue: []byte(emrCatalogue)},
	}
}
