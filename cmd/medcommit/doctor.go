package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/spf13/cobra"

	"github.com/medcommit/medcommit/participant"
	"github.com/medcommit/medcommit/participant/mysql"
	"github.com/medcommit/medcommit/participant/postgres"
	"github.com/medcommit/medcommit/zkcoord/zkserver"
)

// errFaults ends `medcommit doctor` where it found faults.
var errFaults = errors.New("there are faults; each line above says what to do")

// doctor looks at what a deployment needs.
type doctor struct {
	clientFlags
	resourceFlags
	zookeeper []string
	name      string

	cluster string // its short code, where a coordinator told it
	found   []finding
}

// finding is one thing that was looked at.
type finding struct {
	Of     string `json:"of"`
	Level  string `json:"level"` // "good", "warning" or "fault"
	What   string `json:"what"`
	Remedy string `json:"remedy,omitempty"`
}

func newDoctor() *cobra.Command {
	d := &doctor{clientFlags: *newClientFlags()}
	cmd := &cobra.Command{
		Use:     "doctor",
		GroupID: "client",
		Short:   "Check what a deployment needs, and say what to do about each fault",
		Long: `Looks at the ZooKeeper servers, at the coordinators and participants, and, with --resource, at a site's database: its
version, its slots for prepared transactions, the role's rights. It changes nothing, and ends with exit code 1 where
something does not work.`,
		Example: `  medcommit doctor --zookeeper zk1:2181,zk2:2181,zk3:2181 --coordinators http://c1:7070,http://c2:7070
  medcommit doctor --name pharmacy --resource postgres://pharmacy@db/pharmacy`,
		RunE: func(cmd *cobra.Command, _ []string) error { return d.run(cmd) },
	}
	d.clientFlags.register(cmd)
	flags := cmd.Flags()
	flags.StringSliceVar(&d.zookeeper, "zookeeper", []string{"127.0.0.1:2181"}, "ZooKeeper's servers, `HOST:PORT,...`")
	flags.StringVar(&d.resource, "resource", "", "look at this site's database, a `URL`: postgres://USER@HOST/DB or mysql://USER@HOST/DB")
	flags.StringVar(&d.passwordFile, "resource-password-file", "", "the database's password is in this `file`")
	flags.StringVar(&d.name, "name", "", "the `name` of that site's participant")
	return cmd
}

func (d *doctor) run(cmd *cobra.Command) error {
	ctx, cancel := context.WithTimeout(cmd.Context(), time.Minute)
	defer cancel()
	d.lookAtZooKeeper(ctx)
	if err := d.lookAtCluster(ctx); err != nil {
		return err
	}
	if err := d.lookAtResource(ctx); err != nil {
		return err
	}
	if d.json() {
		if err := printJSON(cmd.OutOrStdout(), map[string]any{"findings": d.found}); err != nil {
			return err
		}
	} else {
		d.show(newScreen(cmd.OutOrStdout()))
	}
	for _, f := range d.found {
		if f.Level == participant.FindingFault.String() {
			return errFaults
		}
	}
	return nil
}

func (d *doctor) note(of string, level participant.FindingLevel, what, remedy string) {
	d.found = append(d.found, finding{of, level.String(), what, remedy})
}

// lookAtZooKeeper asks each server whether it serves; most of them must.
func (d *doctor) lookAtZooKeeper(ctx context.Context) {
	serving := 0
	for _, addr := range d.zookeeper {
		of := "zookeeper " + addr
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		answer, err := zkserver.Ask(ctx, addr, "srvr")
		cancel()
		mode := valueOf(answer, "Mode")
		switch {
		case err != nil:
			d.note(of, participant.FindingWarning, "it does not answer", "start it, or correct its address in --zookeeper")
			continue
		case strings.Contains(answer, "whitelist"):
			serving++
			d.note(of, participant.FindingWarning, "it does not tell how it is", "add srvr to 4lw.commands.whitelist in its zoo.cfg")
			continue
		case mode == "":
			d.note(of, participant.FindingWarning, "it runs and does not serve: it finds no quorum", "start the other servers of its ensemble")
			continue
		}
		serving++
		version, _, _ := strings.Cut(valueOf(answer, "Zookeeper version"), "-")
		d.note(of, participant.FindingGood, fmt.Sprintf("it serves as %s, version %s", mode, version), "")
	}
	if 2*serving <= len(d.zookeeper) {
		d.note("zookeeper", participant.FindingFault, fmt.Sprintf("%d of %d servers serve: nothing can be committed", serving, len(d.zookeeper)),
			"start the servers that do not serve; most of them must")
	}
}

// valueOf gives what an answer of a server holds after "NAME: ".
func valueOf(answer, name string) string {
	for line := range strings.Lines(answer) {
		if value, ok := strings.CutPrefix(line, name+": "); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// lookAtCluster asks the coordinators for the cluster.
func (d *doctor) lookAtCluster(ctx context.Context) error {
	c, err := d.connect()
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
	for _, p := range info.Participants {
		of := "participant " + p.Name
		switch {
		case !p.Alive:
			d.note(of, participant.FindingFault, "it has no session", "start medcommit participant --name "+p.Name+", or look at its log")
		case !p.Ready:
			d.note(of, participant.FindingFault, "it is not ready", "its /readyz says what it waits for")
		case p.Drained:
			d.note(of, participant.FindingWarning, "it is drained by an operator", "medcommit participants resume "+p.Name)
		default:
			d.note(of, participant.FindingGood, fmt.Sprintf("it is ready, %d branches in doubt", p.InDoubt), "")
		}
	}
	return nil
}

// lookAtResource looks at the database that --resource names.
func (d *doctor) lookAtResource(ctx context.Context) error {
	if d.resource == "" {
		return nil
	}
	var findings []participant.Finding
	scheme, _, _ := strings.Cut(d.resource, ":")
	switch scheme {
	case "postgres", "postgresql":
		findings = postgres.Check(ctx, postgres.Config{URL: d.resource, PasswordFile: d.passwordFile}, d.cluster, d.name)
	case "mysql":
		cfg := mysql.Config{URL: d.resource, PasswordFile: d.passwordFile, Log: hclog.NewNullLogger()}
		findings = mysql.Check(ctx, cfg, d.cluster, d.name)
	default:
		return wrongUsage(errors.New("--resource: it must be postgres://USER@HOST/DB or mysql://USER@HOST/DB"))
	}
	for _, f := range findings {
		d.note("database", f.Level, f.What, f.Remedy)
	}
	return nil
}

func (d *doctor) show(s screen) {
	colours := map[string]colour{"good": green, "warning": yellow, "fault": red}
	for _, f := range d.found {
		fmt.Fprintf(s, "%s  %s: %s\n", s.paint(colours[f.Level], fmt.Sprintf("%-7s", f.Level)), f.Of, f.What)
		if f.Remedy != "" {
			fmt.Fprintf(s, "         %s\n", f.Remedy)
		}
	}
}
