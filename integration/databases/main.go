// Command databases starts a private PostgreSQL and a private MariaDB on free loopback ports, from the installed server binaries
// and in a temporary folder, prints their URLs, and stops them at Ctrl-C: for trying medcommit without touching a database of the
// system's.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/medcommit/medcommit/participant/dbtest"
)

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
	pharmacy, err := pg.CreateDatabase(ctx)
	if err != nil {
		return err
	}
	orders, err := my.CreateDatabase(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("export PHARMACY=%q\nexport ORDERS=%q\n", pharmacy, orders)
	fmt.Fprintln(os.Stderr, "both run until Ctrl-C")
	<-ctx.Done()
	return nil
}
