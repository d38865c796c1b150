package zkcoord

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/medcommit/medcommit/txn"
	"github.com/medcommit/medcommit/txn/failpoint"
)

// adoptPatience is how long an operator's call waits until the site has heeded it.
const adoptPatience = 5 * time.Second

// Adopt lets a participant go on after its database or ZooKeeper was restored (R10). It gives the participant, with ErrPerhaps where it
// has not heeded that yet.
func (c *Coordinator) Adopt(ctx context.Context, name, reason string) (txn.ParticipantInfo, error) {
	p, err := c.adopt(ctx, name, reason)
	if err != nil {
		return p, fmt.Errorf("adopt the participant: %w", err)
	}
	return p, nil
}

func (c *Coordinator) adopt(ctx context.Context, name, reason string) (txn.ParticipantInfo, error) {
	r := c.roster.Load()
	switch {
	case !r.read || !c.synced.Load():
		return txn.ParticipantInfo{}, txn.ErrUnavailable
	case r.byName[name] == nil:
		return txn.ParticipantInfo{}, txn.ErrParticipantUnknown
	}
	ctx, cancel := context.WithTimeout(ctx, adoptPatience)
	defer cancel()
	applied, err := c.applied(ctx, name)
	switch {
	case err != nil:
		return txn.ParticipantInfo{}, txn.ErrUnavailable
	case applied.Restored == nil:
		return txn.ParticipantInfo{}, txn.ErrNothingToAdopt
	}
	found := *applied.Restored
	c.log.Info("operator adopts a participant", "participant", name, "restored", found.What, "reason", reason, "finding", found.Nonce)
	word := txn.Adoption{Nonce: found.Nonce, Reason: reason, By: c.cfg.ID, At: time.Now().UnixMilli()}
	failpoint.Before(failpoint.Word)
	if err := c.sayAdopt(ctx, name, word); err != nil {
		return txn.ParticipantInfo{}, fmt.Errorf("say so: %w: %w", err, txn.ErrUnavailable)
	}
	failpoint.After(failpoint.Word)
	return c.awaitAdopted(ctx, name, found.Nonce)
}

// sayAdopt leaves the word, in the place of one of an older finding.
func (c *Coordinator) sayAdopt(ctx context.Context, name string, word txn.Adoption) error {
	path := c.driver.path(txn.AdoptPath(name))
	for {
		if err := c.driver.createOnce(ctx, []any{create(path, record(word))}); err != nil {
			return err
		}
		data, stat, err := c.driver.get(ctx, path)
		var there txn.Adoption
		switch {
		case errors.Is(err, zk.ErrNoNode): // heeded already
			return nil
		case err != nil:
			return err
		case json.Unmarshal(data, &there) == nil && there.Nonce == word.Nonce:
			return nil
		}
		if err := c.driver.set(ctx, path, record(word), stat.Version); err != nil && !errors.Is(err, zk.ErrBadVersion) && !errors.Is(err, zk.ErrNoNode) {
			return err
		}
	}
}

// awaitAdopted waits until the site has taken its finding back, and is seen to.
func (c *Coordinator) awaitAdopted(ctx context.Context, name, nonce string) (txn.ParticipantInfo, error) {
	heeded := false
	for {
		if !heeded {
			applied, err := c.applied(ctx, name)
			heeded = err == nil && (applied.Restored == nil || applied.Restored.Nonce != nonce)
		}
		site := c.roster.Load().byName[name]
		if heeded && site != nil && site.Ready {
			return *site, nil
		}
		if !sleep(ctx, wishLook) {
			switch {
			case site == nil:
				return txn.ParticipantInfo{}, txn.ErrUnavailable
			case heeded:
				return *site, nil
			}
			return *site, txn.ErrPerhaps
		}
	}
}
