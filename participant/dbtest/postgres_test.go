package dbtest

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
)

func TestPostgresKeepsWhatWasPreparedOverAKill(t *testing.T) {
	p := NewPostgres(t, nil)
	url := p.NewDatabase(t)
	execute(t, url, "CREATE TABLE t (k int); BEGIN; INSERT INTO t VALUES (1); PREPARE TRANSACTION 'x'")
	before := p.PID()
	if err := p.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if running(before) || p.PID() == before {
		t.Errorf("the killed server %d still runs", before)
	}
	execute(t, url, "COMMIT PREPARED 'x'")
	if err := p.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := pgx.Connect(t.Context(), url); err == nil {
		t.Error("a stopped server answers")
	}
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	execute(t, url, "SELECT 1/count(*) FROM t")
}

func TestPostgresSaysWhyItDoesNotStart(t *testing.T) {
	p, err := StartPostgres(t.Context(), t.TempDir(), map[string]string{"max_connections": "none"})
	if err == nil {
		t.Fatal("it started", p.Kill())
	}
	t.Log(err)
}

func execute(t *testing.T, url, sql string) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	if _, err := conn.PgConn().Exec(ctx, sql).ReadAll(); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}
