package zkcoord

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/medcommit/medcommit/txn"
)

// inlineBytes is how much payload of one submission travels in the batch; the rest is stored in parts.
const inlineBytes = 64 << 10

// pack makes each branch's prepare request, without its key, and stores the payloads that are too large for a batch.
func (c *Coordinator) pack(ctx context.Context, h *txn.Handed) ([]txn.Prepare, error) {
	parcels := make([]txn.Prepare, len(h.Branches))
	total := 0
	for i, b := range h.Branches {
		parcels[i] = txn.Prepare{ID: h.ID, Timeout: h.Timeout.Milliseconds(), Payload: b.Payload, ReadOnly: b.ReadOnly}
		total += len(b.Payload)
	}
	for total > inlineBytes {
		largest := &parcels[0]
		for i := range parcels {
			if len(parcels[i].Payload) > len(largest.Payload) {
				largest = &parcels[i]
			}
		}
		total -= len(largest.Payload)
		head := newNonce()
		parts, err := c.driver.WritePayload(ctx, head, largest.Payload)
		if errors.Is(err, txn.ErrTooLarge) {
			return nil, err
		}
		if err != nil {
			return nil, fmt.Errorf("store the payload: %w: %w", txn.ErrUnavailable, err)
		}
		largest.Head, largest.Parts, largest.Payload = head, parts, nil
	}
	return parcels, nil
}

// address gives each parcel the submission's key.
func address(parcels []txn.Prepare, key txn.Key) []txn.Prepare {
	addressed := make([]txn.Prepare, len(parcels))
	for i, p := range parcels {
		p.Key = key
		addressed[i] = p
	}
	return addressed
}

func (c *Coordinator) submission(h *txn.Handed, key txn.Key, now time.Time) txn.Submission {
	names := make([]string, len(h.Branches))
	for i := range h.Branches {
		names[i] = h.Branches[i].Participant
	}
	return txn.Submission{
		Key: key, ID: h.ID, Digest: h.Digest, Participants: names, Timeout: h.Timeout.Milliseconds(),
		By: c.cfg.ID, At: now.UnixMilli(),
	}
}
