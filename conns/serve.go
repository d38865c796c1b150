package conns

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// windDownTime is how long a server that stops still answers, and how long who connected last has to send a request.
const windDownTime = 300 * time.Millisecond

// ErrCutOff says that a server's stop cut off requests that were under way.
var ErrCutOff = errors.New("requests were cut off at the stop")

// Serve has server answer on l until ctx ends, lets running requests end for at most within, and returns when all connections are
// closed; with ErrCutOff where requests were not through by then.
//
// For a short while it answers on, and lets each answer end its connection: a client that sends one request after the other on a
// connection that is closed between two of them cannot tell whether the second was taken. net/http closes without an answer what it
// reads of a connection after its Shutdown began, so the listener is closed before that, and who connected last has time to send.
func Serve(ctx context.Context, server *http.Server, l net.Listener, within time.Duration) error {
	var winding atomic.Bool
	inner := server.Handler
	server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if winding.Load() {
			w.Header().Set("Connection", "close")
		}
		inner.ServeHTTP(w, r)
	})
	group, running := errgroup.WithContext(ctx)
	served := make(chan struct{})
	group.Go(func() error {
		defer close(served)
		if err := server.Serve(l); !winding.Load() || !errors.Is(err, net.ErrClosed) {
			return fmt.Errorf("serve HTTP: %w", err)
		}
		return nil
	})
	group.Go(func() error {
		<-running.Done()
		winding.Store(true)
		<-time.After(windDownTime)
		_ = l.Close() // it is closed then, whatever it says
		<-served
		<-time.After(windDownTime)
		return shutdown(context.WithoutCancel(ctx), server, within)
	})
	return group.Wait()
}

func shutdown(ctx context.Context, server *http.Server, within time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	err := server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		if err = server.Close(); err == nil {
			return ErrCutOff
		}
	}
	if err != nil {
		return fmt.Errorf("stop HTTP server: %w", err)
	}
	return nil
}
