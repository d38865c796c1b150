package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// store reads one site's committed records, at the site itself.
type store struct {
	name, url string
	client    *http.Client
}

type record struct {
	Key   string         `json:"key"`
	Value map[string]any `json:"value"`
}

// each gives every record under prefix.
func (s store) each(ctx context.Context, prefix string, f func(record)) error {
	cursor := ""
	for {
		q := url.Values{"prefix": {prefix}, "limit": {"1000"}}
		if cursor != "" {
			q.Set("cursor", cursor)
		}
		var page struct {
			Records []record `json:"records"`
			Next    string   `json:"next"`
		}
		if err := s.get(ctx, "/v1/records?"+q.Encode(), &page); err != nil {
			return err
		}
		for _, r := range page.Records {
			f(r)
		}
		if cursor = page.Next; cursor == "" {
			return nil
		}
	}
}

func (s store) get(ctx context.Context, path string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+path, nil)
	if err != nil {
		return fmt.Errorf("read %s: %w", s.name, err)
	}
	res, err := s.client.Do(req)
	if err != nil {
		return fmt.Errorf("read %s: %w", s.name, err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("read %s: it answered %s", s.name, res.Status)
	}
	if err := json.NewDecoder(res.Body).Decode(into); err != nil {
		return fmt.Errorf("read %s: %w", s.name, err)
	}
	return nil
}

// Findings is what the audit found.
type Findings struct {
	Checked   int      // transactions
	Stock     int64    // units taken from stock
	Dispensed int64    // units in the dispensations
	Faults    []string // none is right
}

// audit compares what clients were told with what the sites' own stores hold: every transaction at all its sites or at none, and
// the stock taken with the units dispensed. It asks no coordinator.
func audit(ctx context.Context, sites map[string]store, told []outcome) (Findings, error) {
	f := Findings{Checked: len(told)}
	there := map[string]map[mark]bool{} // by transaction
	for name, s := range sites {
		err := s.each(ctx, "tx/", func(r record) {
			id, operation, _ := strings.Cut(strings.TrimPrefix(r.Key, "tx/"), "/")
			if there[id] == nil {
				there[id] = map[mark]bool{}
			}
			there[id][mark{name, operation}] = true
		})
		if err != nil {
			return f, err
		}
	}
	for _, o := range told {
		f.compare(o, there[o.id])
		delete(there, o.id)
	}
	for id := range there {
		f.fault("%s is at a site, and no client ever asked for it", id)
	}
	return f, f.balance(ctx, sites[pharmacy])
}

// compare checks one transaction.
func (f *Findings) compare(o outcome, there map[mark]bool) {
	for _, m := range o.step.writes {
		switch {
		case o.committed && !there[m]:
			f.fault("%s was committed, and is not at %s", o.id, m.site)
		case !o.committed && there[m]:
			f.fault("%s was aborted, and is at %s", o.id, m.site)
		}
	}
	if len(there) > len(o.step.writes) {
		f.fault("%s left more than it was asked to", o.id)
	}
}

// balance compares the stock with the dispensations.
func (f *Findings) balance(ctx context.Context, s store) error {
	var in, left int64
	add := func(to *int64) func(record) {
		return func(r record) {
			if n, ok := r.Value["quantity"].(float64); ok {
				*to += int64(n)
			} else if strings.HasPrefix(r.Key, "stock/") || strings.HasSuffix(r.Key, "/take-in") {
				f.fault("%s holds no quantity", r.Key)
			}
		}
	}
	if err := s.each(ctx, "stock/", add(&left)); err != nil {
		return err
	}
	if err := s.each(ctx, "dispensation/", add(&f.Dispensed)); err != nil {
		return err
	}
	if err := s.each(ctx, "tx/", add(&in)); err != nil { // only take-in marks hold a quantity
		return err
	}
	f.Stock = in - left
	if f.Stock != f.Dispensed {
		f.fault("%d units left the stock, and %d were dispensed", f.Stock, f.Dispensed)
	}
	return nil
}

func (f *Findings) fault(format string, args ...any) {
	f.Faults = append(f.Faults, fmt.Sprintf(format, args...))
}
