package zkcoord

import (
	"context"
	"fmt"

	"github.com/medcommit/medcommit/txn"
)

// Participants gives all that ever registered, by name, as they were last seen.
func (c *Coordinator) Participants(context.Context) ([]txn.ParticipantInfo, error) {
	r := c.roster.Load()
	if !r.read {
		return nil, fmt.Errorf("list the participants: %w", txn.ErrUnavailable)
	}
	return r.sites, nil
}

// Cluster gives who is there, who leads, and how much is under way.
func (c *Coordinator) Cluster(ctx context.Context) (txn.ClusterInfo, error) {
	r := c.roster.Load()
	if !r.read {
		return txn.ClusterInfo{}, fmt.Errorf("describe the cluster: %w", txn.ErrUnavailable)
	}
	var info txn.ClusterInfo
	if err := c.ask(ctx, func() { info = c.clusterInfo(r) }); err != nil {
		return txn.ClusterInfo{}, fmt.Errorf("describe the cluster: %w", err)
	}
	return info, nil
}

// Leader is the URL of another coordinator that leads; empty where this one does, or none is known.
func (c *Coordinator) Leader() string {
	r := c.roster.Load()
	if r.leads(c.cfg.ID) {
		return ""
	}
	return r.leaderURL
}

// clusterInfo runs on the loop.
func (c *Coordinator) clusterInfo(r *roster) txn.ClusterInfo {
	return txn.ClusterInfo{
		Cluster: c.cluster, Leader: r.leader, Epoch: r.epoch, Coordinators: r.coordinators, Participants: r.sites,
		InFlight: c.machine.Counts().InFlight, InDoubt: r.inDoubt,
	}
}

// Notices gives changes until ctx ends; a reader that falls too far behind is cut off by closing the channel.
func (c *Coordinator) Notices(ctx context.Context) <-chan txn.Notice { return c.notices.subscribe(ctx) }

// Drain keeps new transactions from the participant; those that were handed in go on. ErrParticipantUnknown.
func (c *Coordinator) Drain(ctx context.Context, name string) (txn.ParticipantInfo, error) {
	p, err := c.setDrained(ctx, name, true, txn.Op{Kind: txn.OpCreate, Path: drainedPath + "/" + name})
	if err != nil {
		return p, fmt.Errorf("drain the participant: %w", err)
	}
	return p, nil
}

// Resume takes back Drain.
func (c *Coordinator) Resume(ctx context.Context, name string) (txn.ParticipantInfo, error) {
	p, err := c.setDrained(ctx, name, false, txn.Op{Kind: txn.OpDelete, Path: drainedPath + "/" + name})
	if err != nil {
		return p, fmt.Errorf("resume the participant: %w", err)
	}
	return p, nil
}

// setDrained does op until the roster shows what was wanted.
func (c *Coordinator) setDrained(ctx context.Context, name string, drained bool, op txn.Op) (txn.ParticipantInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, queryPatience)
	defer cancel()
	for {
		r := c.roster.Load()
		site := r.byName[name]
		switch {
		case !r.read || !c.synced.Load():
			return txn.ParticipantInfo{}, txn.ErrUnavailable
		case site == nil:
			return txn.ParticipantInfo{}, txn.ErrParticipantUnknown
		case site.Drained == drained:
			return *site, nil
		}
		answers := make(chan txn.Event, 1)
		c.box.put(letter{call: func() { c.port.multi(func(e txn.Event) { answers <- e }, op) }})
		select {
		case <-answers: // done, done before, or lost: the roster tells
		case <-ctx.Done():
			return txn.ParticipantInfo{}, ctx.Err()
		case <-c.ended:
			return txn.ParticipantInfo{}, txn.ErrUnavailable
		}
		sleep(ctx, tickEvery)
	}
}
