package integration

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"testing"

	"github.com/medcommit/medcommit/cmd/medcommit/local"
	"github.com/medcommit/medcommit/txn"
)

// audit reads the three databases and compares them with what clients were told. It asks no coordinator.
func (s *sites) audit(ctx context.Context, t *testing.T, cluster *local.Cluster, all []prescription, told map[string]txn.Transaction) {
	t.Helper()
	orders, ordered := s.rowsOfOrders(ctx, t)
	dispensations, dispensed := s.rowsOfPharmacy(ctx, t)
	notes, noted := rowsOfEMR(t, cluster)
	for id, tx := range told {
		there := []bool{orders[id], dispensations[id], notes[id]}
		for i, site := range []string{"orders", "pharmacy", "emr"} {
			if there[i] != tx.State.Commit() {
				t.Errorf("clients were told that %s is %s, and at %s it is there: %v", id, tx.State, site, there[i])
			}
		}
	}
	for _, at := range []map[string]bool{orders, dispensations, notes} {
		for id := range at {
			if _, ok := told[id]; !ok {
				t.Errorf("%s is there, and no client was told of it", id)
			}
		}
	}
	if ordered != dispensed || dispensed != noted {
		t.Errorf("%d units were ordered, %d dispensed, %d noted", ordered, dispensed, noted)
	}
	s.checkStock(ctx, t, all, dispensed)
	s.checkPrepared(ctx, t)
}

func (s *sites) rowsOfOrders(ctx context.Context, t *testing.T) (map[string]bool, int64) {
	rows, err := s.orders.QueryContext(ctx, "SELECT transaction, quantity FROM orders")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	return collect(t, rows)
}

func (s *sites) rowsOfPharmacy(ctx context.Context, t *testing.T) (map[string]bool, int64) {
	rows, err := s.pharmacy.Query(ctx, "SELECT transaction, quantity FROM dispensations")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	return collect(t, rows)
}

// collect reads rows of a transaction's id and a quantity.
func collect(t *testing.T, rows interface {
	Next() bool
	Scan(...any) error
	Err() error
},
) (map[string]bool, int64) {
	there, sum := map[string]bool{}, int64(0)
	for rows.Next() {
		var id string
		var n int64
		if err := rows.Scan(&id, &n); err != nil {
			t.Fatal(err)
		}
		there[id] = true
		sum += n
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return there, sum
}

// rowsOfEMR reads the embedded store at its own listener: the marks of transactions, and the sums under drug and patient.
func rowsOfEMR(t *testing.T, cluster *local.Cluster) (map[string]bool, int64) {
	base := ""
	for _, p := range cluster.Describe().Participants {
		if p.Name == "emr" {
			base = p.URL
		}
	}
	there, sum, marked := map[string]bool{}, int64(0), int64(0)
	records(t, base, "tx/", func(key string, quantity int64) {
		there[key[len("tx/"):]] = true
		marked += quantity
	})
	records(t, base, "prescribed/", func(_ string, quantity int64) { sum += quantity })
	if sum != marked {
		t.Errorf("the records of drugs and patients sum up to %d, the transactions to %d", sum, marked)
	}
	return there, sum
}

func records(t *testing.T, base, prefix string, f func(key string, quantity int64)) {
	for cursor := ""; ; {
		res, err := http.Get(base + "/v1/records?" + url.Values{"prefix": {prefix}, "limit": {"1000"}, "cursor": {cursor}}.Encode())
		if err != nil {
			t.Fatal(err)
		}
		var page struct {
			Records []struct {
				Key   string
				Value struct{ Quantity int64 }
			}
			Next string
		}
		err = json.NewDecoder(res.Body).Decode(&page)
		res.Body.Close()
		if err != nil || res.StatusCode != http.StatusOK {
			t.Fatalf("read records: %s, %v", res.Status, err)
		}
		for _, r := range page.Records {
			f(r.Key, r.Value.Quantity)
		}
		if cursor = page.Next; cursor == "" {
			return
		}
	}
}

// checkStock compares what left the stock with what was dispensed.
func (s *sites) checkStock(ctx context.Context, t *testing.T, all []prescription, dispensed int64) {
	stock, _ := stockFor(all)
	var in, left int64
	for _, n := range stock {
		in += int64(n)
	}
	if err := s.pharmacy.QueryRow(ctx, "SELECT sum(quantity)::bigint FROM stock").Scan(&left); err != nil {
		t.Fatal(err)
	}
	if in-left != dispensed {
		t.Errorf("%d units left the stock, %d were dispensed", in-left, dispensed)
	}
}

// checkPrepared looks for branches that nobody finished.
func (s *sites) checkPrepared(ctx context.Context, t *testing.T) {
	var n int
	if err := s.pharmacy.QueryRow(ctx, "SELECT count(*) FROM pg_prepared_xacts").Scan(&n); err != nil {
		t.Fatal(err)
	}
	if n != 0 {
		t.Errorf("pg_prepared_xacts lists %d branches", n)
	}
	rows, err := s.orders.QueryContext(ctx, "XA RECOVER")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	if rows.Next() {
		t.Error("XA RECOVER lists branches")
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}
