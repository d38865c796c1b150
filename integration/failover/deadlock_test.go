package failover

import (
	"context"
	"database/sql"
	"fmt"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/medcommit/medcommit/cmd/medcommit/local"
	"github.com/medcommit/medcommit/participant/dbtest"
	"github.com/medcommit/medcommit/txn"
)

const noteCatalogue = `
operations:
  note:
    parameters: {type: object, required: [text], properties: {text: {type: string}}}
    statements:
      - sql: UPDATE notes SET text = :text WHERE id = 1
        rows: 1
`

// TestDeadlockAcrossSites lets two transactions each hold, prepared, the row that the other one waits for: one at PostgreSQL, one at
// MariaDB. No database sees that; it ends by the sites' lock time-out, with votes to abort that may be tried again, and no row stays
// locked.
func TestDeadlockAcrossSites(t *testing.T) {
	postgres, maria := dbtest.NewPostgres(t, nil), dbtest.NewMariaDB(t, nil)
	postgresURL := postgres.NewDatabase(t)
	if _, err := maria.CreateDatabase(t.Context()); err != nil {
		t.Fatal(err)
	}
	postgresProxy, postgresThrough := behind(t, postgres.Address(), postgresURL)
	mariaProxy, mariaThrough := behind(t, maria.Address(), maria.URL("db1"))
	p := open(t, func() (*sql.DB, error) { return sql.Open("pgx", postgresURL) })
	m := open(t, func() (*sql.DB, error) { return maria.Connect("db1") })
	r := start(t, local.Config{
		Sites: []local.Site{
			{Name: "postgres", Catalogue: []byte(noteCatalogue), Resource: postgresThrough},
			{Name: "maria", Catalogue: []byte(noteCatalogue), Resource: mariaThrough},
		},
		SiteFlags: []string{"--lock-timeout", "1s"},
	})
	r.leader()
	ctx := context.Background()
	postgresProxy.Hold("note-two")
	mariaProxy.Hold("note-one")
	for _, text := range []string{"note-one", "note-two"} {
		if _, err := r.client.Submit(ctx, note(text), txn.WaitNone); err != nil {
			t.Fatal(err)
		}
	}
	prepared := func() (atPostgres, atMaria int) {
		return len(texts(t, p, "SELECT gid FROM pg_prepared_xacts")), len(texts(t, m, "XA RECOVER"))
	}
	r.eventually("each holds one row", func() bool { a, b := prepared(); return a == 1 && b == 1 })
	postgresProxy.Release()
	mariaProxy.Release()
	var got [2]txn.Transaction
	r.eventually("both end", func() bool {
		for i, text := range []string{"note-one", "note-two"} {
			var err error
			if got[i], err = r.client.Get(ctx, text); err != nil || !got[i].State.Decided() {
				return false
			}
		}
		return true
	})
	want := "none"
	for _, one := range got {
		t.Logf("%s is %s: %+v", one.ID, one.State, one.Reason)
		if one.State.Commit() {
			want = one.ID
		} else if one.Reason == nil || one.Reason.Code != txn.ReasonVote || one.Reason.Detail != txn.DetailLockTimeout || one.Retryable == nil || !*one.Retryable {
			t.Errorf("%s is %s for %+v, not to be tried again, or for something else", one.ID, one.State, one.Reason)
		}
	}
	if got[0].State.Commit() && got[1].State.Commit() {
		t.Error("neither waited for the other")
	}
	r.eventually("nothing is prepared any more", func() bool { a, b := prepared(); return a+b == 0 })
	for _, db := range []*sql.DB{p, m} {
		if has := texts(t, db, "SELECT text FROM notes"); fmt.Sprint(has) != fmt.Sprint([]string{want}) {
			t.Errorf("the row says %v, not %s", has, want)
		}
	}
	if after, err := r.client.Submit(ctx, note("after"), txn.WaitDecision); err != nil || !after.State.Commit() {
		t.Errorf("the next one on the same rows: %+v, %v", after, err)
	}
}

// note is the transaction that writes its id into the one row of both sites.
func note(id string) txn.Request {
	request := txn.Request{ID: id, Timeout: "5m"}
	for _, site := range []string{"postgres", "maria"} {
		request.Branches = append(request.Branches, txn.BranchRequest{Participant: site, Operations: []txn.Operation{{
			Name: "note", Arguments: []byte(fmt.Sprintf(`{"text":%q}`, id)),
		}}})
	}
	return request
}

// open connects to a database with the one row.
func open(t *testing.T, connect func() (*sql.DB, error)) *sql.DB {
	t.Helper()
	db, err := connect()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	for _, text := range []string{"CREATE TABLE notes (id int PRIMARY KEY, text varchar(64) NOT NULL)", "INSERT INTO notes VALUES (1, 'none')"} {
		if _, err := db.Exec(text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	return db
}

// texts gives the last column of a query's rows.
func texts(t *testing.T, db *sql.DB, query string) (found []string) {
	t.Helper()
	rows, err := db.Query(query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	for err == nil && rows.Next() {
		into, last := make([]any, len(columns)), ""
		for i := range into {
			into[i] = new(any)
		}
		into[len(into)-1] = &last
		err = rows.Scan(into...)
		found = append(found, last)
	}
	if err != nil || rows.Err() != nil {
		t.Fatalf("%s: %v, %v", query, err, rows.Err())
	}
	return found
}
