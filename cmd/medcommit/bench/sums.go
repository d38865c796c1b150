package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"github.com/medcommit/medcommit/api/client"
	"github.com/medcommit/medcommit/txn"
)

// sum reads what an embedded store holds of a field in all records below a prefix.
func (s *site) sum(ctx context.Context, prefix, field string) (total int64, err error) {
	for cursor := ""; ; {
		var page struct {
			Records []struct{ Value map[string]json.Number }
			Next    string
		}
		query := url.Values{"prefix": {prefix}, "limit": {"1000"}, "cursor": {cursor}}
		if cursor == "" {
			query.Del("cursor")
		}
		if err := getJSON(ctx, s.url+"/v1/records?"+query.Encode(), &page); err != nil {
			return 0, fmt.Errorf("read the records of %s: %w", s.name, err)
		}
		for _, r := range page.Records {
			n, err := r.Value[field].Int64()
			if err != nil {
				return 0, fmt.Errorf("read the records of %s: %w", s.name, err)
			}
			total += n
		}
		if cursor = page.Next; cursor == "" {
			return total, nil
		}
	}
}

func getJSON(ctx context.Context, address string, v any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s", res.Status)
	}
	return json.NewDecoder(res.Body).Decode(v)
}

// holds demands of every site with a table that its balances together are what Fill made them.
func holds(ctx context.Context, c *client.Client, sites []site) (bool, error) {
	var branches []txn.BranchRequest
	for i := range sites {
		if !sites[i].stored {
			branches = append(branches, txn.BranchRequest{Participant: sites[i].name, Operations: []txn.Operation{{
				Name: "bench-sum", Arguments: json.RawMessage(fmt.Sprintf(`{"total":%d}`, Accounts*Balance)),
			}}})
		}
	}
	if len(branches) == 0 {
		return true, nil
	}
	t, err := c.Submit(ctx, txn.Request{Branches: branches}, txn.WaitDecision)
	switch {
	case err != nil:
		return false, fmt.Errorf("check the sums: %w", err)
	case t.State.Commit():
		return true, nil
	case t.Reason != nil && t.Reason.Detail == txn.DetailRows:
		return false, nil
	}
	return false, fmt.Errorf("check the sums: the transaction that asks is %s", t.State)
}
