package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/medcommit/medcommit/participant"
)

// errFaults ends `medcommit doctor` where it found faults.
var errFaults = errors.New("there are faults; each line above says what to do")

// doctor looks at what a deployment needs.
type doctor struct {
	clientFlags
	resourceFlags
	zookeeper      []string
	root           string
	sessionTimeout time.Duration
	name           string

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
		Long: `Looks at the ZooKeeper servers (version, quorum, pace, session time-out, size of requests, rights), at the coordinators
and participants (clocks, prepared branches), and, with --resource, at a site's database: its version, its slots for
prepared transactions, the role's rights, free disk where it is on this machine. It changes nothing but an ephemeral
node that it makes and deletes in ZooKeeper, and ends with exit code 1 where something does not work.`,
		Example: `  medcommit doctor --zookeeper zk1:2181,zk2:2181,zk3:2181 --coordinators http://c1:7070,http://c2:7070
  medcommit doctor --name pharmacy --resource postgres://pharmacy@db/pharmacy`,
		RunE: func(cmd *cobra.Command, _ []string) error { return d.run(cmd) },
	}
	d.clientFlags.register(cmd)
	flags := cmd.Flags()
	flags.StringSliceVar(&d.zookeeper, "zookeeper", []string{"127.0.0.1:2181"}, "ZooKeeper's servers, `HOST:PORT,...`")
	flags.StringVar(&d.root, "root", "/medcommit", "the cluster's `path` in ZooKeeper")
	flags.DurationVar(&d.sessionTimeout, "session-timeout", 4*time.Second, "the session time-out that coordinators and participants ask for")
	flags.StringVar(&d.resource, "resource", "", "look at this site's database, a `URL`: embedded:DIR, postgres://USER@HOST/DB or mysql://USER@HOST/DB")
	flags.StringVar(&d.data, "data", "medcommit-data", "the embedded store is in this `folder`, where --resource is embedded:")
	flags.StringVar(&d.passwordFile, "resource-password-file", "", "the database's password is in this `file`")
	flags.StringVar(&d.name, "name", "", "the `name` of that site's participant")
	return cmd
}

func (d *doctor) run(cmd *cobra.Command) error {
	ctx, cancel := context.WithTimeout(cmd.Context(), time.Minute)
	defer cancel()
	if err := d.lookAtZooKeeper(ctx); err != nil {
		return err
	}
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

func (d *doctor) good(of, what string)          { d.note(of, participant.FindingGood, what, "") }
func (d *doctor) warn(of, what, remedy string)  { d.note(of, participant.FindingWarning, what, remedy) }
func (d *doctor) fault(of, what, remedy string) { d.note(of, participant.FindingFault, what, remedy) }

func (d *doctor) add(of string, f participant.Finding) { d.note(of, f.Level, f.What, f.Remedy) }

func (d *doctor) note(of string, level participant.FindingLevel, what, remedy string) {
	d.found = append(d.found, finding{of, level.String(), what, remedy})
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
