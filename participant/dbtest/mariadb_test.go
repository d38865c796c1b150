package dbtest

import (
	"testing"
)

func TestMariaDBKeepsWhatWasPreparedOverAKill(t *testing.T) {
	m := NewMariaDB(t, nil)
	if url := m.NewDatabase(t); url != m.URL("db1") {
		t.Errorf("the first database is %s", url)
	}
	query(t, m, "CREATE TABLE t (k int) ENGINE=InnoDB; XA START 'x'; INSERT INTO t VALUES (1); XA END 'x'; XA PREPARE 'x'")
	before := m.PID()
	if err := m.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if running(before) || m.PID() == before {
		t.Errorf("the killed server %d still runs", before)
	}
	query(t, m, "XA COMMIT 'x'")
	if err := m.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := m.answers(t.Context()); err == nil {
		t.Error("a stopped server answers")
	}
	if err := m.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	query(t, m, "DELETE FROM t; SET lc_time_names = IF(ROW_COUNT() = 1, @@lc_time_names, 'no row was there')")
}

func TestMariaDBSaysWhyItDoesNotStart(t *testing.T) {
	m, err := StartMariaDB(t.Context(), t.TempDir(), map[string]string{"innodb-page-size": "1"})
	if err == nil {
		t.Fatal("it started", m.Kill())
	}
	t.Log(err)
}

func query(t *testing.T, m *MariaDB, sql string) {
	t.Helper()
	db, err := m.Connect("db1")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}
