package zkcoord

import (
	"time"

	"github.com/medcommit/medcommit/txn"
	"github.com/medcommit/medcommit/txn/failpoint"
)

// sessionUp begins everything that belongs to one session.
func (c *Coordinator) sessionUp() {
	c.presenceDue = true
	c.segments.clear()
	c.registry.sessionUp()
	c.announcement.sessionUp()
	c.election.sessionUp()
}

func (c *Coordinator) sessionLost() {
	c.synced.Store(false)
	c.segments.clear()
	c.stopLeading()
}

// syncedNow is called when all logs were read in this session. What callers wait for and is not in the live logs any more went
// to history, or was forgotten, while there was no session: they look for themselves.
func (c *Coordinator) syncedNow() {
	for key := range c.flights.own {
		c.lookAfter(key)
	}
	for key := range c.flights.waiters {
		c.lookAfter(key)
	}
	c.synced.Store(true)
	c.election.able = true
	c.box.put(letter{call: c.election.act}) // not now: it may step the machine, whose effects are being carried out
}

func (c *Coordinator) lookAfter(key txn.Key) {
	if _, live := c.machine.StateOf(key); !live {
		c.wentBy(key)
	}
}

// takeOver tells the machine that it is its turn.
func (c *Coordinator) takeOver(l txn.Lead) {
	c.leadNonce = l.Nonce
	c.step(l)
}

// leading is called when the machine decides from now on.
func (c *Coordinator) leading(epoch int32) {
	failpoint.Before(failpoint.Lead)
	c.epoch = epoch
	c.term.Store(&term{nonce: c.leadNonce, over: make(chan struct{})})
	c.metrics.leader.Set(1)
	if !c.leaderGone.IsZero() {
		c.metrics.failover.Observe(time.Since(c.leaderGone).Seconds())
		c.leaderGone = time.Time{}
	}
	c.log.Info("leading", "epoch", epoch)
	failpoint.After(failpoint.Lead)
}

// deposed is called when another leader moved the epoch, or the own take-over failed.
func (c *Coordinator) deposed() {
	c.stopLeading()
	c.election.lost()
}

func (c *Coordinator) stopLeading() {
	if c.epoch == 0 {
		return
	}
	c.log.Info("not leading any more", "epoch", c.epoch)
	c.epoch = 0
	close(c.term.Swap(nil).over)
	c.metrics.leader.Set(0)
}

// placeRemoved is called when the own election node was removed by somebody else: who did it leads soon.
func (c *Coordinator) placeRemoved() {
	c.stopLeading()
	c.step(txn.Resign{}) // a take-over that is under way too
	c.election.cool()
}

// epochSeen is called when the node "epoch" changed: a leader that slept learns there that it was deposed.
func (c *Coordinator) epochSeen(node txn.NodeRead) {
	c.registry.seeEpoch(node)
	if c.epoch != 0 && node.Exists && node.Version > c.epoch {
		c.step(txn.Resign{})
		c.deposed()
	}
}

// publish gives out the roster where it changed, and tells of what changed in it.
func (c *Coordinator) publish() {
	if !c.registry.changed || !c.registry.complete {
		return
	}
	c.registry.changed = false
	before, now := c.roster.Load(), c.registry.roster()
	c.roster.Store(now)
	c.announcement.look(c.registry.peers[c.cfg.ID])
	if c.announcement.replaced {
		c.fail(ErrReplaced)
	}
	c.tellSites(before, now)
	c.tellLeader(before, now)
}

// tellSites tells the machine who is alive, and listeners what changed.
func (c *Coordinator) tellSites(before, now *roster) {
	for i := range now.sites {
		site := &now.sites[i]
		old := before.byName[site.Name]
		if c.presenceDue || old == nil || old.Alive != site.Alive {
			c.step(txn.Presence{Participant: site.Name, Alive: site.Alive})
		}
		if old != nil && sameSite(old, site) {
			continue
		}
		if old == nil || old.Alive != site.Alive || old.Ready != site.Ready || old.Drained != site.Drained {
			c.log.Info("participant changed", "participant", site.Name,
				"alive", site.Alive, "ready", site.Ready, "drained", site.Drained)
		}
		if c.notices.wanted() {
			c.notices.publish(txn.Notice{Kind: txn.EventParticipant, Participant: site})
		}
	}
	c.presenceDue = false
}

// sameSite compares what changes at a site while its catalogue stays.
func sameSite(a, b *txn.ParticipantInfo) bool {
	return a.Alive == b.Alive && a.Ready == b.Ready && a.Drained == b.Drained && a.URL == b.URL && a.Kind == b.Kind &&
		a.Queued == b.Queued && a.InDoubt == b.InDoubt && a.OldestInDoubtSeconds == b.OldestInDoubtSeconds &&
		len(a.Operations) == len(b.Operations) && (len(a.Operations) == 0 || &a.Operations[0] == &b.Operations[0])
}

func (c *Coordinator) tellLeader(before, now *roster) {
	c.metrics.epoch.Set(float64(now.epoch))
	if before.leader == now.leader && before.epoch == now.epoch {
		return
	}
	if now.leader == "" && before.leader != "" && c.leaderGone.IsZero() {
		c.leaderGone = time.Now()
	}
	if now.leader != "" {
		if now.leader != c.cfg.ID {
			c.leaderGone = time.Time{} // another one took over
		}
		c.metrics.leaderChanges.Inc()
		c.log.Info("leader", "leader", now.leader, "epoch", now.epoch)
	}
	if c.notices.wanted() {
		info := c.clusterInfo(now)
		c.notices.publish(txn.Notice{Kind: txn.EventLeader, Cluster: &info})
	}
}

// fail ends the coordinator with err.
func (c *Coordinator) fail(err error) {
	select {
	case c.failed <- err:
	default:
	}
}
