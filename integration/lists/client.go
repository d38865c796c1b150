package lists

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/medcommit/medcommit/integration/appends"
	"github.com/medcommit/medcommit/txn"
)

// client does one thing after the other.
type client struct {
	w       *Workload
	rand    *rand.Rand
	process int
}

// act does one thing: most often a transaction, else a look from outside. What was begun is not cut short when ctx ends.
func (c *client) act(ctx context.Context) {
	ctx = context.WithoutCancel(ctx)
	if c.rand.IntN(5) == 0 {
		c.look(ctx)
		return
	}
	c.transaction(ctx)
}

// note writes a line; after an end that is not known the client is another process.
func (c *client) note(op appends.Op) {
	op.Process = c.process
	c.w.cfg.Recorder.note(op)
	if op.Type == appends.Info {
		c.process = c.w.cfg.Recorder.client()
	}
}

// look reads some lists of one site from outside.
func (c *client) look(ctx context.Context) {
	site := c.site()
	names := []string{c.w.pick(c.rand, site)}
	if _, blind := c.w.cfg.Sites[site].Blind("", 0); blind && c.rand.IntN(2) == 0 { // an SQL site reads two at one moment
		if other := c.w.pick(c.rand, site); other != names[0] {
			names = append(names, other)
		}
	}
	var op appends.Op
	for _, name := range names {
		op.Steps = append(op.Steps, appends.Step{Key: site + "/" + name})
	}
	c.note(op)
	found, err := c.see(ctx, site, names)
	if err != nil {
		op.Type, op.Error = appends.Fail, "the site was not read"
		c.note(op)
		return
	}
	op.Type, op.Steps = appends.OK, nil
	for i, name := range names {
		op.Steps = append(op.Steps, appends.Step{Key: site + "/" + name, Known: true, List: found[i].Elements})
		c.w.grown(site, name, len(found[i].Elements))
	}
	c.note(op)
}

func (c *client) see(ctx context.Context, site string, names []string) ([]List, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	return c.w.cfg.Sites[site].Look(ctx, names)
}

func (c *client) site() string { return c.w.names[c.rand.IntN(len(c.w.names))] }

// transaction appends at two sites, sometimes at all.
func (c *client) transaction(ctx context.Context) {
	sites := c.rand.Perm(len(c.w.names))
	if n := 2 + c.rand.IntN(5)/4; n < len(sites) {
		sites = sites[:n]
	}
	r := txn.Request{Timeout: c.w.cfg.Timeout.String()}
	var asked, answered []appends.Step
	for _, i := range sites {
		site := c.w.names[i]
		name, v := c.w.pick(c.rand, site), c.w.value.Add(1)
		o, seen, err := c.append(ctx, site, name, v)
		if err != nil {
			return // the site cannot be looked at: nothing was begun
		}
		key := site + "/" + name
		if seen != nil {
			asked = append(asked, appends.Step{Key: key})
			answered = append(answered, appends.Step{Key: key, Known: true, List: seen.Elements})
		}
		asked = append(asked, appends.Step{Key: key, Append: true, Value: v})
		answered = append(answered, asked[len(asked)-1])
		r.Branches = append(r.Branches, txn.BranchRequest{Participant: site, Operations: []txn.Operation{o}})
	}
	r.ID = fmt.Sprintf("lists-%x-%d", c.w.cfg.Seed, asked[len(asked)-1].Value)
	op := appends.Op{ID: r.ID, Steps: asked}
	c.note(op)
	wait := txn.WaitDecision
	if c.rand.IntN(2) == 0 {
		wait = txn.WaitCompleted
	}
	t, err := c.w.cfg.Client.Submit(ctx, r, wait)
	switch {
	case err != nil:
		op.Type, op.Error = appends.Info, "no answer"
	case t.State.Commit():
		op.Type, op.Steps, op.Everywhere = appends.OK, answered, t.State == txn.StateCommitted
	case t.State == txn.StateAborting || t.State == txn.StateAborted:
		op.Type, op.Error = appends.Fail, "aborted"
		if t.Reason != nil {
			op.Error = fmt.Sprintf("%s %s", t.Reason.Code, t.Reason.Detail)
		}
	default:
		op.Type, op.Error = appends.Info, "undecided"
	}
	c.note(op)
}

// append chooses how v is appended: blindly where the site can, or after a look, which it gives then.
func (c *client) append(ctx context.Context, site, name string, v int64) (txn.Operation, *List, error) {
	at := c.w.cfg.Sites[site]
	if o, can := at.Blind(name, v); can && c.rand.IntN(2) == 0 {
		return o, nil, nil
	}
	found, err := c.see(ctx, site, []string{name})
	if err != nil {
		return txn.Operation{}, nil, err
	}
	c.w.grown(site, name, len(found[0].Elements))
	if o, can := at.Blind(name, v); can && len(found[0].Elements) == 0 {
		return o, nil, nil
	}
	return at.After(name, found[0], v), &found[0], nil
}
