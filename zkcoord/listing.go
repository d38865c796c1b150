package zkcoord

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/medcommit/medcommit/txn"
)

// chaptersAPage is how many entries of history one page of a listing reads at most: a filter that matches little gives short
// pages, and a cursor to go on.
const chaptersAPage = 64

// Transactions lists transactions newest first: by key, which is ordered by time. Those that wait in the live logs and those in
// history are merged; the cursor is the last key of the page, so that what is retired meanwhile is neither lost nor shown twice.
func (c *Coordinator) Transactions(ctx context.Context, f txn.Filter) (txn.Page, error) {
	if !c.synced.Load() {
		return txn.Page{}, txn.ErrUnavailable
	}
	before, err := readCursor(f.Cursor)
	if err != nil {
		return txn.Page{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, queryPatience)
	defer cancel()
	c.attend(ctx)
	l := listing{filter: f, before: before, limit: min(max(f.Limit, 1), 1000)}
	err = c.ask(ctx, func() {
		older := 0 // in a row: the live logs are nearly in the order of the keys
		c.machine.EachLive(before, func(t txn.Transaction) bool {
			if l.offer(&t) {
				older = 0
			}
			older++
			return !l.full() || older < 1000
		})
		c.segments.keep(c.machine.Chapters()) // here, where none is read meanwhile
	})
	if err != nil {
		return txn.Page{}, err
	}
	if err := c.listHistory(ctx, &l); err != nil {
		return txn.Page{}, err
	}
	page := l.page()
	err = c.ask(ctx, func() {
		for i := range page.Transactions {
			c.machine.Amend(&page.Transactions[i])
		}
	})
	return page, err
}

// listHistory offers the entries of history, newest first, until none of the rest can hold what belongs on the page.
func (c *Coordinator) listHistory(ctx context.Context, l *listing) error {
	spans := c.segments.all()
	order := make([]txn.Pos, 0, len(spans))
	for pos, s := range spans {
		if l.before == "" || s.oldest < l.before {
			order = append(order, pos)
		}
	}
	slices.SortFunc(order, func(a, b txn.Pos) int { return strings.Compare(string(spans[b].newest), string(spans[a].newest)) })
	read := 0
	for _, pos := range order {
		newest := spans[pos].newest
		if l.full() && newest <= l.last() {
			return nil
		}
		if read == chaptersAPage {
			l.cut(newest)
			return nil
		}
		past, err := c.chapter(ctx, pos)
		if errors.Is(err, errGone) || errors.Is(err, errUnreadable) {
			continue
		}
		if err != nil {
			return err
		}
		if l.before == "" || newest < l.before {
			read++ // one that begins on an earlier page does not count, so that every page comes nearer to the end
		}
		for i := range past {
			if l.below(past[i].Submission.Key) {
				t := past[i].View(c.cluster)
				l.offer(&t)
			}
		}
	}
	return nil
}

// listing collects one page: the limit greatest keys below before, greatest first, and one more, which tells that there is a
// next page.
type listing struct {
	filter txn.Filter
	before txn.Key // empty: from the newest on
	limit  int
	found  []txn.Transaction
	after  txn.Key // where an incomplete page ends
	short  bool    // the page is incomplete
}

func (l *listing) full() bool    { return len(l.found) > l.limit }
func (l *listing) last() txn.Key { return l.found[len(l.found)-1].Key }

func (l *listing) below(k txn.Key) bool { return l.before == "" || k < l.before }

// offer puts t on the page where it belongs there, and tells whether it did.
func (l *listing) offer(t *txn.Transaction) bool {
	if !l.below(t.Key) || !l.matches(t) || l.full() && t.Key < l.last() {
		return false
	}
	at, there := slices.BinarySearchFunc(l.found, t.Key, func(u txn.Transaction, k txn.Key) int {
		return strings.Compare(string(k), string(u.Key))
	})
	if there {
		return false
	}
	l.found = slices.Insert(l.found, at, *t)
	if len(l.found) > l.limit+1 {
		l.found = l.found[:l.limit+1]
	}
	return true
}

func (l *listing) matches(t *txn.Transaction) bool {
	if l.filter.State != 0 && t.State != l.filter.State {
		return false
	}
	if l.filter.Participant == "" {
		return true
	}
	return slices.ContainsFunc(t.Branches, func(b txn.Branch) bool { return b.Participant == l.filter.Participant })
}

// cut ends an incomplete page: what has keys up to newest is for the next one.
func (l *listing) cut(newest txn.Key) {
	l.short, l.after = true, newest
	for len(l.found) > 0 && l.last() <= newest {
		l.found = l.found[:len(l.found)-1]
	}
}

func (l *listing) page() txn.Page {
	p := txn.Page{Transactions: l.found}
	switch {
	case l.full():
		p.Transactions = l.found[:l.limit]
		p.Next = writeCursor(p.Transactions[l.limit-1].Key)
	case l.short:
		p.Next = writeCursor(l.after + "~") // after is included: "~" is above every character of a key
	}
	if p.Transactions == nil {
		p.Transactions = []txn.Transaction{}
	}
	return p
}

// A cursor is opaque to clients.
func writeCursor(k txn.Key) string { return base64.RawURLEncoding.EncodeToString([]byte(k)) }

func readCursor(text string) (txn.Key, error) {
	key, err := base64.RawURLEncoding.DecodeString(text)
	// "~" behind a key: see page.
	if err != nil || (text != "" && !txn.Key(bytes.TrimSuffix(key, []byte("~"))).Valid()) {
		return "", fmt.Errorf("list the transactions: %w", txn.ErrBadCursor)
	}
	return txn.Key(key), nil
}
