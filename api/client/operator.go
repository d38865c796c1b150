package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/medcommit/medcommit/api/problem"
	"github.com/medcommit/medcommit/txn"
)

// InDoubt lists every prepared branch in every site's database, oldest first.
func (c *Client) InDoubt(ctx context.Context) (txn.InDoubt, error) {
	return read[txn.InDoubt](ctx, c, http.MethodGet, "/v1/in-doubt")
}

// Resolve settles one branch by an operator's wish and gives the transaction, also with an error that is txn.ErrNotAsDecided or
// txn.ErrNotSettled. done is false where the site has the wish and has not answered yet.
func (c *Client) Resolve(ctx context.Context, id string, r txn.Resolution) (t txn.Transaction, done bool, err error) {
	if !txn.ValidID(id) || !txn.ValidName(r.Participant) {
		return t, false, fmt.Errorf("resolve branch: %w", txn.ErrBadName)
	}
	outcome := "rolled-back"
	if r.Verdict == txn.VerdictCommit {
		outcome = "committed"
	}
	a, err := c.send(ctx, "/v1/transactions/"+segment(id)+"/branches/"+r.Participant+"/resolve", struct {
		Outcome string `json:"outcome"`
		Reason  string `json:"reason"`
		Force   bool   `json:"force,omitempty"`
	}{outcome, r.Reason, r.Force})
	if err != nil {
		var p *problem.Problem
		if errors.As(err, &p) && p.Transaction != nil {
			t = *p.Transaction
		}
		return t, false, fmt.Errorf("resolve branch: %w", err)
	}
	return t, a.status == http.StatusOK, decode(a, &t)
}

// Adopt lets a participant go on after its database or ZooKeeper was restored, and gives the participant. done is false where it
// has not heeded that yet.
func (c *Client) Adopt(ctx context.Context, name, reason string) (site txn.ParticipantInfo, done bool, err error) {
	if !txn.ValidName(name) {
		return site, false, fmt.Errorf("adopt participant: %w", txn.ErrBadName)
	}
	a, err := c.send(ctx, "/v1/participants/"+name+"/adopt", struct {
		Reason string `json:"reason"`
	}{reason})
	if err != nil {
		return site, false, fmt.Errorf("adopt participant: %w", err)
	}
	return site, a.status == http.StatusOK, decode(a, &site)
}

// send posts a body, to one coordinator after the other until one takes it. Where the answer was lost it is not sent again: what an
// operator wished in one state of things must not be done in another.
func (c *Client) send(ctx context.Context, path string, body any) (answer, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return answer{}, fmt.Errorf("write request: %w", err)
	}
	return c.do(ctx, request{
		method: http.MethodPost, path: path, body: text,
		header: http.Header{"Content-Type": {"application/json"}}, timeout: 2 * answerTimeout, once: true,
	})
}
