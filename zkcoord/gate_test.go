package zkcoord

import (
	"context"
	"net"
	"os"
	"sync/atomic"
	"testing"
	"time"
)

// slowServer is a server that takes its time over every request for a session, as one does whose disk is slow.
type slowServer struct {
	net.Conn
	takes    time.Duration
	deadline atomic.Pointer[time.Time]
	answered bool
}

func (s *slowServer) SetReadDeadline(t time.Time) error {
	s.deadline.Store(&t)
	return s.Conn.SetReadDeadline(t)
}

func (s *slowServer) Read(b []byte) (int, error) {
	if !s.answered {
		if d := s.deadline.Load(); d != nil && !d.IsZero() && time.Until(*d) < s.takes {
			time.Sleep(time.Until(*d))
			return 0, os.ErrDeadlineExceeded
		}
		time.Sleep(s.takes)
		s.answered = true
	}
	return s.Conn.Read(b)
}

// A ZooKeeper that takes longer over a new session than a server is given at first gets there all the same.
func TestASlowServerGivesASession(t *testing.T) {
	addr, root := sharedZooKeeper(t)
	var asked atomic.Int32
	newClientWith(t, DriverConfig{
		Servers: []string{addr}, Root: root, SessionTimeout: 4 * time.Second,
		Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
			asked.Add(1)
			conn, err := new(net.Dialer).DialContext(ctx, network, addr)
			return &slowServer{Conn: conn, takes: 1500 * time.Millisecond}, err
		},
	}).up()
	if asked.Load() == 1 {
		t.Error("the first request was answered in time")
	}
}
