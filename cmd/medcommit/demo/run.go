package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"github.com/medcommit/medcommit/cmd/medcommit/local"
	"github.com/medcommit/medcommit/txn"
)

// Client is a cluster's client as the demo needs it.
type Client interface {
	// Submit waits for the decision. An error means that the outcome is not known.
	Submit(ctx context.Context, r txn.Request) (txn.Transaction, error)
	// Cluster answers from any coordinator that answers.
	Cluster(ctx context.Context) (txn.ClusterInfo, error)
}

// Config is what the demo is run with.
type Config struct {
	// Patients is their number. Default 300.
	Patients int
	// Keep leaves the cluster up at the end.
	Keep bool
	// Local is where and how the cluster is run; the sites are the demo's own.
	Local local.Config
	// Connect makes a client of the coordinators at urls.
	Connect func(urls []string) (Client, error)
	// Out takes the report. Progress shows how far the run has come; it is given the number of transactions planned.
	Out      io.Writer
	Progress func(total int) Progress
}

// Progress shows how far the run has come.
type Progress interface {
	Done() // one transaction more
	End()
}

// ErrFaults says that the audit found what must not be.
var ErrFaults = errors.New("the audit found faults")

// Run runs the demo. It returns ErrFaults where the audit found anything.
func Run(ctx context.Context, cfg Config) error {
	if cfg.Patients == 0 {
		cfg.Patients = 300
	}
	cfg.Local.Sites = Sites()
	cfg.Local.Detached = cfg.Keep
	began := time.Now()
	fmt.Fprintln(cfg.Out, "Starting ZooKeeper, 3 coordinators and 3 hospital sites, each a process of its own ...")
	cluster, err := local.Start(ctx, cfg.Local)
	if err != nil {
		return err
	}
	kept := false
	defer func() {
		if !kept {
			cluster.Stop()
		}
	}()
	fmt.Fprintf(cfg.Out, "Ready after %s.\n", seconds(time.Since(began)))
	r, err := newRun(cfg, cluster)
	if err != nil {
		return err
	}
	if err := r.work(ctx); err != nil {
		return err
	}
	findings, err := r.check(ctx)
	if err != nil {
		return err
	}
	r.report(findings)
	if len(findings.Faults) > 0 {
		return ErrFaults
	}
	if cfg.Keep {
		kept = true
		r.tellKept()
	}
	fmt.Fprintf(cfg.Out, "All of it took %s.\n", seconds(time.Since(began)))
	return nil
}

// run is one run of the demo on a running cluster.
type run struct {
	cfg     Config
	cluster *local.Cluster
	client  Client
	load    workload
	done    atomic.Int64
	total   int

	leader, site absence
}

// absence is a process that was killed, when, and what was felt of it.
type absence struct {
	name string
	at   time.Time
	felt time.Duration
}

func newRun(cfg Config, cluster *local.Cluster) (*run, error) {
	r := &run{cfg: cfg, cluster: cluster}
	var urls []string
	for _, c := range cluster.Describe().Coordinators {
		urls = append(urls, c.URL)
	}
	var err error
	if r.client, err = cfg.Connect(urls); err != nil {
		return nil, fmt.Errorf("connect to the cluster: %w", err)
	}
	return r, nil
}

// work carries out the plan, and kills the leader and a site in the middle.
func (r *run) work(ctx context.Context) error {
	var courses []course
	for i := range r.cfg.Patients {
		courses = append(courses, patient(i))
	}
	for _, c := range courses {
		r.total += len(c)
	}
	fmt.Fprintf(r.cfg.Out, "Prescribing, dispensing and discontinuing for %d patients: %d transactions, each over two or three sites.\n",
		r.cfg.Patients, r.total)
	bar := r.cfg.Progress(r.total)
	r.load = workload{client: r.client, clients: 16, pause: 80 * time.Millisecond, told: func(outcome) { r.done.Add(1); bar.Done() }}
	if err := r.load.run(ctx, "delivery", []course{deliveries()}); err != nil {
		return err
	}
	broken := make(chan error, 1)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		err := r.breakThings(ctx)
		if err != nil {
			cancel()
		}
		broken <- err
	}()
	err := r.load.run(ctx, "patient", courses)
	bar.End()
	if err != nil {
		cancel()
		return errors.Join(<-broken, err)
	}
	return <-broken
}

// breakThings kills the leader at a third of the way and starts it again later; then the pharmacy, the same way.
func (r *run) breakThings(ctx context.Context) error {
	if err := r.reach(ctx, r.total/3); err != nil {
		return err
	}
	info, err := r.client.Cluster(ctx)
	if err != nil {
		return fmt.Errorf("find the leader: %w", err)
	}
	if info.Leader == "" {
		return errors.New("find the leader: there is none")
	}
	r.leader = absence{name: info.Leader, at: time.Now()}
	r.cluster.Kill(info.Leader)
	if err := r.reach(ctx, r.total/2); err != nil {
		return err
	}
	if err := r.cluster.Restart(ctx, info.Leader); err != nil {
		return err
	}
	if err := r.reach(ctx, r.total*2/3); err != nil {
		return err
	}
	r.site = absence{name: pharmacy, at: time.Now()}
	r.cluster.Kill(pharmacy)
	if err := wait(ctx, time.Second); err != nil {
		return err
	}
	return r.cluster.Restart(ctx, pharmacy)
}

// reach waits until n transactions are through.
func (r *run) reach(ctx context.Context, n int) error {
	for r.done.Load() < int64(n) {
		if err := wait(ctx, 10*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// check waits until nothing is in doubt any more, and audits the sites' own stores.
func (r *run) check(ctx context.Context) (Findings, error) {
	quiet, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	var unsettled string
	for {
		info, err := r.client.Cluster(quiet)
		if err == nil && info.InFlight == 0 && info.InDoubt == 0 {
			break
		}
		if wait(quiet, 100*time.Millisecond) != nil {
			unsettled = fmt.Sprintf("after 30 s still %d transactions in flight and %d branches in doubt", info.InFlight, info.InDoubt)
			break
		}
	}
	sites := map[string]store{}
	for _, p := range r.cluster.Describe().Participants {
		sites[p.Name] = store{p.Name, p.URL, &http.Client{Timeout: 10 * time.Second}}
	}
	f, err := audit(ctx, sites, r.load.outcomes)
	f.Faults = append(f.Faults, r.load.wrong...)
	if unsettled != "" {
		f.Faults = append(f.Faults, unsettled)
	}
	r.leader.felt = r.load.felt(r.leader.at, "")
	r.site.felt = r.load.felt(r.site.at, r.site.name)
	return f, err
}

func (r *run) tellKept() {
	d := r.cluster.Describe()
	fmt.Fprintf(r.cfg.Out, "\nThe cluster stays up; its data and cluster.json are in %s. To stop it:\n  kill", r.cfg.Local.Dir)
	for _, p := range d.Participants {
		fmt.Fprintf(r.cfg.Out, " %d", p.PID)
	}
	for _, c := range d.Coordinators {
		fmt.Fprintf(r.cfg.Out, " %d", c.PID)
	}
	if pid := r.cluster.ZooKeeperPID(); pid != 0 {
		fmt.Fprintf(r.cfg.Out, " %d", pid)
	}
	fmt.Fprintln(r.cfg.Out)
}

// TempDir makes the folder of a run that was given none.
func TempDir() (string, error) { return os.MkdirTemp("", "medcommit-demo-") }

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }
