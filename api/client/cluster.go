package client

import (
	"context"
	"fmt"
	"net/http"

	"github.com/medcommit/medcommit/txn"
)

// Participants gives every participant that was ever registered.
func (c *Client) Participants(ctx context.Context) ([]txn.ParticipantInfo, error) {
	answer, err := read[struct {
		Participants []txn.ParticipantInfo `json:"participants"`
	}](ctx, c, http.MethodGet, "/v1/participants")
	return answer.Participants, err
}

// Drain takes a participant out of service; Resume puts it back. Both give the participant, or an error that is txn.ErrNotFound.
func (c *Client) Drain(ctx context.Context, name string) (txn.ParticipantInfo, error) {
	return c.change(ctx, name, "drain")
}

// Resume puts a drained participant back into service.
func (c *Client) Resume(ctx context.Context, name string) (txn.ParticipantInfo, error) {
	return c.change(ctx, name, "resume")
}

func (c *Client) change(ctx context.Context, name, verb string) (txn.ParticipantInfo, error) {
	if !txn.ValidName(name) {
		return txn.ParticipantInfo{}, fmt.Errorf("%s participant: %w", verb, txn.ErrBadName)
	}
	return read[txn.ParticipantInfo](ctx, c, http.MethodPost, "/v1/participants/"+name+"/"+verb)
}

// Cluster gives the leader, the coordinators and the participants.
func (c *Client) Cluster(ctx context.Context) (txn.ClusterInfo, error) {
	return read[txn.ClusterInfo](ctx, c, http.MethodGet, "/v1/cluster")
}

// Ready asks one coordinator, by its base URL, whether it is ready: nil, or an error that says what it waits for.
func (c *Client) Ready(ctx context.Context, base string) error {
	_, err := c.attempt(ctx, base, request{method: http.MethodGet, path: "/readyz", timeout: answerTimeout}, false)
	return err
}
