package failover

import (
	"context"
	"fmt"
	"math/rand"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/medcommit/medcommit/cmd/medcommit/local"
	"github.com/medcommit/medcommit/participant/dbtest"
	"github.com/medcommit/medcommit/txn"
)

const rowsCatalogue = `
operations:
  take:
    parameters:
      type: object
      required: [row]
      properties:
        row: {type: integer}
    statements:
      - sql: UPDATE numbers SET n = n + 1 WHERE id = :row
        rows: 1
`

// rows is a PostgreSQL site with numbered rows, all of them 0.
func rows(t *testing.T, server *dbtest.Postgres, count int) (url string, conn *pgx.Conn) {
	t.Helper()
	url = server.NewDatabase(t)
	conn, err := pgx.Connect(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	for _, text := range []string{
		"CREATE TABLE numbers (id bigint PRIMARY KEY, n bigint NOT NULL)",
		fmt.Sprintf("INSERT INTO numbers SELECT i, 0 FROM generate_series(1, %d) i", count),
	} {
		execute(t, conn, text)
	}
	return url, conn
}

func execute(t *testing.T, conn *pgx.Conn, text string) {
	t.Helper()
	if _, err := conn.Exec(context.Background(), text); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}

func number(t *testing.T, conn *pgx.Conn, query string) (n int) {
	t.Helper()
	if err := conn.QueryRow(context.Background(), query).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

// TestWithdrawal leaves two PostgreSQL sites without any coordinator while one has prepared and the other still works. The one frees
// its rows after --withdraw-after; coordinators come back before, while or after that, and the other site finishes its work at any
// moment: nothing is committed at one site and rolled back at the other.
func TestWithdrawal(t *testing.T) {
	const each, rounds = 8, 6
	seed := time.Now().UnixNano()
	random := rand.New(rand.NewSource(seed))
	t.Logf("seed %d", seed)
	server := dbtest.NewPostgres(t, map[string]string{"max_prepared_transactions": "100"})
	firstURL, first := rows(t, server, each*rounds)
	secondURL, second := rows(t, server, each*rounds)
	r := start(t, local.Config{
		Sites: []local.Site{
			{Name: "first", Catalogue: []byte(rowsCatalogue), Resource: firstURL},
			{Name: "second", Catalogue: []byte(rowsCatalogue), Resource: secondURL},
		},
		SiteFlags: []string{"--withdraw-after", "1s", "--lock-timeout", "1m"}, CoordinatorFlags: []string{"--session-timeout", "1s"},
	})
	prepared := "SELECT count(*) FROM pg_prepared_xacts WHERE database = current_database()"
	for round := range rounds {
		r.leader()
		from := 1 + round*each
		var locks []*pgx.Conn
		for i := range each {
			lock, err := pgx.Connect(context.Background(), secondURL)
			if err != nil {
				t.Fatal(err)
			}
			locks = append(locks, lock)
			execute(t, lock, "BEGIN")
			execute(t, lock, fmt.Sprintf("SELECT 1 FROM numbers WHERE id = %d FOR UPDATE", from+i))
			if _, err := r.client.Submit(context.Background(), take(from+i), txn.WaitNone); err != nil {
				t.Fatal(err)
			}
		}
		r.eventually("the first site is in doubt", func() bool { return number(t, first, prepared) == each })
		for _, id := range []string{"c1", "c2", "c3"} {
			r.Kill(id)
		}
		began := time.Now()
		back := time.Duration(random.Int63n(int64(3 * time.Second)))
		until := func(d time.Duration) { <-time.After(time.Until(began.Add(d))) }
		freed := make(chan struct{})
		go func() {
			defer close(freed)
			for _, lock := range locks {
				until(time.Duration(random.Int63n(int64(4 * time.Second)))) // in turn
				lock.Close(context.Background())
			}
		}()
		if round == 0 { // nobody comes back before the rows are free
			r.eventually("the first site withdraws", func() bool { return number(t, first, prepared) == 0 })
			t.Logf("the rows are free after %v", time.Since(began))
			execute(t, first, fmt.Sprintf("UPDATE numbers SET n = n WHERE id = %d", from))
		} else {
			until(back)
		}
		for _, id := range []string{"c1", "c2", "c3"} {
			if err := r.Launch(id); err != nil {
				t.Fatal(err)
			}
		}
		r.leader()
		<-freed
		r.eventually("all are decided", func() bool {
			for row := from; row < from+each; row++ {
				if got, err := r.client.Get(context.Background(), take(row).ID); err != nil || !got.State.Decided() {
					return false
				}
			}
			return true
		})
		r.eventually("nothing is prepared any more", func() bool { return number(t, first, prepared)+number(t, second, prepared) == 0 })
		committed := 0
		for row := from; row < from+each; row++ {
			got, err := r.client.Get(context.Background(), take(row).ID)
			if err != nil || !got.State.Decided() {
				t.Fatalf("%s is %+v, %v", take(row).ID, got, err)
			}
			want := 0
			if got.State.Commit() {
				want = 1
				committed++
			}
			query := fmt.Sprintf("SELECT n FROM numbers WHERE id = %d", row)
			if a, b := number(t, first, query), number(t, second, query); a != want || b != want {
				t.Errorf("%s is %s: done %d times at the first site, %d at the second", got.ID, got.State, a, b)
			}
		}
		t.Logf("coordinators back after %v: %d of %d are committed", back, committed, each)
		if round == 0 && committed > 0 {
			t.Error("what was withdrawn is committed")
		}
	}
}

// take is the transaction that takes one row at both sites.
func take(row int) txn.Request {
	request := txn.Request{ID: fmt.Sprintf("take-%d", row), Timeout: "1m"}
	for _, site := range []string{"first", "second"} {
		request.Branches = append(request.Branches, txn.BranchRequest{Participant: site, Operations: []txn.Operation{{
			Name: "take", Arguments: []byte(fmt.Sprintf(`{"row":%d}`, row)),
		}}})
	}
	return request
}
