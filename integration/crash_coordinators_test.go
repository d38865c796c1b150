package integration

import (
	"github.com/medcommit/medcommit/txn/failpoint"
)

// startCoordinator: a coordinator dies as it starts, under load.
func (l *lane) startCoordinator(c crash) {
	_, standby := l.roles()
	load := l.load(l.client)
	l.cluster.Kill(standby)
	l.launch(standby, c)()
	l.restart(standby)
	load.end()
	l.audit()
}

// submit: the coordinator that clients ask dies.
func (l *lane) submit(c crash) {
	leader, standby := l.roles()
	l.cluster.Kill(standby)
	died := l.launch(standby, c)
	l.awaitUp(standby)
	load := l.load(l.clientOf(standby, leader))
	died()
	l.restart(standby)
	load.end()
	l.audit()
}

// lead: a coordinator takes over from a leader that was killed, and dies as it takes over or while it leads.
func (l *lane) lead(c crash) {
	leader, standby := l.roles()
	l.cluster.Kill(standby)
	died := l.launch(standby, c)
	l.awaitUp(standby)
	l.awaitStanding(2)
	load := l.load(l.client)
	l.cluster.Kill(leader)
	l.must(l.cluster.Launch(leader))
	died()
	l.restart(standby)
	l.must(l.cluster.AwaitReady(l.ctx, leader))
	load.end()
	l.audit()
}

// awaitStanding waits until n coordinators are seen.
func (l *lane) awaitStanding(n int) {
	l.t.Helper()
	l.must(await(l.ctx, func() bool {
		info, err := l.client.Cluster(l.ctx)
		return err == nil && len(info.Coordinators) == n && info.Leader != ""
	}))
}

// sweep: a coordinator dies between a payload and its submission, and then the leader as it removes what nobody took.
func (l *lane) sweep(c crash) {
	leader, standby := l.roles()
	l.cluster.Kill(standby)
	died := l.launch(standby, c)
	l.awaitUp(standby)
	l.awaitStanding(2)
	l.cluster.Kill(leader)
	abandoned := l.launch(leader, crash{point: failpoint.Payload, side: failpoint.SideAfter})
	l.awaitUp(leader)
	load := l.load(l.clientOf(leader, standby))
	abandoned()
	l.must(l.cluster.Launch(leader))
	died()
	l.restart(standby)
	l.must(l.cluster.AwaitReady(l.ctx, leader))
	load.end()
	l.audit()
}

// resign: a leader dies as it hands over.
func (l *lane) resign(c crash) {
	leader, standby := l.roles()
	load := l.load(l.client)
	l.cluster.Kill(leader)
	died := l.launch(leader, c)
	l.awaitUp(leader)
	l.awaitStanding(2)
	l.cluster.Kill(standby)
	l.restart(standby)
	l.must(await(l.ctx, func() bool { now, _ := l.roles(); return now == leader }))
	l.cluster.Terminate(leader)
	died()
	l.restart(leader)
	load.end()
	l.audit()
}

// drain: a coordinator dies as it drains a site for an operator.
func (l *lane) drain(c crash) {
	leader, standby := l.roles()
	l.cluster.Kill(standby)
	died := l.launch(standby, c)
	l.awaitUp(standby)
	load := l.load(l.client)
	_, _ = l.clientOf(standby, leader).Drain(l.ctx, "emr") // the first one dies of it, and the client asks the other
	died()
	l.restart(standby)
	p, err := l.patient.Drain(l.ctx, "emr")
	l.must(err)
	if !p.Drained {
		l.t.Error("a site that was drained is shown as not drained")
	}
	p, err = l.patient.Resume(l.ctx, "emr")
	l.must(err)
	if p.Drained {
		l.t.Error("a site that was taken up again is shown as drained")
	}
	load.end()
	l.audit()
}
