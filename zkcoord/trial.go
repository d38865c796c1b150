package zkcoord

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/go-zookeeper/zk"
)

// What a Trial may find wrong with a server.
var (
	// ErrNoSession says that a server gave no session: it does not serve, or is none of ZooKeeper's.
	ErrNoSession = errors.New("the ZooKeeper server gives no session")
	// ErrSmallRequests says that a server drops connections over requests of the size that medcommit may send.
	ErrSmallRequests = errors.New("the ZooKeeper server takes no request of 512 KB")
	// ErrRights says that ZooKeeper lets this client not create and delete where the cluster must.
	ErrRights = errors.New("ZooKeeper does not let this client create and delete nodes")
)

// Trial is what a session on one server showed: what a deployment needs of it, tried on an ephemeral node that is gone afterwards.
type Trial struct {
	// Asked and Given are the session time-outs: a server gives one within its own limits.
	Asked, Given time.Duration
	// Write is how long a small write took, the median of several.
	Write time.Duration
	// Offset is the clock of ZooKeeper's leader less that of this process, as well as half a write tells.
	Offset time.Duration
	// Root tells whether the cluster's root is there; where it is not, its nearest folder was tried.
	Root bool
	// At is the node below which was tried.
	At string
}

// trialWrites is how many small writes are timed.
const trialWrites = 5

// Try tries one server as the first of cfg's, and gives what it found, also together with ErrSmallRequests and ErrRights. It may be
// called by many at once.
func Try(ctx context.Context, cfg DriverConfig) (Trial, error) {
	if err := cfg.Validate(); err != nil {
		return Trial{}, err
	}
	cfg = cfg.withDefaults()
	tr := Trial{Asked: cfg.SessionTimeout}
	var given negotiated
	conn, events, err := zk.Connect(cfg.Servers[:1], cfg.SessionTimeout, zk.WithDialer(given.dialer(ctx, cfg.Dial)),
		zk.WithLogger(libraryLog{cfg.Logger}), zk.WithLogInfo(false))
	if err != nil {
		return tr, fmt.Errorf("try a ZooKeeper server: %w", ErrNoSession)
	}
	stop := context.AfterFunc(ctx, conn.Close) // releases the calls below
	defer func() {
		if stop() {
			conn.Close()
		}
	}()
	if !stands(ctx, events) {
		return tr, fmt.Errorf("try a ZooKeeper server: %w", ErrNoSession)
	}
	tr.Given = given.timeout()
	err = tr.run(conn, cfg.Root)
	if ctx.Err() != nil {
		err = fmt.Errorf("try a ZooKeeper server: %w", ctx.Err())
	}
	return tr, err
}

// stands waits for the session.
func stands(ctx context.Context, events <-chan zk.Event) bool {
	for {
		select {
		case e, open := <-events:
			switch {
			case !open:
				return false
			case e.State == zk.StateHasSession:
				return true
			}
		case <-ctx.Done():
			return false
		}
	}
}

// run tries what a session may do.
func (tr *Trial) run(conn *zk.Conn, root string) error {
	if err := tr.place(conn, root); err != nil {
		return err
	}
	node := path.Join(tr.At, "trial-"+strings.ToLower(rand.Text()))
	before := time.Now()
	if _, err := conn.Create(node, nil, zk.FlagEphemeral, zk.WorldACL(zk.PermAll)); err != nil {
		return trialFailed(err)
	}
	if err := tr.clock(conn, node, before.Add(time.Since(before)/2)); err != nil {
		return err
	}
	if err := tr.pace(conn, node); err != nil {
		return err
	}
	if err := trialFailed(conn.Delete(node, -1)); err != nil {
		return err
	}
	// A node of its own: it is the connection that may break over it.
	_, err := conn.Create(node, make([]byte, maxRequestBytes), zk.FlagEphemeral, zk.WorldACL(zk.PermAll))
	if errors.Is(err, zk.ErrConnectionClosed) {
		return fmt.Errorf("try a ZooKeeper server: %w", ErrSmallRequests)
	}
	if err == nil {
		err = conn.Delete(node, -1)
	}
	return trialFailed(err)
}

// place finds where to try: at the root, or at the nearest folder that is there.
func (tr *Trial) place(conn *zk.Conn, root string) error {
	for tr.At = root; ; tr.At = path.Dir(tr.At) {
		there, _, err := conn.Exists(tr.At)
		if err != nil {
			return trialFailed(err)
		}
		if there {
			tr.Root = tr.At == root
			return nil
		}
	}
}

func (tr *Trial) clock(conn *zk.Conn, node string, middle time.Time) error {
	_, stat, err := conn.Exists(node)
	if err != nil {
		return trialFailed(err)
	}
	if stat != nil {
		tr.Offset = time.UnixMilli(stat.Ctime).Sub(middle)
	}
	return nil
}

func (tr *Trial) pace(conn *zk.Conn, node string) error {
	took := make([]time.Duration, trialWrites)
	for i := range took {
		since := time.Now()
		if _, err := conn.Set(node, []byte{byte(i)}, -1); err != nil {
			return trialFailed(err)
		}
		took[i] = time.Since(since)
	}
	slices.Sort(took)
	tr.Write = took[trialWrites/2]
	return nil
}

func trialFailed(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, zk.ErrNoAuth):
		return fmt.Errorf("try a ZooKeeper server: %w", ErrRights)
	}
	return fmt.Errorf("try a ZooKeeper server: %w", err)
}
