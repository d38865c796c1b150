// Command databases starts a private PostgreSQL and a private MariaDB on free loopback ports, from the installed server binaries
// and in a temporary folder, with the tables of README.md's tour; it prints their URLs, and stops them at Ctrl-C. So medcommit can
// be tried without touching a database of the system's.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path"
	"path/filepath"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/medcommit/medcommit/participant/dbtest"
)

const pharmacyTables = `
CREATE TABLE stock (drug text PRIMARY KEY, quantity integer NOT NULL);
CREATE TABLE dispensations (order_id text PRIMARY KEY, patient text NOT NULL, drug text NOT NULL, quantity integer NOT NULL);
INSERT INTO stock VALUES ('amoxicillin-500', 100);`

const ordersTables = `
CREATE TABLE orders (order_id varchar(64) PRIMARY KEY, patient varchar(64) NOT NULL, drug varchar(64) NOT NULL,
  quantity integer NOT NULL) ENGINE=InnoDB`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "databases:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) (err error) {
	dir, err := os.MkdirTemp("", "medcommit-databases-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	stopWithin := func(stop func(context.Context) error) {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if e := stop(ctx); err == nil {
			err = e
		}
	}
	pg, err := dbtest.StartPostgres(ctx, filepath.Join(dir, "postgres"), map[string]string{"max_prepared_transactions": "100"})
	if err != nil {
		return err
	}
	defer stopWithin(pg.Stop)
	my, err := dbtest.StartMariaDB(ctx, filepath.Join(dir, "mariadb"), nil)
	if err != nil {
		return err
	}
	defer stopWithin(my.Stop)
	pharmacy, err := makePharmacy(ctx, pg)
	if err != nil {
		return err
	}
	orders, err := makeOrders(ctx, my)
	if err != nil {
		return err
	}
	fmt.Printf("export PHARMACY=%q\nexport ORDERS=%q\n", pharmacy, orders)
	fmt.Fprintln(os.Stderr, "both run until Ctrl-C")
	<-ctx.Done()
	return nil
}

func makePharmacy(ctx context.Context, pg *dbtest.Postgres) (string, error) {
	url, err := pg.CreateDatabase(ctx)
	if err != nil {
		return "", err
	}
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return "", fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, pharmacyTables); err != nil {
		return "", fmt.Errorf("make the pharmacy's tables: %w", err)
	}
	return url, nil
}

func makeOrders(ctx context.Context, my *dbtest.MariaDB) (string, error) {
	url, err := my.CreateDatabase(ctx)
	if err != nil {
		return "", err
	}
	db, err := my.Connect(path.Base(url))
	if err != nil {
		return "", err
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, ordersTables); err != nil {
		return "", fmt.Errorf("make the orders' table: %w", err)
	}
	return url, nil
}
