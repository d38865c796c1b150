package failover

import (
	"context"
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/medcommit/medcommit/api/client"
	"github.com/medcommit/medcommit/cmd/medcommit/local"
	"github.com/medcommit/medcommit/txn"
)

// patience is far above what anything takes; what a site finds prepared late it looks for once a minute (R10).
const patience = 3 * time.Minute

// rig is a cluster of processes under test.
type rig struct {
	*local.Cluster
	t      testing.TB
	client *client.Client
	http   *http.Client        // keeps the connections of all clients
	known  []local.Coordinator // their ids and addresses, which stay: processes start and end while clients run
}

// embedded are sites on embedded stores.
func embedded(names ...string) (sites []local.Site) {
	for _, name := range names {
		sites = append(sites, local.Site{Name: name})
	}
	return sites
}

// start runs three coordinators, the sites and, where cfg names none, a ZooKeeper, until the test ends.
func start(t testing.TB, cfg local.Config) *rig {
	t.Helper()
	cfg.Dir, cfg.Exe = t.TempDir(), program
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c, err := local.Start(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{Cluster: c, t: t, known: c.Describe().Coordinators, http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}
	t.Cleanup(func() {
		for _, p := range c.Describe().Coordinators {
			r.proceed(p.ID) // one that is stopped cannot end
		}
		for _, p := range c.Describe().Participants {
			r.proceed(p.Name)
		}
		c.Stop()
	})
	r.client = r.connect(0)
	return r
}

// connect makes a client of all coordinators that asks the first-th first.
func (r *rig) connect(first int) *client.Client {
	r.t.Helper()
	var urls []string
	for i := range r.known {
		urls = append(urls, r.known[(first+i)%len(r.known)].URL)
	}
	c, err := client.New(client.Config{Coordinators: urls, HTTP: r.http, Stay: true})
	if err != nil {
		r.t.Fatal(err)
	}
	return c
}

// connectTo makes a client of one coordinator that tries nothing again.
func (r *rig) connectTo(id string) (*client.Client, error) {
	return client.New(client.Config{Coordinators: []string{r.url(id)}, Patience: -1})
}

// url gives a coordinator's.
func (r *rig) url(id string) string {
	for _, c := range r.known {
		if c.ID == id {
			return c.URL
		}
	}
	r.t.Fatalf("there is no coordinator %s", id)
	return ""
}

// leader waits until the coordinators agree on one.
func (r *rig) leader() txn.ClusterInfo {
	r.t.Helper()
	var info txn.ClusterInfo
	r.eventually("the coordinators agree on a leader", func() bool {
		for i := range r.known {
			one, err := r.connectTo(r.known[i].ID)
			if err != nil {
				return false
			}
			seen, err := one.Cluster(context.Background())
			if err != nil || seen.Leader == "" || i > 0 && (seen.Leader != info.Leader || seen.Epoch != info.Epoch) {
				return false
			}
			info = seen
		}
		return true
	})
	return info
}

func (r *rig) pid(name string) int {
	d := r.Describe()
	for _, c := range d.Coordinators {
		if c.ID == name {
			return c.PID
		}
	}
	for _, p := range d.Participants {
		if p.Name == name {
			return p.PID
		}
	}
	r.t.Fatalf("there is no process %s", name)
	return 0
}

// halt stops a process in the middle of what it does; proceed lets it go on.
func (r *rig) halt(name string) { r.signal(name, syscall.SIGSTOP) }

func (r *rig) proceed(name string) { r.signal(name, syscall.SIGCONT) }

func (r *rig) signal(name string, sig syscall.Signal) {
	if err := syscall.Kill(r.pid(name), sig); err != nil && err != syscall.ESRCH {
		r.t.Errorf("signal %s: %v", name, err)
	}
}

// restart starts a process that has ended, and waits until it is ready.
func (r *rig) restart(name string) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := r.Restart(ctx, name); err != nil {
		r.t.Fatal(err)
	}
}

// awaitEnd waits until a process has ended.
func (r *rig) awaitEnd(name string) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := r.AwaitEnd(ctx, name); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) eventually(what string, is func() bool) {
	r.t.Helper()
	eventually(r.t, what, is)
}

// eventually waits until is is true.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for !is() {
		select {
		case <-again.C:
		case <-deadline.C:
			t.Fatalf("it does not come about: %s", what)
		}
	}
}
