package api

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/medcommit/medcommit/txn"
)

// eventTimeout is how long a reader of events may take to take one.
const eventTimeout = 10 * time.Second

// events streams changes until the client goes, the server stops, or the client is too slow: the stream then ends, and what was
// missed is to be read by the other calls.
func (s *Server) events(w http.ResponseWriter, r *http.Request) error {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return nil
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(s.stopping, cancel)()
	notices := s.service.Notices(ctx)
	stream := eventStream{w: w, control: http.NewResponseController(w)}
	heartbeat := time.NewTicker(s.config.Heartbeat)
	defer heartbeat.Stop()
	alive := stream.write([]byte(": medcommit\n\n"))
	for alive {
		select {
		case <-ctx.Done():
			alive = false
		case <-heartbeat.C:
			alive = stream.write([]byte(":\n\n"))
		case n, open := <-notices:
			alive = open && stream.notice(n)
		}
	}
	return nil
}

// eventStream writes server-sent events. Its methods answer false once the client is gone.
type eventStream struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

func (e eventStream) notice(n txn.Notice) bool {
	var about any
	switch n.Kind {
	case txn.EventTransaction:
		about = n.Transaction
	case txn.EventLeader:
		about = shownCluster(*n.Cluster)
	case txn.EventParticipant:
		about = shownParticipant(*n.Participant)
	}
	var b bytes.Buffer
	b.WriteString("event: " + n.Kind.String() + "\ndata: ")
	enc := json.NewEncoder(&b) // one line, and a line end after it
	enc.SetEscapeHTML(false)
	if err := enc.Encode(about); err != nil {
		return false
	}
	b.WriteByte('\n')
	return e.write(b.Bytes())
}

func (e eventStream) write(b []byte) bool {
	if err := e.control.SetWriteDeadline(time.Now().Add(eventTimeout)); err != nil {
		return false
	}
	if _, err := e.w.Write(b); err != nil {
		return false
	}
	return e.control.Flush() == nil
}
