package zkcoord

import (
	"context"

	"github.com/medcommit/medcommit/txn"
)

// sweeper looks for payloads that no submission took, when the leader's machine asks; one look at a time.
type sweeper struct {
	tokens chan txn.Token
}

func newSweeper() *sweeper { return &sweeper{tokens: make(chan txn.Token, 1)} }

// ask wants a look. The machine has one under way at most, but for one of an earlier leadership: that one's answer is not waited for.
func (s *sweeper) ask(t txn.Token) {
	for {
		select {
		case s.tokens <- t:
			return
		default:
		}
		select {
		case <-s.tokens:
		default:
		}
	}
}

// sweep answers the machine's looks until ctx ends.
func (c *Coordinator) sweep(ctx context.Context) {
	for {
		select {
		case token := <-c.sweeper.tokens:
			heads, err := c.driver.Heads(ctx)
			if err != nil {
				c.log.Warn("payloads cannot be listed", "error", err)
			}
			c.box.put(letter{event: txn.Heads{Token: token, Heads: heads}})
		case <-ctx.Done():
			return
		}
	}
}
