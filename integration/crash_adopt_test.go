package integration

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/medcommit/medcommit/txn"
	"github.com/medcommit/medcommit/txn/failpoint"
)

// restoredTransfers are handed in before a site is restored.
const restoredTransfers = 6

// adopt: a site finds its database or ZooKeeper restored (R10), with branches prepared that were decided to commit, and an operator has
// it go on; a process dies at that. Until the word is there nothing that is prepared is touched; afterwards all of it ends as decided,
// and a word that was given half is given again.
func (l *lane) adopt(c crash) {
	site := c.site()
	l.putBack(site)
	l.launchRestored(site, c)
	held := l.atSite(site)
	l.mustStay(site, held)
	asked, name, died := l.client, site, func() {}
	switch c.point {
	case failpoint.Word:
		asked, name, died = l.dies(c)
	case failpoint.AdoptRow, failpoint.Adopt:
		l.cluster.Kill(site)
		died = l.launch(site, c)
		l.awaitWaiting(site)
	}
	over := make(chan struct{})
	go func() {
		defer close(over)
		_, _, _ = asked.Adopt(l.ctx, site, "a test") // of him who dies
	}()
	died()
	if slices.Contains(l.cluster.Ended(), name) {
		l.must(l.cluster.Launch(name))
	}
	if c.point == failpoint.Word && c.side == failpoint.SideBefore {
		l.must(l.cluster.AwaitReady(l.ctx, name))
		l.awaitWaiting(site)
		l.mustStay(site, held)
	}
	l.must(await(l.ctx, func() bool {
		_, done, err := l.client.Adopt(l.ctx, site, "a test")
		return done || errors.Is(err, txn.ErrNothingToAdopt)
	}))
	l.must(l.cluster.AwaitReady(l.ctx, site))
	l.must(l.cluster.AwaitReady(l.ctx, name))
	<-over
	// Complete they were before the site was restored, and none is in doubt any more: nothing but its database tells when they have ended.
	l.must(await(l.ctx, func() bool { return len(l.atSite(site)) == 0 }))
	l.aftermath()
}

// putBack leaves a site dead, and its database older than ZooKeeper, or ZooKeeper older than its database, with branches prepared that
// were decided to commit. Nothing is lost by it.
func (l *lane) putBack(site string) {
	l.t.Helper()
	l.cluster.Kill(site)
	died := l.launch(site, crash{point: failpoint.Commit, side: failpoint.SideBefore})
	l.awaitUp(site)
	l.transfers(site)
	died()
	l.books.expect(site)
	if site != "emr" {
		l.must(l.books.advance(l.ctx, site))
		return
	}
	file := filepath.Join(l.dir, "sites", site, "embedded", "records.db")
	backup, err := os.ReadFile(file)
	l.must(err)
	l.restart(site)
	l.awaitUnprepared(true)
	l.outlive(site)
	l.cluster.Kill(site)
	l.must(os.WriteFile(file, backup, 0o600))
}

// transfers hands transfers in that touch a site, some at once, and waits for their outcomes, until one at least is committed.
func (l *lane) transfers(site string) {
	l.t.Helper()
	for l.someTransfers(site) == 0 {
		if l.ctx.Err() != nil {
			l.t.Fatal("nothing was committed before the site was restored")
		}
	}
}

func (l *lane) someTransfers(site string) (committed int) {
	l.t.Helper()
	other := everySite[(slices.Index(everySite, site)+1)%len(everySite)]
	outcomes := make(chan txn.Transaction, restoredTransfers)
	var clients sync.WaitGroup
	for n := range restoredTransfers {
		clients.Go(func() {
			r := transferRequest(l.books.newID(), n, map[string]int{site: 1, other: -1}, "")
			r.Timeout = "2s" // for those that the site no longer comes to
			_ = await(l.ctx, func() bool {
				t, err := l.client.Submit(l.ctx, r, txn.WaitDecision)
				if err != nil || !t.State.Decided() {
					return false
				}
				outcomes <- t
				return true
			})
		})
	}
	clients.Wait()
	close(outcomes)
	for t := range outcomes {
		l.must(l.books.told(t))
		if t.State.Commit() {
			committed++
		}
	}
	return committed
}

// launchRestored starts a site that was restored, which dies at its finding where c says so, and waits until it waits for an operator.
func (l *lane) launchRestored(site string, c crash) {
	l.t.Helper()
	if c.point == failpoint.Finding {
		l.launch(site, c)()
	}
	l.must(l.cluster.Launch(site))
	l.awaitWaiting(site)
}

// awaitWaiting waits until the coordinators see that a site waits for an operator.
func (l *lane) awaitWaiting(site string) {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(l.ctx, endLimit)
	defer cancel()
	var seen []txn.ParticipantInfo
	err := await(ctx, func() bool {
		var err error
		seen, err = l.client.Participants(ctx)
		return err == nil && slices.ContainsFunc(seen, func(p txn.ParticipantInfo) bool {
			return p.Name == site && p.Alive && !p.Ready && strings.Contains(p.Waits, whyNotReady)
		})
	})
	if err != nil {
		l.t.Fatalf("%s does not say that it waits for an operator: %+v", site, seen)
	}
}

// atSite lists what is prepared in a site's database, which answers although the site waits.
func (l *lane) atSite(site string) (names []string) {
	l.t.Helper()
	var all txn.InDoubt
	l.must(await(l.ctx, func() bool {
		var err error
		all, err = l.client.InDoubt(l.ctx)
		return err == nil && !slices.Contains(all.Unanswered, site)
	}))
	for _, b := range all.Branches {
		if b.Participant == site && b.Decision != txn.ProspectForeign {
			names = append(names, b.XID)
		}
	}
	slices.Sort(names)
	return names
}

// mustStay checks that what was prepared at a site is prepared still, and was something.
func (l *lane) mustStay(site string, held []string) {
	l.t.Helper()
	if now := l.atSite(site); len(held) == 0 || !slices.Equal(now, held) {
		l.t.Errorf("prepared at %s before an operator's word: %v, and then %v", site, held, now)
	}
}
