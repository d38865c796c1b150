package zkcoord

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/hashicorp/go-hclog"

	"github.com/medcommit/medcommit/txn"
)

// session is one ZooKeeper session and the one zk.Conn that it has. zk.Conn begins another session by itself when its own has
// expired; here it cannot, since its gate is shut by then.
type session struct {
	d     *Driver
	nonce string
	id    string // as ZooKeeper's own logs write it; set when the session stands
	conn  *zk.Conn
	gate  *gate
	hosts *hosts

	ctx       context.Context // ends with the session
	lose      context.CancelFunc
	up        chan struct{} // closed when the session stands
	upOnce    sync.Once
	gone      <-chan zk.Event // closed by the library when the Conn's own goroutine has ended
	suspended atomic.Bool
	giveUp    *time.Timer // runs while it is suspended

	calls sync.WaitGroup // goroutines that may use conn

	mu          sync.Mutex
	ended       bool
	reconnected chan struct{}        // closed, and made anew, at every reconnect
	folders     map[string]*follower // that are told what comes in them, by their full paths

	// All are changed by Do alone, under the Driver's lock; the followers under mu as well.
	followers map[txn.Log]*follower
	watches   map[watchKey]*watch
	scans     map[txn.Log]chan struct{} // closed when the last follower's scanner has ended
}

// connect waits for a session; it gives false when ctx has ended.
func (d *Driver) connect(ctx context.Context) (*session, bool) {
	s := &session{
		d:           d,
		nonce:       rand.Text(),
		gate:        newGate(d.cfg.Dial, max(time.Second, d.cfg.SessionTimeout/3)),
		hosts:       newHosts(),
		up:          make(chan struct{}),
		reconnected: make(chan struct{}),
		followers:   map[txn.Log]*follower{},
		folders:     map[string]*follower{},
		watches:     map[watchKey]*watch{},
		scans:       map[txn.Log]chan struct{}{},
	}
	s.giveUp = time.AfterFunc(time.Hour, s.lost)
	s.giveUp.Stop()
	// Not a child of ctx: when ctx ends, the session is still there to be closed in order.
	s.ctx, s.lose = context.WithCancel(context.WithoutCancel(ctx))
	conn, gone, err := zk.Connect(d.cfg.Servers, d.cfg.SessionTimeout,
		zk.WithDialer(s.gate.dial), zk.WithHostProvider(s.hosts), zk.WithEventCallback(s.hear),
		zk.WithLogger(libraryLog{d.log}), zk.WithLogInfo(false))
	if err != nil {
		panic(fmt.Sprintf("zkcoord: connect: %v", err)) // only an empty list of servers, which Validate refuses
	}
	s.conn, s.gone = conn, gone
	select {
	case <-s.up:
		s.id = fmt.Sprintf("0x%x", conn.SessionID())
		d.log.Info("session up", "session", s.id)
		return s, true
	case <-ctx.Done():
		s.lose()
		s.end()
		return nil, false
	}
}

// hear is called by the library, within its own goroutines: it must not block.
func (s *session) hear(ev zk.Event) {
	if ev.Type != zk.EventSession {
		s.stirred(ev)
		return
	}
	switch ev.State {
	case zk.StateHasSession:
		s.giveUp.Stop()
		s.suspended.Store(false)
		s.upOnce.Do(func() { close(s.up) })
		s.mu.Lock()
		close(s.reconnected)
		s.reconnected = make(chan struct{})
		s.mu.Unlock()
	case zk.StateDisconnected:
		if !s.suspended.Swap(true) && s.ctx.Err() == nil && s.stands() {
			s.giveUp.Reset(sessionPatience * s.d.cfg.SessionTimeout)
			s.d.log.Warn("connection suspended", "server", ev.Server)
		}
	case zk.StateExpired:
		s.over()
	}
}

// stands tells whether there is, or was, a session at all.
func (s *session) stands() bool {
	return closed(s.up)
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// sessionPatience is for how many session time-outs a session may be without a connection before it is given up. Where a quorum is
// there it has expired by then. Where there was none for that long it may still stand, and taking it up again would be no gain: a
// ZooKeeper that was restored from a backup refuses for good whoever has seen something newer (R10), without saying why, and the
// library would ask for ever. Nothing that the session has sent can come late: a server drops what it holds when it loses its leader.
const sessionPatience = 2

// lost gives the session up.
func (s *session) lost() {
	if s.suspended.Load() && s.ctx.Err() == nil {
		s.d.log.Warn("no server takes the session up again: beginning another", "session", s.id)
		s.over()
	}
}

// over ends the session before the library can go on to a new one.
func (s *session) over() {
	s.gate.shut()
	s.hosts.stop()
	s.lose()
}

// start runs f as a call of the session, unless that is over.
func (s *session) start(f func(*session)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended || s.ctx.Err() != nil {
		return false
	}
	s.calls.Go(func() { f(s) })
	return true
}

// end closes the Conn and returns when it can send nothing any more and all calls have returned. A session that still stands is
// closed in order.
func (s *session) end() {
	s.mu.Lock()
	s.ended = true
	s.mu.Unlock()
	s.giveUp.Stop()
	lost := s.ctx.Err() != nil || s.suspended.Load()
	s.lose()
	if lost {
		s.gate.shut()
	}
	s.hosts.stop()
	s.conn.Close() // releases every call
	s.gate.shut()
	s.awaitLibrary()
	s.calls.Wait()
}

// libraryPatience is how long the library may take to end. That nothing is sent any more does not depend on it: the gate is shut.
const libraryPatience = 10 * time.Second

func (s *session) awaitLibrary() {
	t := time.NewTimer(libraryPatience)
	defer t.Stop()
	for {
		select {
		case _, ok := <-s.gone:
			if !ok {
				return
			}
		case <-t.C:
			s.d.log.Error("client library does not end and is left behind", "session", s.id)
			return
		}
	}
}

func (s *session) whenReconnected() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reconnected
}

// retryAfter is the pause before a read is repeated.
const retryAfter = 20 * time.Millisecond

// ask carries out a read, again after every broken connection, until it is answered or ctx has ended. Only zk.ErrNoNode and
// zk.ErrNoAuth count as answers that are errors.
func (s *session) ask(ctx context.Context, r request, call func() error) error {
	for {
		since := time.Now()
		err := call()
		if err == nil || errors.Is(err, zk.ErrNoNode) || errors.Is(err, zk.ErrNoAuth) {
			s.d.metrics.observe(r, since)
			return err
		}
		if ctx.Err() == nil && !errors.Is(err, zk.ErrConnectionClosed) && !errors.Is(err, zk.ErrNoServer) {
			s.d.log.Warn("read failed and is repeated", "request", string(r), "error", err)
		}
		if !sleep(ctx, retryAfter) {
			return ctx.Err()
		}
	}
}

// sleep waits for d and gives false when ctx has ended.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// libraryLog passes on what the library would print.
type libraryLog struct{ log hclog.Logger }

func (l libraryLog) Printf(format string, args ...any) {
	l.log.Debug("client library", "message", strings.TrimSpace(fmt.Sprintf(format, args...)))
}
