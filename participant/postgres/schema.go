package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Schema is the DDL of our own tables, for a site whose role may not create them. It may be run again.
const Schema = `CREATE TABLE IF NOT EXISTS medcommit_branches (
    cluster     text COLLATE "C" NOT NULL,
    key         text COLLATE "C" NOT NULL,
    participant text COLLATE "C" NOT NULL,
    prepared    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (cluster, key, participant)
);
CREATE TABLE IF NOT EXISTS medcommit_site (
    cluster     text COLLATE "C" NOT NULL,
    participant text COLLATE "C" NOT NULL,
    generation  integer NOT NULL,
    number      integer NOT NULL,
    incarnation integer NOT NULL,
    PRIMARY KEY (cluster, participant)
);
DO $$ BEGIN
    CREATE DOMAIN medcommit_rows AS boolean CONSTRAINT medcommit_rows_wanted CHECK (VALUE);
EXCEPTION WHEN duplicate_object THEN NULL;
END $$;
`

// schemaLock keeps two processes from making the tables at once; any number will do that nobody else uses.
const schemaLock = 0x6d6564636f6d6d74

const schemaExists = `SELECT to_regclass('medcommit_branches') IS NOT NULL AND to_regclass('medcommit_site') IS NOT NULL
	AND to_regtype('medcommit_rows') IS NOT NULL`

// ensureSchema makes our tables where they are missing.
func ensureSchema(ctx context.Context, pool *pgxpool.Pool) error {
	var exists bool
	if err := pool.QueryRow(ctx, schemaExists).Scan(&exists); err != nil {
		return fmt.Errorf("look for our tables: %w", outside(err))
	}
	if exists {
		return nil
	}
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("make our tables: %w", outside(err))
	}
	defer conn.Release()
	script := fmt.Sprintf("BEGIN; SELECT pg_advisory_xact_lock(%d);\n%s\nCOMMIT", int64(schemaLock), Schema)
	if _, err := conn.Conn().PgConn().Exec(ctx, script).ReadAll(); err != nil {
		return fmt.Errorf("make our tables (medcommit schema postgres prints them): %w", outside(err))
	}
	return nil
}
