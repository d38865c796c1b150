package bench

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"strings"
	"time"

	"github.com/medcommit/medcommit/api/client"
	"github.com/medcommit/medcommit/cmd/medcommit/load"
	"github.com/medcommit/medcommit/txn"
)

// Config is one run against a cluster.
type Config struct {
	Client   *client.Client
	Workload Workload
	// Participants are the sites that take part. Default: the first that will do; with Wide, all.
	Participants []string
	// ZooKeeper is the address of a server that is asked for its count of proposals. Default: none.
	ZooKeeper string
	// Timeout of the transactions. Default 10 s.
	Timeout time.Duration
	// Load says how many clients there are and how long they go on; Do and Measure are set here.
	Load load.Config
}

// ErrSums says that the sums are not those that Fill made: an earlier run was broken off.
var ErrSums = errors.New("the sums are not right before anything is done: make the tables anew with \"medcommit bench tables\"")

// settleWithin is how long the sites may take to finish what is decided, before the sums are read.
const settleWithin = 30 * time.Second

// Run puts load on the cluster and reports.
func Run(ctx context.Context, c Config) (Report, error) {
	r := runner{Config: c, run: strings.ToLower(rand.Text()[:10]), open: make([]*transfer, max(c.Load.Clients, 1))}
	if r.Timeout == 0 {
		r.Timeout = 10 * time.Second
	}
	info, err := c.Client.Cluster(ctx)
	if err != nil {
		return Report{}, err
	}
	if r.sites, err = choose(c.Workload, info.Participants, c.Participants); err != nil {
		return Report{}, err
	}
	expect, err := r.begin(ctx)
	if err != nil {
		return Report{}, err
	}
	m := r.meter(&info)
	var readings []reading
	r.Load.Do = r.do
	r.Load.Measure = func() { readings = append(readings, m.read(ctx)) }
	result, err := load.Run(ctx, r.Load)
	if err != nil {
		return Report{}, errors.Join(err, r.settle(context.WithoutCancel(ctx)))
	}
	report := Report{Workload: c.Workload.String(), Result: result}
	if err := m.since(readings[0], readings[1], &report); err != nil {
		return Report{}, err
	}
	if err := r.settle(ctx); err != nil {
		return Report{}, err
	}
	report.Conserved, err = r.conserved(ctx, expect)
	return report, err
}

type runner struct {
	Config
	sites []site
	run   string      // part of every id
	open  []*transfer // by client: what is to be moved back
	taken []int64     // by client: from the stock, unused otherwise
}

// transfer is one that was done and is to be undone.
type transfer struct {
	accounts []int64
	amount   int64
}

func (r *runner) hot() bool { return r.Workload == HotStock || r.Workload == HotStockChecked }

// meter reads every coordinator and every site of the workload.
func (r *runner) meter(info *txn.ClusterInfo) *meter {
	m := &meter{processes: map[string]string{}, zookeeper: r.ZooKeeper}
	for i := range info.Coordinators {
		m.processes["coordinator "+info.Coordinators[i].ID] = info.Coordinators[i].URL
	}
	for i := range r.sites {
		m.processes["site "+r.sites[i].name] = r.sites[i].url
	}
	return m
}

// begin gives what each embedded store holds at the beginning.
func (r *runner) begin(ctx context.Context) ([]int64, error) {
	if r.hot() {
		r.taken = make([]int64, len(r.open))
		if err := r.stock(ctx); err != nil {
			return nil, err
		}
	}
	if ok, err := holds(ctx, r.Client, r.sites); err != nil {
		return nil, err
	} else if !ok {
		return nil, ErrSums
	}
	return r.sums(ctx)
}

// stock fills the record that hot-stock takes from.
func (r *runner) stock(ctx context.Context) error {
	t, err := r.Client.Submit(ctx, txn.Request{Branches: []txn.BranchRequest{{Participant: r.sites[0].name, Operations: []txn.Operation{
		{Name: "put", Arguments: json.RawMessage(`{"key":"` + stockKey + `","value":{"quantity":1000000000}}`)},
	}}}}, txn.WaitCompleted)
	if err == nil && !t.State.Commit() {
		err = fmt.Errorf("the transaction is %s", t.State)
	}
	if err != nil {
		return fmt.Errorf("fill the stock: %w", err)
	}
	return nil
}

func (r *runner) sums(ctx context.Context) ([]int64, error) {
	sums := make([]int64, len(r.sites))
	for i := range r.sites {
		if !r.sites[i].stored {
			continue
		}
		prefix, field := accountPrefix, "balance"
		if r.hot() {
			prefix, field = stockKey, "quantity"
		}
		var err error
		if sums[i], err = r.sites[i].sum(ctx, prefix, field); err != nil {
			return nil, err
		}
	}
	return sums, nil
}

// conserved waits until the sites hold what they held at the beginning, less what was taken, or are not going to: a decision is
// obeyed a moment after it is answered.
func (r *runner) conserved(ctx context.Context, expect []int64) (bool, error) {
	for _, n := range r.taken {
		expect[0] -= n
	}
	for end := time.Now().Add(settleWithin); ; {
		sums, err := r.sums(ctx)
		if err != nil {
			return false, err
		}
		ok, err := holds(ctx, r.Client, r.sites)
		if err != nil {
			return false, err
		}
		for i := range sums {
			ok = ok && sums[i] == expect[i]
		}
		if ok || time.Now().After(end) {
			return ok, nil
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
}

// do does one transaction of a client.
func (r *runner) do(ctx context.Context, clientNumber int, n int64) error {
	request := txn.Request{ID: fmt.Sprintf("bench-%s-%d", r.run, n), Timeout: r.Timeout.String()}
	if r.hot() {
		request.Branches = []txn.BranchRequest{{Participant: r.sites[0].name, Operations: take(r.Workload == HotStockChecked)}}
		err := r.submit(ctx, request)
		if err == nil {
			r.taken[clientNumber]++
		}
		return err
	}
	back := r.open[clientNumber]
	now := back
	if back == nil {
		now = &transfer{amount: 1 + mathrand.Int64N(100), accounts: make([]int64, len(r.sites))}
		for i := range now.accounts {
			now.accounts[i] = mathrand.Int64N(Accounts)
		}
	}
	request.Branches = now.branches(r.sites, back != nil)
	err := r.submit(ctx, request)
	if err == nil {
		r.open[clientNumber] = now
		if back != nil {
			r.open[clientNumber] = nil
		}
	}
	return err
}

// branches takes from the first site what the others get, or the other way round.
func (t *transfer) branches(sites []site, back bool) []txn.BranchRequest {
	out := make([]txn.BranchRequest, len(sites))
	for i := range sites {
		amount := t.amount
		if i == 0 {
			amount *= -int64(len(sites) - 1)
		}
		if back {
			amount = -amount
		}
		out[i] = txn.BranchRequest{Participant: sites[i].name, Operations: []txn.Operation{sites[i].move(t.accounts[i], amount)}}
	}
	return out
}

// submit gives nil for a commit and a load.Reason for an abort.
func (r *runner) submit(ctx context.Context, request txn.Request) error {
	t, err := r.Client.Submit(ctx, request, txn.WaitDecision)
	switch {
	case err != nil:
		return err
	case t.State.Commit():
		return nil
	case t.Reason != nil && t.Reason.Detail != txn.DetailNone:
		return load.Reason(t.Reason.Detail.String())
	case t.Reason != nil:
		return load.Reason(t.Reason.Code.String())
	}
	return fmt.Errorf("transaction %s is %s when the wait for it has ended", t.ID, t.State)
}

// settle moves back what was not yet.
func (r *runner) settle(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, settleWithin)
	defer cancel()
	for i, open := range r.open {
		for n := 0; open != nil && r.open[i] != nil; n++ {
			request := txn.Request{ID: fmt.Sprintf("bench-%s-back-%d-%d", r.run, i, n), Timeout: r.Timeout.String(), Branches: open.branches(r.sites, true)}
			err := r.submit(ctx, request)
			var reason load.Reason
			if err != nil && !errors.As(err, &reason) {
				return fmt.Errorf("move back what was moved: %w", err)
			}
			if err == nil {
				r.open[i] = nil
			}
		}
	}
	return nil
}
