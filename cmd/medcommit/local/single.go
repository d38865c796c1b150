package local

import (
	"context"
	"fmt"
	"syscall"
)

// Launch starts a coordinator or site that has ended again, with env, as NAME=VALUE, in its environment, and does not wait for it.
func (c *Cluster) Launch(name string, env ...string) error {
	p := c.find(name)
	if p == nil {
		return fmt.Errorf("start %s: there is no such process", name)
	}
	if p.running() {
		return fmt.Errorf("start %s: it runs", name)
	}
	return p.start(env)
}

// Use makes the coordinator or site of that name another program from its next start on, as an upgrade does.
func (c *Cluster) Use(name, exe string) {
	if p := c.find(name); p != nil {
		p.exe = exe
	}
}

// AwaitReady waits until the coordinator or site of that name is ready; it fails when the process ends before.
func (c *Cluster) AwaitReady(ctx context.Context, name string) error {
	p := c.find(name)
	if p == nil {
		return fmt.Errorf("wait for %s: there is no such process", name)
	}
	return p.awaitReady(ctx)
}

// Terminate asks a coordinator or site to end in order, and does not wait for it.
func (c *Cluster) Terminate(name string) {
	if p := c.find(name); p != nil && p.running() {
		p.signal(syscall.SIGTERM)
	}
}

// AwaitEnd waits until the coordinator or site of that name has ended, by itself or by others.
func (c *Cluster) AwaitEnd(ctx context.Context, name string) error {
	p := c.find(name)
	if p == nil {
		return fmt.Errorf("wait for the end of %s: there is no such process", name)
	}
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for the end of %s: %w", name, ctx.Err())
	}
}

// LogFile is where the coordinator or site of that name writes its log, of all its runs.
func (c *Cluster) LogFile(name string) string {
	if p := c.find(name); p != nil {
		return p.log
	}
	return ""
}
