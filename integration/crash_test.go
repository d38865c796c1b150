package integration

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/medcommit/medcommit/txn/failpoint"
)

// crash is one case: a process dies at one side of one step, at its times-th passing.
type crash struct {
	point failpoint.Point
	side  failpoint.Side
	who   string // a site; empty: a coordinator
	times int
	how   string // tells apart the scenes of one step
	scene func(*lane, crash)
}

func (c crash) String() string {
	name := c.point.String() + "-" + c.side.String()
	for _, more := range []string{c.who, c.how} {
		if more != "" {
			name += "-" + more
		}
	}
	return name
}

// arm is the environment in which a process dies as c says.
func (c crash) arm() string {
	return fmt.Sprintf("%s=%v/%v:%d", failpoint.Environment, c.point, c.side, max(c.times, 1))
}

// scenes says for each step how a process is brought to die there, and which: every one of who, or, without, a coordinator.
var scenes = []struct {
	point failpoint.Point
	scene func(*lane, crash)
	who   []string
	times int
	how   string
	held  bool // also with the act held: something must wait for it
}{
	{point: failpoint.Layout, scene: (*lane).found},
	{point: failpoint.Announce, scene: (*lane).startCoordinator},
	{point: failpoint.Stand, scene: (*lane).startCoordinator},
	{point: failpoint.Resign, scene: (*lane).resign},
	{point: failpoint.Drain, scene: (*lane).drain},
	{point: failpoint.Wish, scene: (*lane).force},
	{point: failpoint.Wish, scene: (*lane).retract, how: "retract"},
	{point: failpoint.Word, scene: (*lane).adopt},
	{point: failpoint.Question, scene: (*lane).list},
	{point: failpoint.Payload, scene: (*lane).submit},
	{point: failpoint.Submit, scene: (*lane).submit, times: 3, held: true},
	{point: failpoint.Answer, scene: (*lane).submit, times: 3},
	{point: failpoint.Bump, scene: (*lane).lead, held: true},
	{point: failpoint.Lead, scene: (*lane).lead},
	{point: failpoint.DecideCommit, scene: (*lane).lead, times: 2, held: true},
	{point: failpoint.DecideAbort, scene: (*lane).lead, times: 2, held: true},
	{point: failpoint.DecideDuplicate, scene: (*lane).lead},
	{point: failpoint.Retire, scene: (*lane).lead, held: true},
	{point: failpoint.Clear, scene: (*lane).lead},
	{point: failpoint.Horizon, scene: (*lane).lead, held: true},
	{point: failpoint.Forget, scene: (*lane).lead},
	{point: failpoint.Sweep, scene: (*lane).sweep},
	{point: failpoint.RollOver, scene: (*lane).lead},

	{point: failpoint.Register, scene: (*lane).found, who: []string{"emr"}},
	{point: failpoint.Incarnation, scene: (*lane).recover, who: []string{"pharmacy"}},
	{point: failpoint.Incarnation, scene: (*lane).recoverAlone, how: "alone", who: []string{"orders"}},
	{point: failpoint.Open, scene: (*lane).recover, who: everySite},
	{point: failpoint.SiteRow, scene: (*lane).recover, how: "recovering", who: []string{"orders"}},
	{point: failpoint.SiteRow, scene: (*lane).serve, who: []string{"emr", "pharmacy"}, times: 2, held: true}, // the first one belongs to the recovery
	{point: failpoint.ListPrepared, scene: (*lane).recover, who: everySite},
	{point: failpoint.ListPrepared, scene: (*lane).recoverAlone, how: "alone", who: []string{"pharmacy"}},
	{point: failpoint.Touch, scene: (*lane).recover, who: []string{"orders"}},
	{point: failpoint.Touch, scene: (*lane).recoverAlone, how: "alone", who: []string{"emr"}},
	{point: failpoint.Prepare, scene: (*lane).serve, who: everySite, times: 3, held: true},
	{point: failpoint.VoteCommit, scene: (*lane).serve, who: []string{"orders", "pharmacy"}, times: 2, held: true},
	{point: failpoint.VoteAbort, scene: (*lane).serve, who: []string{"emr"}},
	{point: failpoint.Commit, scene: (*lane).serve, who: everySite, times: 2, held: true},
	{point: failpoint.Rollback, scene: (*lane).serve, who: everySite, held: true},
	{point: failpoint.Applied, scene: (*lane).serve, who: []string{"pharmacy"}, held: true},
	{point: failpoint.Withdraw, scene: (*lane).withdraw, who: everySite, held: true},
	{point: failpoint.Intent, scene: (*lane).force, who: []string{"pharmacy", "emr"}},
	{point: failpoint.Commit, scene: (*lane).force, how: "by-hand", who: everySite},
	{point: failpoint.WishAnswer, scene: (*lane).force, who: []string{"orders"}},
	{point: failpoint.Withdraw, scene: (*lane).retract, how: "by-hand", who: []string{"emr"}},
	{point: failpoint.Rollback, scene: (*lane).retract, how: "by-hand", who: []string{"pharmacy"}},
	{point: failpoint.WishAnswer, scene: (*lane).retract, how: "retract", who: []string{"emr"}},
	{point: failpoint.Commit, scene: (*lane).settle, how: "as-decided", who: []string{"pharmacy"}},
	{point: failpoint.WishAnswer, scene: (*lane).settle, how: "as-decided", who: []string{"orders"}},
	{point: failpoint.Finding, scene: (*lane).adopt, who: []string{"emr", "orders"}},
	{point: failpoint.AdoptRow, scene: (*lane).adopt, who: []string{"orders", "pharmacy"}},
	{point: failpoint.Adopt, scene: (*lane).adopt, who: []string{"emr", "pharmacy"}},
	{point: failpoint.Inventory, scene: (*lane).list, who: []string{"orders"}},
	{point: failpoint.Withdraw, scene: (*lane).overtaken, how: "overtaken", who: []string{"pharmacy"}, held: true},
	{point: failpoint.Applied, scene: (*lane).behind, how: "behind", who: []string{"pharmacy"}, times: 20},
	{point: failpoint.CloseOwn, scene: (*lane).serve, who: []string{"pharmacy"}},
}

// crashes gives the cases: the sides of every step.
func crashes(t *testing.T) []crash {
	var all []crash
	met := map[failpoint.Point]bool{}
	for _, s := range scenes {
		met[s.point] = true
		who := s.who
		if len(who) == 0 {
			who = []string{""}
		}
		sides := []failpoint.Side{failpoint.SideBefore, failpoint.SideAfter}
		if s.held {
			sides = append(sides, failpoint.SideHeld)
		}
		for _, side := range sides {
			for _, w := range who {
				all = append(all, crash{point: s.point, side: side, who: w, times: s.times, how: s.how, scene: s.scene})
			}
		}
	}
	for _, p := range failpoint.Points() {
		if !met[p] {
			t.Errorf("no process dies at the step %v", p)
		}
	}
	return all
}

// lanes is how many clusters work off the cases beside one another, whatever the number of processors: they mostly wait. They share
// the servers; each has a root and databases of its own. The first one forgets soon, and has what needs that.
const lanes = 4

// TestCrash kills a process before and after every step of the protocol, each role and each kind of database, under load; starts it
// again; and audits that nothing was lost, split, or left behind. A step that is not reached fails the test.
func TestCrash(t *testing.T) {
	all := crashes(t)
	s := startCrashServers(t)
	founding := take(&all, failpoint.Layout, failpoint.Register)
	queues := [lanes]*crashQueue{{rest: take(&all, failpoint.Horizon, failpoint.Forget, failpoint.Sweep)}}
	rest := &crashQueue{rest: all}
	for n := 1; n < lanes; n++ {
		queues[n] = rest
	}
	var running sync.WaitGroup
	for n := range lanes {
		l := s.newLane(n)
		running.Go(func() {
			t.Run(l.name, func(t *testing.T) {
				l.begin(t, founding, n)
				for c, ok := queues[n].next(); ok; c, ok = queues[n].next() {
					l.run(t, c)
				}
				l.end(t)
			})
		})
	}
	running.Wait()
}

// take gives the cases of some steps, and leaves the others in all.
func take(all *[]crash, points ...failpoint.Point) []crash {
	of := func(c crash) bool { return slices.Contains(points, c.point) }
	var taken []crash
	for _, c := range *all {
		if of(c) {
			taken = append(taken, c)
		}
	}
	*all = slices.DeleteFunc(*all, of)
	return taken
}

// crashQueue hands out cases to the lanes.
type crashQueue struct {
	mu   sync.Mutex
	rest []crash
}

func (q *crashQueue) next() (crash, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.rest) == 0 {
		return crash{}, false
	}
	c := q.rest[0]
	q.rest = q.rest[1:]
	return c, true
}

// TestNoFailpointInTheProgram looks for the failpoints in the program as it is shipped, and in the one that has them.
func TestNoFailpointInTheProgram(t *testing.T) {
	for _, word := range []string{failpoint.Environment, "died at failpoint"} {
		if holdsText(t, program, word) {
			t.Errorf("the program holds %q", word)
		}
		if !holdsText(t, crashProgram(t), word) {
			t.Errorf("the program with failpoints does not hold %q: the test sees nothing", word)
		}
	}
	if strings.Contains(symbols(t, program), "failpoint.pass") {
		t.Error("the program has the code of failpoints")
	}
}
