package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

const applicationName = "application_name"

// applicationNameMax is how many bytes of an application_name the server keeps.
const applicationNameMax = 63

// backends names the server's processes that work for one participant, so that they can be found in pg_stat_activity and ended:
// "medcommit INCARNATION SITE PROCESS.NUMBER NAME". SITE is a hash of cluster and participant, for both together may be too long.
type backends struct {
	site        string
	process     string // a nonce of this process
	participant string
	incarnation atomic.Int32
	number      atomic.Int64
}

func newBackends(cluster, participant, process string) *backends {
	sum := sha256.Sum256([]byte(cluster + " " + participant))
	return &backends{site: hex.EncodeToString(sum[:5]), process: process, participant: participant}
}

// next names a new connection: no two have the same name.
func (b *backends) next() string {
	name := fmt.Sprintf("medcommit %d %s %s.%s %s", b.incarnation.Load(), b.site, b.process,
		strconv.FormatInt(b.number.Add(1), 36), b.participant)
	return name[:min(len(name), applicationNameMax)]
}

// older tells whether name is that of an older incarnation's connection, in another process.
func (b *backends) older(name string) bool {
	fields := strings.Fields(name)
	if len(fields) < 4 || fields[0] != "medcommit" || fields[2] != b.site {
		return false
	}
	incarnation, err := strconv.ParseInt(fields[1], 10, 32)
	process, _, _ := strings.Cut(fields[3], ".")
	return err == nil && int32(incarnation) < b.incarnation.Load() && process != b.process
}

// predecessors lists the connections of older incarnations.
func (b *backends) predecessors(ctx context.Context, pool *pgxpool.Pool) ([]string, error) {
	rows, err := pool.Query(ctx, `SELECT application_name FROM pg_stat_activity
		WHERE datname = current_database() AND application_name LIKE 'medcommit %'`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		if b.older(name) {
			found = append(found, name)
		}
	}
	return found, rows.Err()
}

// end ends the backends of these names and returns when none of them is left: what they were sent is then done or never will be.
func end(ctx context.Context, pool *pgxpool.Pool, names []string) error {
	if len(names) == 0 {
		return nil
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		tag, err := pool.Exec(ctx, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
			WHERE application_name = ANY($1) AND pid <> pg_backend_pid()`, names)
		if err != nil {
			return fmt.Errorf("end connections: %w", outside(err))
		}
		if tag.RowsAffected() == 0 {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("end connections: %w", ctx.Err())
		}
	}
}
