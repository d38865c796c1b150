package zkcoord

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-zookeeper/zk"
	"golang.org/x/sync/errgroup"

	"github.com/medcommit/medcommit/txn"
	"github.com/medcommit/medcommit/txn/failpoint"
)

// partBytes is the size of a payload's parts; one goes in a request of its own.
const partBytes = 200 << 10

// WritePayload stores a payload that is too large for a batch, compressed alone, as parts under a head of that name, which must be
// random and new, and gives their number. The head is at version 0; the multi that submits sets it, and from then on the payload is
// not swept.
func (d *Driver) WritePayload(ctx context.Context, name string, payload []byte) (parts int, err error) {
	failpoint.Before(failpoint.Payload)
	if len(payload) > maxDecoded {
		return 0, fmt.Errorf("write a payload: %w", txn.ErrTooLarge) // nobody would read it
	}
	packed := d.codec.pack.EncodeAll(payload, nil)
	if err := d.createOnce(ctx, []any{create(d.path(txn.HeadPath(name)), nil)}); err != nil {
		return 0, fmt.Errorf("write a payload's head: %w", err)
	}
	for ; len(packed) > 0; parts++ {
		part := packed[:min(partBytes, len(packed))]
		packed = packed[len(part):]
		if err := d.createOnce(ctx, []any{create(d.path(txn.PartPath(name, parts)), part)}); err != nil {
			return 0, fmt.Errorf("write a payload's part: %w", err)
		}
	}
	failpoint.After(failpoint.Payload)
	return parts, nil
}

// Payload reads what WritePayload stored. Its error wraps txn.ErrNoPayload where the head, or a part, is not there or is not what
// was written.
func (d *Driver) Payload(ctx context.Context, head string, parts int) ([]byte, error) {
	if parts < 1 || parts > maxParts || !validHead(head) || head == "" {
		return nil, fmt.Errorf("read payload: %w", txn.ErrNoPayload)
	}
	read := make([][]byte, parts)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(4)
	for i := range parts {
		g.Go(func() (err error) {
			read[i], _, err = d.get(ctx, d.path(txn.PartPath(head, i)))
			return err
		})
	}
	err := g.Wait()
	if errors.Is(err, zk.ErrNoNode) {
		return nil, fmt.Errorf("read payload: %w", txn.ErrNoPayload)
	}
	if err != nil {
		return nil, fmt.Errorf("read payload: %w", err)
	}
	var packed []byte
	for _, part := range read {
		packed = append(packed, part...)
	}
	payload, err := d.codec.unpack.DecodeAll(packed, nil)
	if err != nil {
		return nil, fmt.Errorf("decompress payload: %w", txn.ErrNoPayload)
	}
	return payload, nil
}

// Heads lists the payload heads that no submission has taken, for the sweeper (txn.Sweep).
func (d *Driver) Heads(ctx context.Context) ([]txn.Head, error) {
	names, err := d.list(ctx, d.path(payloadsPath))
	if err != nil {
		return nil, fmt.Errorf("list payloads: %w", err)
	}
	found := make([]*txn.Head, len(names))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(readsInFlight)
	for i, name := range names {
		g.Go(func() error {
			stat, err := d.stat(ctx, d.path(txn.HeadPath(name)))
			switch {
			case errors.Is(err, zk.ErrNoNode):
			case err != nil:
				return fmt.Errorf("look at a payload's head: %w", err)
			case stat.Version == 0:
				found[i] = &txn.Head{Name: name, Parts: int(stat.NumChildren)}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	var heads []txn.Head
	for _, h := range found {
		if h != nil {
			heads = append(heads, *h)
		}
	}
	return heads, nil
}
