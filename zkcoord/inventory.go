package zkcoord

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-zookeeper/zk"
	"golang.org/x/sync/errgroup"

	"github.com/medcommit/medcommit/txn"
	"github.com/medcommit/medcommit/txn/failpoint"
)

const (
	// inventoryEvery is the least time between two questions of this coordinator to a site.
	inventoryEvery = time.Second
	// inventoryPatience is how long is waited for a site's answer.
	inventoryPatience = 2 * time.Second
	// inventoryLook is how often is looked for it.
	inventoryLook = 25 * time.Millisecond
	// inventoryAtOnce is how many sites are asked at once.
	inventoryAtOnce = 32
)

// inventories asks sites what is prepared in their databases. Calls that come together share one round of questions.
type inventories struct {
	mu    sync.Mutex
	round *inventoryRound // the last
}

// inventoryRound is one question to all sites.
type inventoryRound struct {
	begun time.Time
	done  chan struct{}
	// Afterwards:
	sites []siteInventory
}

// siteInventory is what one site listed.
type siteInventory struct {
	site   string
	list   txn.Inventory
	listed bool // at any time
	fresh  bool // in this round
	// held says that the site presumes nothing now: it waits for an operator.
	held bool
}

// take gives a round that has ended: the one that is under way or not old enough to be repeated, else a new one.
func (i *inventories) take(ctx context.Context, c *Coordinator, names []string) ([]siteInventory, error) {
	i.mu.Lock()
	r := i.round
	if r == nil || time.Since(r.begun) > inventoryEvery && r.over() {
		r = &inventoryRound{begun: time.Now(), done: make(chan struct{})}
		i.round = r
		go func() { // bounded by its patience, whoever waits for it
			defer close(r.done)
			c.askSites(r, names)
		}()
	}
	i.mu.Unlock()
	select {
	case <-r.done:
		return r.sites, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (r *inventoryRound) over() bool { return closed(r.done) }

// askSites asks all at once, and gives what they listed last where they do not answer.
func (c *Coordinator) askSites(r *inventoryRound, names []string) {
	ctx, cancel := context.WithTimeout(context.Background(), inventoryPatience)
	defer cancel()
	r.sites = make([]siteInventory, len(names))
	var g errgroup.Group
	g.SetLimit(inventoryAtOnce)
	for i, name := range names {
		g.Go(func() error {
			r.sites[i] = c.askSite(ctx, name)
			return nil
		})
	}
	_ = g.Wait() // never an error
}

func (c *Coordinator) askSite(ctx context.Context, name string) siteInventory {
	answer := siteInventory{site: name}
	nonce, err := c.questionSite(ctx, name)
	for ctx.Err() == nil {
		listed, readErr := c.listOfSite(ctx, name)
		if readErr != nil {
			break
		}
		if listed != nil {
			answer.list, answer.listed = *listed, true
			answer.fresh = err == nil && listed.Nonce == nonce && !listed.Failed
		}
		if err != nil || answer.listed && listed.Nonce == nonce || !c.roster.Load().alive(name) {
			break
		}
		sleep(ctx, inventoryLook)
	}
	applied, err := c.applied(ctx, name)
	answer.held = err != nil || applied.Restored != nil
	return answer
}

// questionSite asks, and gives the nonce of the question that the answer will name: another coordinator's may have been faster.
func (c *Coordinator) questionSite(ctx context.Context, name string) (string, error) {
	path := c.driver.path(txn.InventoryPath(name))
	_, stat, err := c.driver.get(ctx, path)
	if err != nil {
		return "", fmt.Errorf("ask for prepared branches: %w", err)
	}
	question := txn.InventoryRequest{Nonce: newNonce()}
	failpoint.Before(failpoint.Question)
	err = c.driver.set(ctx, path, record(question), stat.Version)
	if errors.Is(err, zk.ErrBadVersion) { // another's, or this one, whose answer was lost
		var data []byte
		if data, _, err = c.driver.get(ctx, path); err == nil {
			err = json.Unmarshal(data, &question)
		}
	}
	if err != nil {
		return "", fmt.Errorf("ask for prepared branches: %w", err)
	}
	failpoint.After(failpoint.Question)
	return question.Nonce, nil
}

// listOfSite gives what the site listed last; nil where it never did.
func (c *Coordinator) listOfSite(ctx context.Context, name string) (*txn.Inventory, error) {
	data, _, err := c.driver.get(ctx, c.driver.path(txn.InDoubtPath(name)))
	if err != nil || len(data) == 0 {
		return nil, err
	}
	var list txn.Inventory
	if err := json.Unmarshal(data, &list); err != nil {
		return nil, fmt.Errorf("read what the site listed: %w", errUndecodable)
	}
	return &list, nil
}
