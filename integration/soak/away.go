package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/medcommit/medcommit/txn"
)

// How many transactions the participant that is away is left with: some whose other branch is held, so that they stay undecided
// for longer than the run, and some that are under way, of which many are decided, when it is killed.
const (
	heldForAway  = 50
	underWay     = 500
	heldTimeout  = 10 * time.Minute
	shortTimeout = 5 * time.Second
)

func payload(key string) []byte {
	return fmt.Appendf(nil, `{"operations":[{"arguments":{"key":%q,"value":{"n":1}},"name":"put"}]}`, key)
}

// leaveAway hands transactions in that concern the participant, kills it in the middle of them, and tells what is left of them.
func (c *cluster) leaveAway(ctx context.Context) (string, error) {
	for i := range heldForAway {
		_, err := c.submit(ctx, txn.Handed{
			ID: fmt.Sprintf("held-%d", i), Digest: "d", Timeout: heldTimeout, Wait: txn.WaitNone,
			Branches: []txn.HandedBranch{{Participant: workA, Payload: payload(holdKey)}, {Participant: away, Payload: payload(fmt.Sprintf("held/%d", i))}},
		})
		if err != nil {
			return "", fmt.Errorf("hand in for %s: %w", away, err)
		}
	}
	var group sync.WaitGroup
	decided := make(chan struct{}, underWay)
	for i := range underWay {
		group.Go(func() {
			_, _ = c.submit(ctx, txn.Handed{ // what became of them is counted below
				ID: fmt.Sprintf("under-way-%d", i), Digest: "d", Timeout: shortTimeout,
				Branches: []txn.HandedBranch{{Participant: workA, Payload: payload("k")}, {Participant: away, Payload: payload(fmt.Sprintf("under-way/%d", i))}},
			})
			decided <- struct{}{}
		})
	}
	for range underWay / 4 {
		<-decided
	}
	c.end(away)
	group.Wait()
	left, err := c.outstanding(ctx, "c1")
	return fmt.Sprint(left), err
}

// comeBack starts the participant again, and waits until nothing is left of what it was left with. Then the cluster falls silent,
// and what is kept is measured once more.
func (c *cluster) comeBack(ctx context.Context, m *meter) error {
	left, err := c.outstanding(ctx, "c1")
	if err != nil {
		return err
	}
	fmt.Printf("%s comes back to %v\n", away, left)
	began := time.Now()
	if err := c.startAway(ctx); err != nil {
		return err
	}
	fmt.Printf("%s was ready after %s\n", away, time.Since(began).Round(time.Millisecond))
	for i := range heldForAway {
		_, _ = c.gen.Abort(ctx, fmt.Sprintf("held-%d", i)) // those whose time is over are aborted, or forgotten
	}
	err = c.await(ctx, away+" has finished what it left", func() bool {
		left, err := c.outstanding(ctx, "c1")
		return err == nil && left["preparing"]+left["committing"]+left["aborting"] == 0
	})
	if err != nil {
		return err
	}
	fmt.Printf("it has finished all of it after %s\n", time.Since(began).Round(time.Millisecond))
	if err := m.takeOver(ctx); err != nil {
		return err
	}
	return m.forgotten(ctx)
}
