package zkcoord

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-zookeeper/zk"
)

// The calls here are for what may be repeated, in whatever session: they wait for one, and begin anew when it is lost. They end
// with an answer, or with ctx.

// call carries out one request until ZooKeeper answers it.
func (d *Driver) call(ctx context.Context, r request, do func(*zk.Conn) error) error {
	for {
		s, err := d.await(ctx)
		if err != nil {
			return err
		}
		answer := make(chan error, 1)
		since := time.Now()
		if s.start(func(s *session) { answer <- do(s.conn) }) {
			select {
			case err = <-answer:
			case <-ctx.Done():
				return fmt.Errorf("wait for ZooKeeper: %w", ctx.Err())
			}
			if answered(err) {
				d.metrics.observe(r, since)
				return err
			}
		}
		if !sleep(ctx, retryAfter) {
			return fmt.Errorf("wait for ZooKeeper: %w", ctx.Err())
		}
	}
}

// answered tells whether the outcome came from the server and concerns the request, not the connection or the session.
func answered(err error) bool {
	if err == nil {
		return true
	}
	return isOneOf(err, zk.ErrNoNode, zk.ErrNodeExists, zk.ErrBadVersion, zk.ErrNoAuth, zk.ErrNotEmpty, zk.ErrInvalidACL, zk.ErrInvalidPath, zk.ErrBadArguments)
}

func isOneOf(err error, those ...error) bool {
	return slices.ContainsFunc(those, func(e error) bool { return errors.Is(err, e) })
}

// get may return before the library has let go of what it writes to: so that is handed over by value only.
func (d *Driver) get(ctx context.Context, path string) ([]byte, *zk.Stat, error) {
	type read struct {
		data []byte
		stat *zk.Stat
	}
	got := make(chan read, 1)
	err := d.call(ctx, reqGet, func(c *zk.Conn) error {
		data, stat, err := c.Get(path)
		if err == nil {
			got <- read{data, stat}
		}
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	r := <-got
	return r.data, r.stat, nil
}

func (d *Driver) set(ctx context.Context, path string, data []byte, version int32) error {
	return d.call(ctx, reqSet, func(c *zk.Conn) error {
		_, err := c.Set(path, data, version)
		return err
	})
}

// createOnce carries out creates, all or none; where one of the nodes is there, all of them are taken to be.
func (d *Driver) createOnce(ctx context.Context, ops []any) error {
	err := d.call(ctx, reqCreate, func(c *zk.Conn) error {
		_, err := c.Multi(ops...)
		return err
	})
	if errors.Is(err, zk.ErrNodeExists) {
		return nil
	}
	return err
}

// list gives a node's children.
func (d *Driver) list(ctx context.Context, path string) ([]string, error) {
	got := make(chan []string, 1)
	err := d.call(ctx, reqChildren, func(c *zk.Conn) error {
		names, _, err := c.Children(path)
		if err == nil {
			got <- names
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return <-got, nil
}

// stat gives a node's Stat, and zk.ErrNoNode where it is not there.
func (d *Driver) stat(ctx context.Context, path string) (*zk.Stat, error) {
	got := make(chan *zk.Stat, 1)
	err := d.call(ctx, reqExists, func(c *zk.Conn) error {
		exists, stat, err := c.Exists(path)
		switch {
		case err != nil:
			return err
		case !exists:
			return zk.ErrNoNode
		}
		got <- stat
		return nil
	})
	if err != nil {
		return nil, err
	}
	return <-got, nil
}
