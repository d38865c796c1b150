package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/medcommit/medcommit/api/client"
	"github.com/medcommit/medcommit/participant"
	"github.com/medcommit/medcommit/txn"
)

// lookAtCluster asks the coordinators for the cluster.
func (d *doctor) lookAtCluster(ctx context.Context) error {
	c, err := d.connectFor(-1) // it tells how things are now
	if err != nil {
		return err
	}
	info, err := c.Cluster(ctx)
	if err != nil {
		d.note("coordinators", participant.FindingFault, "none of them answers for the cluster",
			"start medcommit coordinator, or name its URL in --coordinators; its /readyz says what it waits for")
		return nil
	}
	d.cluster = info.Cluster
	switch {
	case info.Leader == "":
		d.note("coordinators", participant.FindingFault, "none of them leads: nothing is decided", "look at their logs; a ZooKeeper session is needed")
	case len(info.Coordinators) < 2:
		d.note("coordinators", participant.FindingWarning, info.Leader+" leads, and is the only one: when it dies nothing is decided until it is back",
			"run at least two, on different machines")
	default:
		d.note("coordinators", participant.FindingGood, fmt.Sprintf("%s leads, %d in all", info.Leader, len(info.Coordinators)), "")
	}
	for _, k := range info.Coordinators {
		d.lookAtCoordinator(ctx, c, &k)
	}
	for i := range info.Participants {
		d.lookAtParticipant(&info.Participants[i])
	}
	d.lookAtOrphans(ctx, c)
	return nil
}

func (d *doctor) lookAtCoordinator(ctx context.Context, c *client.Client, k *txn.CoordinatorInfo) {
	of := "coordinator " + k.ID
	if err := c.Ready(ctx, k.URL); err != nil {
		d.fault(of, "it is not ready: "+notReady(err), "look at its log; is its --advertise reached from here?")
		return
	}
	d.good(of, "it is ready")
	if k.Version != buildVersion() {
		d.warn(of, "its version is "+k.Version+", that of this program "+buildVersion(), "bring all processes to one version, one after the other")
	}
	d.lookAtClock(ctx, of, k.URL)
}

func (d *doctor) lookAtParticipant(p *txn.ParticipantInfo) {
	of := "participant " + p.Name
	switch {
	case !p.Alive:
		d.fault(of, "it has no session", "start medcommit participant --name "+p.Name+", or look at its log")
	case !p.Ready:
		what := "it is not ready"
		if p.Waits != "" {
			what += ": it waits for " + p.Waits
		}
		d.fault(of, what, "its /readyz and its log say more; after a restore from a backup see medcommit participants adopt --help")
	case p.Drained:
		d.warn(of, "it is drained by an operator", "medcommit participants resume "+p.Name)
	default:
		d.good(of, fmt.Sprintf("it is ready, %d branches in doubt", p.InDoubt))
	}
}

// oldBranch is the age from which on a prepared branch is worth a look: longer than any transaction's timeout by default, and than
// --withdraw-after.
const oldBranch = time.Minute

// lookAtOrphans looks for prepared branches that nobody finishes.
func (d *doctor) lookAtOrphans(ctx context.Context, c *client.Client) {
	all, err := c.InDoubt(ctx)
	if err != nil {
		d.warn("branches", "what is prepared at the sites cannot be listed", "look at the coordinators' logs")
		return
	}
	counts := map[txn.Prospect]int{}
	for i := range all.Branches {
		if b := &all.Branches[i]; b.Decision == txn.ProspectForeign || b.AgeSeconds >= oldBranch.Seconds() {
			counts[b.Decision]++
		}
	}
	if n := counts[txn.ProspectForeign]; n > 0 {
		d.warn("branches", fmt.Sprintf("%d prepared transactions in the sites' databases are not medcommit's, and hold their locks", n),
			"medcommit in-doubt names them; whoever prepared them must end them, medcommit never touches them")
	}
	if n := counts[txn.ProspectCommit] + counts[txn.ProspectAbort]; n > 0 {
		d.fault("branches", fmt.Sprintf("%d branches are decided and still prepared after %s", n, oldBranch),
			"medcommit in-doubt names them; look at the logs of their sites")
	}
	if n := counts[txn.ProspectUndecided]; n > 0 {
		d.warn("branches", fmt.Sprintf("%d branches are undecided for more than %s, and hold their locks", n, oldBranch),
			"medcommit in-doubt names them, and how to settle them")
	}
	for _, name := range all.Unanswered {
		d.warn("participant "+name, "it did not list what is prepared in its database", "start it, or look at its log")
	}
	if len(counts)+len(all.Unanswered) == 0 {
		d.good("branches", "none is prepared and forgotten")
	}
}

// lookAtClock compares a process's clock with this one's, where its listener can be asked from here: to a second, as its answers tell.
func (d *doctor) lookAtClock(ctx context.Context, of, url string) {
	ctx, cancel := context.WithTimeout(ctx, askPatience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(url, "/")+"/livez", nil)
	if err != nil {
		return
	}
	before := time.Now()
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return
	}
	_ = answer.Body.Close()
	says, err := http.ParseTime(answer.Header.Get("Date"))
	if err != nil {
		return
	}
	middle := before.Add(time.Since(before) / 2)
	// Its clock showed something from says to a second more.
	switch offset := says.Sub(middle); {
	case offset > 0:
		d.add(of, participant.CompareClock(offset))
	case offset < -time.Second:
		d.add(of, participant.CompareClock(offset+time.Second))
	default:
		d.add(of, participant.CompareClock(0))
	}
}
