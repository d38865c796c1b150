package zkcoord

import (
	"context"
	"time"
)

// attendFor is for how long the logs are followed closely after somebody waited, listened or asked.
const attendFor = 2 * time.Second

// pace follows the logs as they grow while this coordinator leads or anybody waits here, asks or listens. A standby that nobody
// looks at reads them three times a second, many entries at once: half of what a standby costs was to read each by itself. What it
// concludes, above all when it takes over, it concludes from logs that it has read to their ends (R4).
func (c *Coordinator) pace() {
	if !c.flights.idle() || len(c.flights.own) > 0 || c.notices.wanted() {
		c.noteQuestion()
	}
	asked := c.asked.Load()
	attends := asked > 0 && time.Since(c.started)-time.Duration(asked) < attendFor
	c.driver.Slow(c.epoch == 0 && c.synced.Load() && !attends)
}

// noteQuestion notes that somebody asks now, in time since the start.
func (c *Coordinator) noteQuestion() time.Duration {
	now := time.Since(c.started)
	c.asked.Store(int64(now))
	return now
}

// attend has the logs followed closely for a while, and reads them to their ends where they were not before.
func (c *Coordinator) attend(ctx context.Context) {
	now := c.noteQuestion()
	before := time.Duration(c.attended.Swap(int64(now)))
	if c.term.Load() != nil || before > 0 && now-before < attendFor {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, catchUpPatience)
	defer cancel()
	if err := c.catchUp(ctx); err != nil {
		c.log.Debug("answered from what was read some time ago", "error", err)
	}
}
