package postgres

import (
	"context"
	"fmt"

	"github.com/hashicorp/go-hclog"
	"github.com/jackc/pgx/v5"
)

// oldestVersion is PostgreSQL 13, as server_version_num has it.
const oldestVersion = 130000

// server is what a server says of itself.
type server struct {
	version int // server_version_num
	name    string
	slots   int  // max_prepared_transactions
	standby bool // in recovery: it takes no writes
}

// querier is a connection or a pool of them.
type querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

func inspect(ctx context.Context, db querier) (server, error) {
	var s server
	err := db.QueryRow(ctx, `SELECT current_setting('server_version_num')::int, current_setting('server_version'),
		current_setting('max_prepared_transactions')::int, pg_is_in_recovery()`).Scan(&s.version, &s.name, &s.slots, &s.standby)
	if err != nil {
		return server{}, fmt.Errorf("ask the database for its version: %w", outside(err))
	}
	return s, nil
}

// rollbackUnsafe tells whether a crash in the middle of rolling back a prepared transaction may leave it to be committed: mended
// in 15.20 and the releases of the same day, and never in 13.
func (s server) rollbackUnsafe() bool {
	mended := map[int]int{14: 25, 15: 20, 16: 16, 17: 12, 18: 6}
	major, minor := s.version/10000, s.version%10000
	first, ok := mended[major]
	return major < 14 || ok && minor < first
}

// What is said of a server that lacks something, in the log and by Check.
const (
	remedySlots   = "set max_prepared_transactions to at least the branches in doubt at once (64) and restart the server"
	remedyUpgrade = "upgrade to the newest minor release"
)

func (s server) warn(log hclog.Logger) {
	if s.slots == 0 {
		log.Error("the database prepares nothing: max_prepared_transactions is 0", "remedy", remedySlots)
	}
	if s.rollbackUnsafe() {
		log.Warn("this release may commit a prepared transaction that was being rolled back when it crashed",
			"version", s.name, "remedy", remedyUpgrade)
	}
}
