package client

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/medcommit/medcommit/api/problem"
	"github.com/medcommit/medcommit/txn"
)

// What a submission's attempt may take beyond the transaction's timeout: the coordinator waits 5 s longer than that.
const submitSlack = 10 * time.Second

// Submit hands a transaction in, waits for what w says, and gives it as it stands then: decided either way, or not yet. The
// timeout of the server is taken to be 10 s where r names none.
func (c *Client) Submit(ctx context.Context, r txn.Request, w txn.Wait) (txn.Transaction, error) {
	if r.ID == "" {
		r.ID = rand.Text()
	}
	body, err := json.Marshal(r)
	if err != nil {
		return txn.Transaction{}, fmt.Errorf("write transaction: %w", err)
	}
	return c.submit(ctx, submission{id: r.ID, timeout: attemptTimeout(r.Timeout), body: body}, w)
}

// SubmitJSON does what Submit does for a body as it is, mistakes included: the answer names them. An id is added where it has none.
func (c *Client) SubmitJSON(ctx context.Context, body []byte, w txn.Wait) (txn.Transaction, error) {
	s := look(body)
	if s.byKey {
		s.id = rand.Text()
	}
	return c.submit(ctx, s, w)
}

// submission is a transaction to be handed in.
type submission struct {
	id      string        // good or bad
	byKey   bool          // the id goes as the Idempotency-Key: the body has none
	timeout time.Duration // of one attempt
	body    []byte
}

func (c *Client) submit(ctx context.Context, s submission, w txn.Wait) (txn.Transaction, error) {
	r := request{
		method: http.MethodPost, path: "/v1/transactions?wait=" + w.String(), body: s.body,
		header:  http.Header{"Content-Type": {"application/json"}},
		timeout: s.timeout,
	}
	if s.byKey {
		r.header.Set("Idempotency-Key", s.id)
	}
	a, err := c.do(ctx, r)
	t, err := outcome(a, err, problem.Aborted)
	if err != nil {
		return t, fmt.Errorf("%s: %w", strings.TrimSpace("submit transaction "+s.id), err)
	}
	return t, nil
}

// look finds what a body brings; the id is still missing where it brings none.
func look(body []byte) submission {
	// Branches keeps the decoder from making anything of the longest part.
	var members struct {
		ID       json.RawMessage `json:"id"`
		Timeout  json.RawMessage `json:"timeout"`
		Branches json.RawMessage `json:"branches"`
	}
	s := submission{body: body}
	var timeout string
	if json.Unmarshal(body, &members) == nil { // else the answer will say what is wrong with it
		s.byKey = members.ID == nil
		_ = json.Unmarshal(members.ID, &s.id)
		_ = json.Unmarshal(members.Timeout, &timeout)
	}
	s.timeout = attemptTimeout(timeout)
	return s
}

// attemptTimeout is how long an attempt to hand in a transaction of some timeout may take.
func attemptTimeout(text string) time.Duration {
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		d = 10 * time.Second
	}
	return min(d, 10*time.Minute) + submitSlack
}

// outcome gives the transaction that an answer holds, also one in a problem of the given name.
func outcome(a answer, err error, carrier problem.Name) (txn.Transaction, error) {
	var p *problem.Problem
	if errors.As(err, &p) && p.Name() == carrier && p.Transaction != nil {
		return *p.Transaction, nil
	}
	var t txn.Transaction
	if err != nil {
		return t, err
	}
	return t, decode(a, &t)
}

// Get gives a transaction, or an error that is txn.ErrNotFound.
func (c *Client) Get(ctx context.Context, id string) (txn.Transaction, error) {
	if !txn.ValidID(id) {
		return txn.Transaction{}, fmt.Errorf("get transaction: %w", txn.ErrBadName)
	}
	return read[txn.Transaction](ctx, c, http.MethodGet, "/v1/transactions/"+segment(id))
}

// List gives one page of transactions, newest first. The zero Filter selects all, 100 a page.
func (c *Client) List(ctx context.Context, f txn.Filter) (txn.Page, error) {
	q := url.Values{}
	if f.State != 0 {
		q.Set("state", f.State.String())
	}
	if f.Participant != "" {
		q.Set("participant", f.Participant)
	}
	if f.Limit != 0 {
		q.Set("limit", strconv.Itoa(f.Limit))
	}
	if f.Cursor != "" {
		q.Set("cursor", f.Cursor)
	}
	path := "/v1/transactions"
	if len(q) > 0 {
		path += "?" + q.Encode()
	}
	return read[txn.Page](ctx, c, http.MethodGet, path)
}

// Abort aborts a transaction that is not decided, and gives it as it stands. With an error that is txn.ErrAlreadyDecided it gives
// the transaction too: it commits.
func (c *Client) Abort(ctx context.Context, id string) (txn.Transaction, error) {
	if !txn.ValidID(id) {
		return txn.Transaction{}, fmt.Errorf("abort transaction: %w", txn.ErrBadName)
	}
	a, err := c.do(ctx, request{method: http.MethodPost, path: "/v1/transactions/" + segment(id) + "/abort", timeout: answerTimeout})
	t, err2 := outcome(a, err, problem.AlreadyDecided)
	if err != nil {
		return t, fmt.Errorf("abort transaction: %w", err)
	}
	return t, err2
}

// segment writes an id into a path. An id of dots only would be taken for a step up.
func segment(id string) string {
	if strings.Trim(id, ".") == "" {
		return strings.ReplaceAll(id, ".", "%2E")
	}
	return url.PathEscape(id)
}
