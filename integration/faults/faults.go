package main

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/medcommit/medcommit/zkcoord/zktest"
)

// longRun is from when on a run has time for outages of a minute.
const longRun = 3 * time.Minute

// faults are what the nemesis may do in a run.
func faults(run time.Duration) []fault {
	outage := 10 * time.Second
	if run >= longRun {
		outage = time.Minute
	}
	s := time.Second
	return []fault{
		{"coordinator killed", 4, anyCoordinator(killed), 0, 4 * s},
		{"leading coordinator killed", 6, leadingCoordinator(killed), 0, 4 * s},
		{"coordinator stopped", 3, anyCoordinator(stopped), s, 6 * s},
		{"leading coordinator stopped", 6, leadingCoordinator(stopped), s, 6 * s},
		{"coordinator cut off", 3, anyCoordinator(cutOff), s, 6 * s},
		{"leading coordinator cut off", 4, leadingCoordinator(cutOff), s, 6 * s},
		{"coordinator deaf to another", 2, deafCoordinators, s, 5 * s},
		{"all coordinators dead", 1, allCoordinators(killed), outage, outage},
		{"all coordinators stopped", 1, allCoordinators(stopped), 3 * s, 8 * s},
		{"participant killed", 8, anySite(killed), 0, 4 * s},
		{"participant stopped", 6, anySite(stopped), s, 6 * s},
		{"participant cut off", 6, anySite(cutOff), s, 6 * s},
		{"ZooKeeper server killed", 3, anyZooKeeper(1, killed), 0, 4 * s},
		{"ZooKeeper's leader killed", 3, leadingZooKeeper(killed), 0, 4 * s},
		{"ZooKeeper server stopped", 2, anyZooKeeper(1, stopped), s, 5 * s},
		{"ZooKeeper's leader stopped", 3, leadingZooKeeper(stopped), s, 5 * s},
		{"ZooKeeper server cut off", 2, anyZooKeeper(1, cutOff), s, 5 * s},
		{"ZooKeeper's leader cut off", 3, leadingZooKeeper(cutOff), s, 5 * s},
		{"ZooKeeper's quorum killed", 2, anyZooKeeper(2, killed), s, 6 * s},
		{"ZooKeeper's quorum cut off", 2, anyZooKeeper(2, cutOff), s, 6 * s},
		{"database server killed", 6, anyDatabase(databaseKilled), 0, 3 * s},
		{"database server stopped", 4, anyDatabase(databaseStopped), s, 6 * s},
		{"database's answers lost", 6, databaseAnswers, 2 * s, 4 * s},
		{"ZooKeeper's answers to a coordinator lost", 5, zookeeperAnswers(false, true), 3 * s, 3 * s},
		{"ZooKeeper's answers to a participant lost", 5, zookeeperAnswers(true, true), 3 * s, 3 * s},
		{"requests to ZooKeeper lost", 3, zookeeperAnswers(true, false), 3 * s, 3 * s},
		{"ZooKeeper silent to a process", 4, zookeeperSilent, s, 5 * s},
		{"answers to clients lost", 4, clientAnswers, s, s},
		{"disk full under the embedded store", 4, diskFull, s, 5 * s},
	}
}

// blow makes a strike on one process.
type blow func(p *program) *strike

func killed(p *program) *strike {
	return &strike{
		targets: []string{p.name},
		do:      func() error { p.kill(); return nil },
		heal:    func(context.Context) error { return p.start() },
	}
}

// stopped is what makes zombies: when the process goes on it knows nothing of the time that has passed.
func stopped(p *program) *strike {
	return &strike{
		targets: []string{p.name},
		do:      func() error { p.pause(); return nil },
		heal:    func(context.Context) error { p.resume(); return nil },
	}
}

func cutOff(p *program) *strike {
	return &strike{
		targets: []string{p.name},
		do:      func() error { return p.host.pull() },
		heal:    func(context.Context) error { return p.host.plugIn() },
	}
}

// both makes one strike of several.
func both(all ...*strike) *strike {
	one := &strike{}
	for _, s := range all {
		one.targets = append(one.targets, s.targets...)
	}
	one.do = func() error {
		for _, s := range all {
			if err := s.do(); err != nil {
				return err
			}
		}
		return nil
	}
	one.heal = func(ctx context.Context) error {
		for _, s := range all {
			if err := s.heal(ctx); err != nil {
				return err
			}
		}
		return nil
	}
	return one
}

type aim = func(context.Context, *cluster, *rand.Rand) *strike

func anyCoordinator(b blow) aim {
	return func(_ context.Context, c *cluster, r *rand.Rand) *strike {
		return b(&c.coordinators[r.IntN(len(c.coordinators))].program)
	}
}

func leadingCoordinator(b blow) aim {
	return func(ctx context.Context, c *cluster, _ *rand.Rand) *strike {
		if l := c.leader(ctx); l != nil {
			return b(&l.program)
		}
		return nil
	}
}

func allCoordinators(b blow) aim {
	return func(_ context.Context, c *cluster, _ *rand.Rand) *strike {
		var all []*strike
		for _, r := range c.coordinators {
			all = append(all, b(&r.program))
		}
		return both(all...)
	}
}

// deafCoordinators loses what one coordinator sends to another, which both go on hearing ZooKeeper and clients.
func deafCoordinators(_ context.Context, c *cluster, r *rand.Rand) *strike {
	two := r.Perm(len(c.coordinators))
	from, to := c.coordinators[two[0]], c.coordinators[two[1]]
	return &strike{
		targets: []string{from.name + " to " + to.name},
		do:      func() error { return from.host.deafen(to.host) },
		heal:    func(context.Context) error { return from.host.hear(to.host) },
	}
}

func anySite(b blow) aim {
	return func(_ context.Context, c *cluster, r *rand.Rand) *strike {
		return b(&c.sites[r.IntN(len(c.sites))].program)
	}
}

func anyZooKeeper(n int, b blow) aim {
	return func(_ context.Context, c *cluster, r *rand.Rand) *strike {
		var some []*strike
		for _, i := range r.Perm(len(c.zookeeper))[:n] {
			some = append(some, b(&c.zookeeper[i].program))
		}
		return both(some...)
	}
}

func leadingZooKeeper(b blow) aim {
	return func(ctx context.Context, c *cluster, _ *rand.Rand) *strike {
		if l := c.zookeeperLeader(ctx); l != nil {
			return b(&l.program)
		}
		return nil
	}
}

// zookeeperAnswers loses, at every server, the answer to the next two multis of one process, or the multis themselves: it cannot
// know which of them it was.
func zookeeperAnswers(participants, answers bool) aim {
	return func(_ context.Context, c *cluster, r *rand.Rand) *strike {
		name := c.coordinators[r.IntN(len(c.coordinators))].name
		if participants {
			name = c.sites[r.IntN(len(c.sites))].name
		}
		return &strike{
			targets: []string{"ZooKeeper for " + name},
			do: func() error {
				for _, s := range c.zookeeper {
					for range 2 {
						if answers {
							s.proxies[name].LoseAnswer(zktest.Multi)
						} else {
							s.proxies[name].LoseRequest(zktest.Multi)
						}
					}
				}
				return nil
			},
			heal: func(context.Context) error {
				for _, s := range c.zookeeper {
					s.proxies[name].Forgive()
				}
				return nil
			},
		}
	}
}

// zookeeperSilent lets one process hear nothing from ZooKeeper, and ZooKeeper nothing from it, while its database and the clients do.
func zookeeperSilent(_ context.Context, c *cluster, r *rand.Rand) *strike {
	roles := c.roles()
	name := roles[r.IntN(len(roles))].name
	return &strike{
		targets: []string{"ZooKeeper for " + name},
		do: func() error {
			for _, s := range c.zookeeper {
				s.proxies[name].Hold()
			}
			return nil
		},
		heal: func(context.Context) error {
			for _, s := range c.zookeeper {
				s.proxies[name].Release()
			}
			return nil
		},
	}
}

// clientAnswers loses what one coordinator answers next.
func clientAnswers(_ context.Context, c *cluster, r *rand.Rand) *strike {
	to := c.coordinators[r.IntN(len(c.coordinators))]
	return &strike{
		targets: []string{"answers of " + to.name},
		do:      func() error { to.front.lose.Store(20); return nil },
		heal:    func(context.Context) error { to.front.lose.Store(0); return nil },
	}
}
