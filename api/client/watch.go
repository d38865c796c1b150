package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/medcommit/medcommit/txn"
)

// A stream that is silent for longer than this is dead: the server shows every 15 s that it lives.
const streamSilence = 45 * time.Second

// maxLine bounds one line of a stream.
const maxLine = 16 << 20

// Watcher takes what happens in a cluster. An error of its functions ends the watch.
type Watcher struct {
	// Connected is called whenever a stream begins, also after one broke: changes in between were not seen, and are to be read by
	// the other calls. It may be nil.
	Connected func(ctx context.Context) error
	// Notice takes one change.
	Notice func(n txn.Notice) error
}

// errStopped wraps what a Watcher returned, to tell it from a stream that broke.
type errStopped struct{ err error }

func (e errStopped) Error() string { return e.err.Error() }

// Watch follows what happens in the cluster, from one coordinator after the other, until ctx ends or the watcher has enough: it
// returns the watcher's error, or ctx's. It fails when no coordinator has given a stream for the client's patience.
func (c *Client) Watch(ctx context.Context, w Watcher) error {
	alive := time.Now()
	first := int(c.first.Load())
	for tried := 1; ; tried++ {
		streamed, err := c.stream(ctx, c.bases[first%len(c.bases)], w)
		first++
		var stopped errStopped
		switch {
		case errors.As(err, &stopped):
			return stopped.err
		case ctx.Err() != nil:
			return ctx.Err()
		case streamed:
			alive, tried = time.Now(), 0
		case tried >= len(c.bases) && time.Since(alive) > c.patience:
			return err
		}
		if err := wait(ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
}

// stream follows one coordinator until the stream breaks. It tells whether there was one.
func (c *Client) stream(ctx context.Context, base string, w Watcher) (bool, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	silence := time.AfterFunc(streamSilence, cancel)
	defer silence.Stop()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/v1/events", nil)
	if err != nil {
		return false, fmt.Errorf("make request: %w", err)
	}
	got, err := c.http.Do(r)
	if err != nil {
		return false, unanswered(ctx, err)
	}
	defer func() { _ = got.Body.Close() }()
	if got.StatusCode != http.StatusOK || !strings.HasPrefix(got.Header.Get("Content-Type"), "text/event-stream") {
		return false, fmt.Errorf("%w: status %d", ErrAnswer, got.StatusCode)
	}
	if w.Connected != nil {
		if err := w.Connected(ctx); err != nil {
			return true, errStopped{err}
		}
	}
	return true, notices(got.Body, w.Notice, func() { silence.Reset(streamSilence) })
}

// notices reads server-sent events until the stream ends. heard is called for every line.
func notices(stream io.Reader, take func(txn.Notice) error, heard func()) error {
	lines := bufio.NewScanner(stream)
	lines.Buffer(make([]byte, 0, 64<<10), maxLine)
	var event, data string
	for lines.Scan() {
		heard()
		line := lines.Text()
		switch {
		case strings.HasPrefix(line, "event: "):
			event = strings.TrimPrefix(line, "event: ")
		case strings.HasPrefix(line, "data: "):
			data = strings.TrimPrefix(line, "data: ")
		case line == "" && data != "":
			n, known, err := notice(event, data)
			if err != nil {
				return err
			}
			if known {
				if err := take(n); err != nil {
					return errStopped{err}
				}
			}
			event, data = "", ""
		}
	}
	return fmt.Errorf("%w: the stream ended", ErrLost)
}

// notice reads one event. Kinds that are not known are those of a newer server.
func notice(event, data string) (n txn.Notice, known bool, err error) {
	var about any
	switch event {
	case txn.EventTransaction.String():
		n.Kind, n.Transaction = txn.EventTransaction, &txn.Transaction{}
		about = n.Transaction
	case txn.EventLeader.String():
		n.Kind, n.Cluster = txn.EventLeader, &txn.ClusterInfo{}
		about = n.Cluster
	case txn.EventParticipant.String():
		n.Kind, n.Participant = txn.EventParticipant, &txn.ParticipantInfo{}
		about = n.Participant
	default:
		return n, false, nil
	}
	if err := json.Unmarshal([]byte(data), about); err != nil {
		return n, false, fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	return n, true, nil
}
