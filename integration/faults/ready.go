package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// watcher asks for what must be answered at once.
var watcher = &http.Client{Timeout: 2 * time.Second}

// await waits for a condition until ctx ends; its error says what is still missing.
func await(ctx context.Context, missing func(context.Context) error) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := missing(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ctx.Err(), err)
		case <-tick.C:
		}
	}
}

// ready is nil when every role says that it is ready, and every coordinator sees every participant.
func (c *cluster) ready(ctx context.Context) error {
	for _, r := range c.roles() {
		if !r.running() {
			return fmt.Errorf("%s has ended: %s", r.name, r.lastLine())
		}
		if err := get(ctx, r.url()+"/readyz", nil); err != nil {
			return fmt.Errorf("%s is not ready: %w", r.name, err)
		}
	}
	for _, r := range c.coordinators {
		if err := r.seesSites(ctx, len(c.sites)); err != nil {
			return err
		}
	}
	return nil
}

func (r *role) seesSites(ctx context.Context, n int) error {
	var list struct {
		Participants []struct{ Ready bool }
	}
	if err := get(ctx, r.url()+"/v1/participants", &list); err != nil {
		return fmt.Errorf("ask %s for participants: %w", r.name, err)
	}
	ready := 0
	for _, p := range list.Participants {
		if p.Ready {
			ready++
		}
	}
	if ready < n {
		return fmt.Errorf("%s sees %d participants that are ready", r.name, ready)
	}
	return nil
}

// leader is the leading coordinator by what any of them says, or nil.
func (c *cluster) leader(ctx context.Context) *role {
	for _, r := range c.coordinators {
		var info struct{ Leader string }
		if get(ctx, r.url()+"/v1/cluster", &info) != nil {
			continue
		}
		for _, l := range c.coordinators {
			if l.name == info.Leader {
				return l
			}
		}
	}
	return nil
}

// get asks for JSON; into may be nil.
func get(ctx context.Context, url string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	res, err := watcher.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		why, _ := io.ReadAll(io.LimitReader(res.Body, 300)) // what came of it
		return fmt.Errorf("status %d: %s", res.StatusCode, bytes.TrimSpace(why))
	}
	if into == nil {
		return nil
	}
	return json.NewDecoder(res.Body).Decode(into)
}
