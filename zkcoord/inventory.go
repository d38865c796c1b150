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

// inventories asks sites what is prepared in their databases. Calls that wait for the same round share it.
type inventories struct {
	mu   sync.Mutex
	last *inventoryRound // that has begun
	next *inventoryRound // that waits for its time; nil: nobody does
}

// inventoryRound is one question to all sites.
type inventoryRound struct {
	begun time.Time // set before it is the last one
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

// take gives a round that begins after the call, for what was prepared before the call is to be listed.
func (i *inventories) take(ctx context.Context, c *Coordinator) ([]siteInventory, error) {
	i.mu.Lock()
	r := i.next
	if r == nil {
		r = &inventoryRound{done: make(chan struct{})}
		i.next = r
		go i.run(c, r, i.last) // bounded by the rounds' patience, whoever waits for it
	}
	i.mu.Unlock()
	select {
	case <-r.done:
		return r.sites, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// run has a round take its turn after the one before, which is nil for the first.
func (i *inventories) run(c *Coordinator, r, before *inventoryRound) {
	defer close(r.done)
	if before != nil {
		<-before.done
		time.Sleep(time.Until(before.begun.Add(inventoryEvery)))
	}
	i.mu.Lock()
	r.begun = time.Now()
	i.last, i.next = r, nil
	i.mu.Unlock()
	r.sites = c.askSites()
}

// askSites asks all at once, and gives what they listed last where they do not answer.
func (c *Coordinator) askSites() []siteInventory {
	ctx, cancel := context.WithTimeout(context.Background(), inventoryPatience)
	defer cancel()
	known := c.roster.Load().sites
	sites := make([]siteInventory, len(known))
	var g errgroup.Group
	g.SetLimit(inventoryAtOnce)
	for i := range known {
		g.Go(func() error {
			sites[i] = c.askSite(ctx, known[i].Name)
			return nil
		})
	}
	_ = g.Wait() // never an error
	return sites
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
