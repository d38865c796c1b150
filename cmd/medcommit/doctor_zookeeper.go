package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/medcommit/medcommit/participant"
	"github.com/medcommit/medcommit/zkcoord"
	"github.com/medcommit/medcommit/zkcoord/zkserver"
)

// What is asked of a ZooKeeper server.
const (
	askPatience = 5 * time.Second
	tryPatience = 15 * time.Second
	slowWrite   = 50 * time.Millisecond
)

// testedVersion is the oldest ZooKeeper that medcommit's own tests run against.
var testedVersion = [2]int{3, 8}

// serverState is what one ZooKeeper server said and showed.
type serverState struct {
	addr     string
	srvr     string // its answer; empty where it gave none
	asked    error
	conf     string
	mntr     string
	trial    zkcoord.Trial
	tried    error
	mode     string
	withheld bool // four-letter words are not on its whitelist
}

// lookAtZooKeeper asks each server whether it serves, most of which must, and tries it.
func (d *doctor) lookAtZooKeeper(ctx context.Context) error {
	if err := d.driver(d.zookeeper[0]).Validate(); err != nil {
		return wrongUsage(err)
	}
	states := make([]*serverState, len(d.zookeeper))
	var g errgroup.Group
	for i, addr := range d.zookeeper {
		g.Go(func() error {
			states[i] = d.askServer(ctx, addr)
			return nil
		})
	}
	_ = g.Wait() // never an error
	serving := 0
	for _, s := range states {
		if d.lookAtServer(s) {
			serving++
		}
	}
	if 2*serving <= len(states) {
		d.fault("zookeeper", fmt.Sprintf("%d of %d servers serve: nothing can be committed", serving, len(states)),
			"start the servers that do not serve; most of them must")
	}
	d.lookAtEnsemble(states)
	return nil
}

func (d *doctor) driver(addr string) zkcoord.DriverConfig {
	return zkcoord.DriverConfig{Servers: []string{addr}, Root: d.root, SessionTimeout: d.sessionTimeout}
}

func (d *doctor) askServer(ctx context.Context, addr string) *serverState {
	s := &serverState{addr: addr}
	word := func(w string) string {
		ctx, cancel := context.WithTimeout(ctx, askPatience)
		defer cancel()
		answer, err := zkserver.Ask(ctx, addr, w)
		switch {
		case err != nil:
			s.asked = err
		case strings.Contains(answer, "whitelist"):
			s.withheld = true
			return ""
		}
		return answer
	}
	if s.srvr = word("srvr"); s.asked != nil {
		return s
	}
	if s.mode = valueOf(s.srvr, "Mode: "); s.mode == "" && s.srvr != "" {
		return s
	}
	s.conf, s.mntr = word("conf"), word("mntr")
	ctx, cancel := context.WithTimeout(ctx, tryPatience)
	defer cancel()
	s.trial, s.tried = zkcoord.Try(ctx, d.driver(addr))
	return s
}

// valueOf gives what an answer of a server holds after name, which begins a line.
func valueOf(answer, name string) string {
	for line := range strings.Lines(answer) {
		if value, ok := strings.CutPrefix(line, name); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// lookAtServer tells whether a server serves.
func (d *doctor) lookAtServer(s *serverState) bool {
	of := "zookeeper " + s.addr
	switch {
	case s.asked != nil:
		d.warn(of, "it does not answer", "start it, or correct its address in --zookeeper")
		return false
	case s.mode == "" && s.srvr != "":
		d.warn(of, "it runs and does not serve: it finds no quorum", "start the other servers of its ensemble")
		return false
	case errors.Is(s.tried, zkcoord.ErrNoSession):
		d.warn(of, "it gives no session", "see whether it is a ZooKeeper server, and its log; it may be without a quorum")
		return false
	case s.mode != "":
		d.good(of, "it serves as "+s.mode)
		d.lookAtVersion(of, valueOf(s.srvr, "Zookeeper version: "))
	}
	if s.withheld {
		d.warn(of, "it does not tell all about itself", "add srvr, conf and mntr to 4lw.commands.whitelist in its zoo.cfg, and restart it")
	}
	d.lookAtTrial(of, s)
	d.lookAtTick(of, s)
	if dir := valueOf(s.conf, "dataLogDir="); dir != "" && onThisMachine(s.addr) {
		d.add(of, participant.LookAtDisk(dir))
	}
	return true
}

func (d *doctor) lookAtVersion(of, text string) {
	version, _, _ := strings.Cut(text, "-")
	numbers := strings.SplitN(version, ".", 3)
	if len(numbers) < 2 {
		return
	}
	major, _ := strconv.Atoi(numbers[0]) // zero, then, and too old
	minor, _ := strconv.Atoi(numbers[1])
	if major < testedVersion[0] || major == testedVersion[0] && minor < testedVersion[1] {
		d.warn(of, "its version is "+version+", older than any that medcommit is tested with",
			fmt.Sprintf("upgrade it to %d.%d or later", testedVersion[0], testedVersion[1]))
		return
	}
	d.good(of, "its version is "+version)
}

// lookAtTrial tells what a session on the server showed.
func (d *doctor) lookAtTrial(of string, s *serverState) {
	t := s.trial
	switch {
	case errors.Is(s.tried, zkcoord.ErrRights):
		d.fault(of, "nodes cannot be created and deleted below "+t.At,
			"give this role the rights to create and delete there (setAcl in zkCli.sh)")
		return
	case errors.Is(s.tried, zkcoord.ErrSmallRequests):
		d.fault(of, "it takes no request of 512 KB: large transactions would wait for ever",
			"remove -Djute.maxbuffer from its options, or set it to 1048575 (the default) or more, at every server")
	case s.tried != nil:
		d.fault(of, "a session on it did not do all that is needed in "+tryPatience.String(), "look at its log; is its disk slow, its heap full?")
		return
	default:
		d.good(of, "requests of 512 KB pass, nodes can be created and deleted below "+t.At)
	}
	if !t.Root {
		d.warn(of, d.root+" is not there", "nothing, before the first coordinator has run; else correct --root")
	}
	write := t.Write.Round(100 * time.Microsecond).String()
	if t.Write > slowWrite {
		d.warn(of, "a small write takes "+write, "give its dataLogDir a disk of its own that syncs fast; look at its load and its heap")
	} else {
		d.good(of, "a small write takes "+write)
	}
	d.add(of, participant.CompareClock(t.Offset))
}

// lookAtTick compares the session time-out with what the server makes of it.
func (d *doctor) lookAtTick(of string, s *serverState) {
	asked, given := s.trial.Asked, s.trial.Given
	tick, err := strconv.Atoi(valueOf(s.conf, "tickTime="))
	every := time.Duration(tick) * time.Millisecond
	switch {
	case given == 0:
	case given != asked:
		d.warn(of, fmt.Sprintf("it gives sessions of %s where %s is asked for", given, asked),
			fmt.Sprintf("set minSessionTimeout and maxSessionTimeout (2 and 20 times tickTime unless set) so that %s is within, or change --session-timeout", asked))
	case err != nil:
		d.good(of, fmt.Sprintf("sessions of %s are given", asked))
	case 4*every > asked:
		d.warn(of, fmt.Sprintf("with a tickTime of %s a session of %s may last up to %s: who is gone is seen so much later", every, asked, asked+every),
			"set tickTime=500, and minSessionTimeout and maxSessionTimeout as they are, in its zoo.cfg")
	default:
		d.good(of, fmt.Sprintf("sessions of %s are given, at a tickTime of %s", asked, every))
	}
}

// lookAtEnsemble sees whether the servers are one ensemble, and large enough to lose one.
func (d *doctor) lookAtEnsemble(states []*serverState) {
	modes := map[string]int{}
	for _, s := range states {
		modes[s.mode]++
		d.lookAtFollowers(s)
	}
	switch {
	case modes["standalone"]+modes["leader"] > 1:
		d.fault("zookeeper", "the servers of --zookeeper are not of one ensemble: each coordinator may find another log",
			"name the servers of one ensemble only")
	case modes["standalone"] == 1:
		d.warn("zookeeper", "it is one server: while it is away nothing is decided", "run an ensemble of three, on different machines")
	case modes["leader"]+modes["follower"] == 0:
	case len(d.zookeeper) < 3:
		d.warn("zookeeper", fmt.Sprintf("--zookeeper names %d servers of the ensemble", len(d.zookeeper)),
			"name all of them: else a client whose server dies finds no other")
	case modes["leader"] == 1:
		d.good("zookeeper", fmt.Sprintf("one leader and %d followers: one ensemble", modes["follower"]))
	}
}

// lookAtFollowers compares what the leader counts.
func (d *doctor) lookAtFollowers(s *serverState) {
	learners, err1 := strconv.Atoi(valueOf(s.mntr, "zk_learners\t"))
	synced, err2 := strconv.Atoi(valueOf(s.mntr, "zk_synced_followers\t"))
	voters := strings.Count(s.conf, ":participant")
	if s.mode != "leader" || err1 != nil || err2 != nil {
		return
	}
	if missing := voters - 1 - synced; voters > 0 && missing > 0 {
		d.warn("zookeeper "+s.addr, fmt.Sprintf("%d of its ensemble of %d do not follow it (%d connected)", missing, voters, learners),
			"start the others, or look at their logs: the next one that is lost may end the quorum")
	}
	if voters > 0 && voters%2 == 0 {
		d.warn("zookeeper "+s.addr, fmt.Sprintf("its ensemble has %d voters: no more may be lost than of %d", voters, voters-1), "run an odd number")
	}
}
