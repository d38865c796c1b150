package zkcoord

import (
	"sync"
	"time"

	"github.com/go-zookeeper/zk"
)

// hosts gives the library the servers in turn. The library's own sleeps for a second after every round; this one begins with
// short pauses, and lets the library's second come only when the outage has lasted for patience: that is also when calls that were
// never sent are given up.
type hosts struct {
	stopped  chan struct{}
	stopOnce sync.Once

	mu      sync.Mutex
	servers []string
	next    int
	tried   int       // since the last time that a server took us
	since   time.Time // of the first try
}

var _ zk.HostProvider = (*hosts)(nil)

// patience is how long an outage may last before calls that were never sent fail.
const patience = time.Second

func newHosts() *hosts { return &hosts{stopped: make(chan struct{})} }

// Init is given the servers in random order.
func (h *hosts) Init(servers []string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.servers = servers
	return nil
}

// Len is the number of servers.
func (h *hosts) Len() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.servers)
}

// Connected says that a server took us.
func (h *hosts) Connected() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.tried = 0
}

// Next gives the next server, and whether the library is to fail what was never sent and to sleep. Only there does the library
// look whether it was closed.
func (h *hosts) Next() (string, bool) {
	server, pause, giveUp := h.turn(time.Now())
	if pause > 0 {
		t := time.NewTimer(pause)
		defer t.Stop()
		select {
		case <-t.C:
		case <-h.stopped:
		}
	}
	select {
	case <-h.stopped:
		return server, true
	default:
		return server, giveUp
	}
}

func (h *hosts) turn(now time.Time) (server string, pause time.Duration, giveUp bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.tried == 0 {
		h.since = now
	}
	server = h.servers[h.next%len(h.servers)]
	h.next++
	rounds := h.tried / len(h.servers)
	newRound := rounds > 0 && h.tried%len(h.servers) == 0
	h.tried++
	switch {
	case !newRound:
	case now.Sub(h.since) > patience:
		giveUp = true
	default:
		pause = min(time.Duration(rounds)*20*time.Millisecond, 200*time.Millisecond)
	}
	return server, pause, giveUp
}

// stop makes the library find out soon that it was closed.
func (h *hosts) stop() { h.stopOnce.Do(func() { close(h.stopped) }) }
