package api

import (
	"errors"
	"io"
	"net/http"
	"sync/atomic"
)

// bodiesAtOnce is how many bodies of the largest size may be held at once: the limit of one body bounds no memory while anybody can
// send as many as there are connections.
const bodiesAtOnce = 32

// leastBudget is the budget where the largest body is small.
const leastBudget = 64 << 20

// errBudget ends the reading of a body for which there is no memory.
var errBudget = errors.New("too many bytes of bodies are held")

// budget is what the bodies of all requests that are under way may take together.
type budget struct{ left atomic.Int64 }

func newBudget(maxBody int64) *budget {
	b := &budget{}
	b.left.Store(max(bodiesAtOnce*maxBody, leastBudget))
	return b
}

// charge lets the request's body take from the budget what is read of it, not what it says that it will send: that costs nothing.
func (b *budget) charge(r *http.Request) *chargedBody {
	c := &chargedBody{ReadCloser: r.Body, budget: b}
	if r.Body != nil {
		r.Body = c
	}
	return c
}

// chargedBody is the body of one request.
type chargedBody struct {
	io.ReadCloser
	budget *budget
	taken  int64
}

func (c *chargedBody) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.taken += int64(n)
	if c.budget.left.Add(-int64(n)) < 0 {
		return 0, errBudget
	}
	return n, err
}

// release gives back what the body took.
func (c *chargedBody) release() {
	c.budget.left.Add(c.taken)
	c.taken = 0
}
