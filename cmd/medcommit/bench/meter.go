package bench

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"

	"github.com/medcommit/medcommit/cmd/medcommit/load"
)

// meter reads what the processes of a cluster have used.
type meter struct {
	processes map[string]string // URL by name
	zookeeper string            // an address; empty: not asked
}

// reading is what a meter shows at a moment.
type reading struct {
	cpu       map[string]float64
	proposals int64
	err       error
}

// generator is the name of this process in a report.
const generator = "bench"

func (m *meter) read(ctx context.Context) reading {
	r := reading{cpu: map[string]float64{}}
	for name, base := range m.processes {
		seconds, err := cpuAt(ctx, base)
		if err != nil {
			r.err = fmt.Errorf("read the CPU time of %s: %w", name, err)
		}
		r.cpu[name] = seconds
	}
	seconds, err := load.CPU(os.Getpid(), false)
	if err != nil {
		r.err = err
	}
	r.cpu[generator] = seconds
	if m.zookeeper != "" {
		zk, err := load.AskZooKeeper(ctx, m.zookeeper)
		if err != nil {
			r.err = err
		}
		r.proposals = zk.Proposals
	}
	return r
}

// since puts into a report what a transaction took between two readings.
func (m *meter) since(before, after reading, r *Report) error {
	for _, err := range []error{before.err, after.err} {
		if err != nil {
			return err
		}
	}
	if r.Done == 0 {
		return nil
	}
	r.CPU = map[string]float64{}
	for name := range after.cpu {
		r.CPU[name] = (after.cpu[name] - before.cpu[name]) / float64(r.Done) * 1e6
	}
	if m.zookeeper != "" {
		p := float64(after.proposals-before.proposals) / float64(r.Done)
		r.Proposals = &p
	}
	return nil
}

// cpuAt asks a process for its CPU seconds.
func cpuAt(ctx context.Context, base string) (float64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		if value, ok := strings.CutPrefix(lines.Text(), "process_cpu_seconds_total "); ok {
			return strconv.ParseFloat(value, 64)
		}
	}
	return 0, fmt.Errorf("%s/metrics has no process_cpu_seconds_total", base)
}
