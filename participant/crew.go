package participant

import (
	"context"
	"sync"
)

// crew is the goroutines that execute branches. They stay for the next one: a branch needs a deep stack, and growing one anew for
// each took an eighth of a participant's time.
type crew struct {
	group sync.WaitGroup
	idle  chan func()
}

func newCrew() *crew { return &crew{idle: make(chan func())} }

// do has f executed at once, by an idle goroutine or a new one, which stays until ctx ends.
func (c *crew) do(ctx context.Context, f func()) {
	select {
	case c.idle <- f:
		return
	default:
	}
	c.group.Go(func() {
		for {
			f()
			select {
			case f = <-c.idle:
			case <-ctx.Done():
				return
			}
		}
	})
}

// wait returns when all that was to be executed is done and the goroutines are gone; the ctx of do must end.
func (c *crew) wait() { c.group.Wait() }
