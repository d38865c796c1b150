package zkcoord

import (
	"fmt"
	"net/http"
	"time"

	"github.com/medcommit/medcommit/txn"
)

// LeaderPath is where LeaderHandler is to be mounted: coordinators call it of one another.
const LeaderPath = "/internal/leader"

// processHeader names the process that answers, so that one that was started again at once on the same port is told apart.
const processHeader = "Medcommit-Process"

// maxHolders is how many connections may be held open for those who watch the leader: there are as many as other coordinators, and
// more of them would be no coordinators'.
const maxHolders = 64

// term is the time in which this coordinator leads.
type term struct {
	nonce string // of its election node
	over  chan struct{}
}

// LeaderHandler serves the coordinators among themselves. GET holds the connection open while this coordinator leads, having
// answered with the nonce of its election node, so that the others see at once when its process is gone. POST with abort=KEY
// takes a client's wish to abort (202). Where this coordinator does not lead, both get 421.
func (c *Coordinator) LeaderHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+LeaderPath, c.holdLeader)
	mux.HandleFunc("POST "+LeaderPath, c.takeWish)
	return mux
}

func (c *Coordinator) holdLeader(w http.ResponseWriter, r *http.Request) {
	w.Header().Set(processHeader, c.nonce)
	t := c.term.Load()
	if t == nil {
		w.WriteHeader(http.StatusMisdirectedRequest)
		return
	}
	if c.holders.Add(1) > maxHolders {
		c.holders.Add(-1)
		w.WriteHeader(http.StatusTooManyRequests) // it says nothing of the leader
		return
	}
	defer c.holders.Add(-1)
	control := http.NewResponseController(w)
	if err := control.SetWriteDeadline(time.Time{}); err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	fmt.Fprintln(w, t.nonce)
	if err := control.Flush(); err != nil {
		return
	}
	select {
	case <-t.over:
	case <-c.ended:
	case <-r.Context().Done():
	}
}

func (c *Coordinator) takeWish(w http.ResponseWriter, r *http.Request) {
	w.Header().Set(processHeader, c.nonce)
	key := txn.Key(r.URL.Query().Get("abort"))
	switch {
	case !key.Valid():
		w.WriteHeader(http.StatusBadRequest)
	case c.term.Load() == nil:
		w.WriteHeader(http.StatusMisdirectedRequest)
	default:
		c.box.put(letter{event: txn.AbortWish{Key: key}})
		w.WriteHeader(http.StatusAccepted)
	}
}
