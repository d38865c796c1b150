package participant

import (
	"context"
	"errors"
	"time"

	"github.com/medcommit/medcommit/txn"
	"github.com/medcommit/medcommit/txn/failpoint"
)

// choreWithin bounds one question to the database that is no branch's; the machine asks again.
const choreWithin = 10 * time.Second

// chore is a question to the database that is no branch's. The housekeeper answers one after the other.
type chore func(ctx context.Context)

func (p *Participant) keepHouse(ctx context.Context) error {
	for {
		c, ok := p.chores.take(ctx)
		if !ok {
			return ctx.Err()
		}
		c(ctx)
	}
}

// loadSite opens the resource manager as the new incarnation before it reads the site row.
func (p *Participant) loadSite(e txn.LoadSite, incarnation int32) chore {
	p.status.wanted.Store(incarnation)
	return func(ctx context.Context) {
		answer := txn.SiteLoaded{Token: e.Token, Failed: true}
		defer func() { p.tell(answer) }()
		if !p.open(ctx, incarnation) {
			return
		}
		ctx, cancel := context.WithTimeout(ctx, choreWithin)
		defer cancel()
		row, exists, err := p.rm.Site(ctx, p.cluster, p.config.Name)
		p.asked("reading the site row", err)
		if err != nil {
			return
		}
		answer = txn.SiteLoaded{Token: e.Token, Exists: exists, Row: row}
	}
}

// open opens the resource manager, again and again until it is open, a newer incarnation wants it, or ctx ends.
func (p *Participant) open(ctx context.Context, incarnation int32) bool {
	const first, last = 100 * time.Millisecond, 2 * time.Second
	p.status.wait(waitDatabase)
	for pause := first; p.status.wanted.Load() == incarnation; pause = min(2*pause, last) {
		failpoint.Before(failpoint.Open)
		err := p.rm.Open(ctx, p.cluster, p.config.Name, incarnation)
		p.status.opened(err)
		p.asked("being opened", err)
		if err == nil {
			p.inventory.opened = true
			failpoint.After(failpoint.Open)
			p.status.wait(waitRecovery)
			return true
		}
		if !sleep(ctx, pause) {
			return false
		}
	}
	return false
}

func (p *Participant) saveSite(e txn.SaveSite) chore {
	return func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, choreWithin)
		defer cancel()
		save, step := p.rm.SaveSite, failpoint.SiteRow
		if e.Adopted {
			save, step = p.rm.AdoptSite, failpoint.AdoptRow
		}
		failpoint.Before(step)
		err := save(ctx, p.cluster, p.config.Name, e.Was, e.Row)
		moved := errors.Is(err, ErrSiteRow)
		switch {
		case err == nil:
			failpoint.After(step)
			p.asked("saving the site row", nil)
		case moved:
			p.log.Warn("site row moved", "error", err)
		default:
			p.asked("saving the site row", err)
			p.suspect()
		}
		p.tell(txn.SiteSaved{Token: e.Token, Failed: err != nil, Moved: moved})
	}
}

// listPrepared lists this participant's own; what others left prepared is none of its business.
func (p *Participant) listPrepared(e txn.ListPrepared) chore {
	return func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, choreWithin)
		defer cancel()
		failpoint.Before(failpoint.ListPrepared)
		listed, err := p.rm.Prepared(ctx)
		p.asked("listing what is prepared", err)
		if err != nil {
			p.suspect()
		} else {
			failpoint.After(failpoint.ListPrepared)
		}
		answer := txn.PreparedListed{Token: e.Token, Failed: err != nil}
		for _, b := range listed {
			if b.XID.Participant == p.config.Name && b.XID.Cluster == p.cluster {
				answer.Branches = append(answer.Branches, b.XID)
			}
		}
		p.tell(answer)
	}
}

// findBranches looks branches up that history says were committed.
func (p *Participant) findBranches(e txn.FindBranches) chore {
	return func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, choreWithin)
		defer cancel()
		answer := txn.BranchesFound{Token: e.Token}
		for _, k := range e.Keys {
			standing, err := p.rm.Lookup(ctx, txn.XID{Cluster: p.cluster, Key: k, Participant: p.config.Name})
			if err != nil {
				p.asked("listing what is prepared", err) // that is asked for again, sooner or later
				p.suspect()
				answer = txn.BranchesFound{Token: e.Token, Failed: true}
				break
			}
			if standing == StandingNone {
				answer.Missing = append(answer.Missing, k)
			}
		}
		p.tell(answer)
	}
}

// suspect has the database asked whether it answers, after it failed a call; while it does not, the site is not ready.
func (p *Participant) suspect() {
	if p.status.suspected.CompareAndSwap(false, true) {
		p.chores.put(p.probe)
	}
}

func (p *Participant) probe(ctx context.Context) {
	limited, cancel := context.WithTimeout(ctx, choreWithin)
	defer cancel()
	_, _, err := p.rm.Site(limited, p.cluster, p.config.Name)
	if p.status.answered(err) {
		p.tell(txn.DatabaseBack{})
	}
	p.status.suspected.Store(false)
}
