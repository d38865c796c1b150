package client

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"
)

// silence is how long a coordinator may say nothing before it is asked whether it lives, and how long it may take to say that.
const silence = time.Second

// errSilent says that a coordinator took a request and then did not even say that it lives.
var errSilent = errors.New("the coordinator is silent")

// whileItLives gives a context that ends where the coordinator at base says nothing any more: it is stopped, or cut off without a
// word, and whoever waited for it would hear nothing until the time of the attempt is over. A submission may wait long for its
// decision, so its own silence says nothing; a coordinator that lives answers /livez meanwhile, whatever else it waits for. One that
// refuses connections may be about to stop, and still answers what it has taken: that connection's end tells.
//
// Whoever goes on to the next coordinator sends the same request under the same id. That is safe, also where the first one was only
// slow and has taken it: of two submissions under one id the second becomes a duplicate of the first, and is answered with its
// outcome (R3).
func (c *Client) whileItLives(ctx context.Context, base string) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for wait(ctx, silence) == nil {
			if c.silent(ctx, base) {
				cancel(errSilent)
				return
			}
		}
	}()
	return ctx, func() { cancel(context.Canceled); <-ended }
}

// silent asks a coordinator whether it lives, and tells whether it says nothing.
func (c *Client) silent(ctx context.Context, base string) bool {
	ctx, cancel := context.WithTimeout(ctx, silence)
	defer cancel()
	asked, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/livez", nil)
	if err != nil {
		return false
	}
	got, err := c.http.Do(asked)
	if err != nil {
		return errors.Is(ctx.Err(), context.DeadlineExceeded)
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(got.Body, 1<<10)) // so that the connection may be used again
	_ = got.Body.Close()
	return false
}
