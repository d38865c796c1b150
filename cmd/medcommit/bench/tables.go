package bench

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
)

// The table: Accounts rows of Balance each.
const (
	Accounts = 20000
	Balance  = 1_000_000
)

// Operations is the catalogue of a site on PostgreSQL, MySQL or MariaDB that takes part.
const Operations = `operations:
  bench-move:
    description: changes the balance of an account
    parameters:
      type: object
      required: [account, amount]
      properties:
        account: {type: integer}
        amount: {type: integer}
    statements:
      - sql: UPDATE bench_accounts SET balance = balance + :amount WHERE account = :account
        rows: 1
  bench-sum:
    description: demands that all balances together are total
    read_only: true
    parameters:
      type: object
      required: [total]
      properties:
        total: {type: integer}
    statements:
      - sql: SELECT 1 FROM (SELECT sum(balance) AS total FROM bench_accounts) AS s WHERE total = :total
        rows: 1
`

// ErrURL says that a database's URL is none of those that a participant takes. It does not show it: it may hold a password.
var ErrURL = errors.New("a database is postgres://user:password@host:port/database or mysql://user:password@host:port/database")

const ddl = `CREATE TABLE bench_accounts (account bigint NOT NULL PRIMARY KEY, balance bigint NOT NULL)`

// Fill makes the table in the database of a URL, anew where it is there.
func Fill(ctx context.Context, rawURL string) error {
	var err error
	switch scheme(rawURL) {
	case "postgres":
		err = fillPostgres(ctx, rawURL)
	case "mysql":
		err = fillMySQL(ctx, rawURL)
	default:
		err = ErrURL
	}
	if err != nil {
		return fmt.Errorf("make the table: %w", err)
	}
	return nil
}

func scheme(rawURL string) string {
	s, _, _ := strings.Cut(rawURL, ":")
	return s
}

func fillPostgres(ctx context.Context, rawURL string) error {
	conn, err := pgx.Connect(ctx, rawURL)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	for _, statement := range []string{
		"DROP TABLE IF EXISTS bench_accounts", ddl,
		fmt.Sprintf("INSERT INTO bench_accounts SELECT n, %d FROM generate_series(0, %d) AS n", Balance, Accounts-1),
		"VACUUM ANALYZE bench_accounts",
	} {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

func fillMySQL(ctx context.Context, rawURL string) error {
	db, err := openMySQL(rawURL)
	if err != nil {
		return err
	}
	defer db.Close()
	for _, statement := range []string{"DROP TABLE IF EXISTS bench_accounts", ddl} {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	const rows = 1000
	for first := 0; first < Accounts; first += rows {
		var values strings.Builder
		for n := first; n < first+rows; n++ {
			fmt.Fprintf(&values, ",(%d,%d)", n, Balance)
		}
		if _, err := db.ExecContext(ctx, "INSERT INTO bench_accounts VALUES "+values.String()[1:]); err != nil {
			return err
		}
	}
	return nil
}

// openMySQL gives a pool of plain connections.
func openMySQL(rawURL string) (*sql.DB, error) {
	u, err := url.Parse(rawURL)
	if err != nil || u.Scheme != "mysql" || u.Host == "" {
		return nil, ErrURL
	}
	cfg := mysql.NewConfig()
	cfg.Net, cfg.Addr, cfg.User, cfg.DBName = "tcp", u.Host, u.User.Username(), strings.TrimPrefix(u.Path, "/")
	cfg.Passwd, _ = u.User.Password()
	cfg.MultiStatements, cfg.InterpolateParams = true, true
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, ErrURL
	}
	return sql.OpenDB(connector), nil
}
