package sim

import (
	"fmt"
	"time"

	"github.com/medcommit/medcommit/txn"
)

// cluster is the simulated cluster's short code.
const cluster = "c1"

// Failure is what a schedule found.
type Failure struct {
	Seed  uint64
	Text  string
	Stuck bool // nothing was lost, and something is not finished or left behind
	Trace []string
}

func (f *Failure) Error() string { return f.Text }

// world is one schedule: the ensemble, the databases, the processes and the clients.
type world struct {
	seed      uint64
	rng       rng
	now       time.Duration
	zk        *zookeeper
	judge     *judge
	sites     map[string]*site
	names     []string // of the sites, in order
	desks     []string // the coordinators' ids
	processes []*process
	calls     []*call
	clients   []*client
	bodies    []*body
	faults    faults
	mutation  mutation

	retention     time.Duration
	sweepAfter    time.Duration
	withdrawAfter time.Duration
	generation    int32
	maxOps        int
	siteOps       int

	last     *client                         // the fresh transaction of the continuation
	ids      int                             // how many transactions the clients think of
	hot      *process                        // whom trouble has met lately
	leaps    int                             // a leap comes once in so many steps
	sleeps   int                             // a process falls asleep once in so many leaps
	wakes    int                             // and wakes once in so many
	drowsy   bool                            // processes fall asleep at any moment
	stricken int                             // trouble follows a write once in so many; zero: never
	gate     func(*process, txn.Effect) bool // of a scenario: what has to wait
	keys     int
	starts   int
	steps    int
	calm     bool // every machine flushes at once
	over     bool // no more faults: the continuation
	failure  *Failure
	tracing  bool
	log      []string
}

// newWorld makes a cluster in which nothing runs yet.
func newWorld(seed uint64, desks, sites int) *world {
	w := &world{
		seed: seed, rng: newRNG(seed), sites: make(map[string]*site, sites), generation: 1 << 20, maxOps: 64, siteOps: 64,
		retention: 2 * time.Second, sweepAfter: time.Second, withdrawAfter: time.Second,
	}
	w.zk = newZookeeper(w.violate)
	w.judge = newJudge(w)
	w.zk.judge = w.judge
	for i := range sites {
		name := string(rune('a' + i))
		w.names = append(w.names, name)
		w.sites[name] = &site{name: name, db: newDatabase(), poisoned: map[txn.Key]bool{}}
		w.zk.addParticipant(name)
	}
	for i := range desks {
		w.desks = append(w.desks, fmt.Sprintf("c%d", i+1))
	}
	return w
}

// boot starts every process once.
func (w *world) boot() {
	for _, d := range w.desks {
		w.startCoordinator(d)
	}
	for _, n := range w.names {
		w.startSite(w.sites[n])
	}
}

// violate records the first thing that must not be.
func (w *world) violate(format string, args ...any) { w.fail(false, format, args...) }

// stuck records that something is not finished.
func (w *world) stuck(format string, args ...any) { w.fail(true, format, args...) }

func (w *world) fail(stuck bool, format string, args ...any) {
	if w.failure != nil {
		return
	}
	w.failure = &Failure{Seed: w.seed, Text: fmt.Sprintf(format, args...), Stuck: stuck}
	w.trace("FAILURE: %s", w.failure.Text)
}

// nonce is a new name for a session.
func (w *world) nonce() string {
	w.starts++
	return fmt.Sprintf("n%d", w.starts)
}

// running gives the processes of a name that run, zombies left out.
func (w *world) running(name string) *process {
	for _, p := range w.processes {
		if p.name == name && !p.zombie {
			return p
		}
	}
	return nil
}

// leader gives a coordinator that leads, or thinks so.
func (w *world) leader() *process {
	for _, p := range w.processes {
		if p.leads {
			return p
		}
	}
	return nil
}
