package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/medcommit/medcommit/api/client"
	"github.com/medcommit/medcommit/txn"
)

func newParticipants() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "participants",
		GroupID: "client",
		Short:   "Look at the sites, and take them out of service",
	}
	flags := newClientFlags()
	flags.register(cmd)
	cmd.AddCommand(
		newParticipantsList(flags),
		newParticipantsChange(flags, "drain", "Take a participant out of service: submissions that name it are refused", (*client.Client).Drain),
		newParticipantsChange(flags, "resume", "Put a drained participant back into service", (*client.Client).Resume),
		newParticipantsAdopt(flags),
	)
	return cmd
}

func newParticipantsList(flags *clientFlags) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the participants",
		Example: `  medcommit participants list -o json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := flags.connect()
			if err != nil {
				return err
			}
			sites, err := c.Participants(cmd.Context())
			if err != nil {
				return explain(err)
			}
			if flags.json() {
				return printJSON(cmd.OutOrStdout(), map[string]any{"participants": sites})
			}
			showParticipants(newScreen(cmd.OutOrStdout()), sites)
			return nil
		},
	}
}

func newParticipantsChange(
	flags *clientFlags, verb, short string, change func(*client.Client, context.Context, string) (txn.ParticipantInfo, error),
) *cobra.Command {
	return &cobra.Command{
		Use:     verb + " NAME",
		Short:   short,
		Example: "  medcommit participants " + verb + " pharmacy",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !txn.ValidName(args[0]) {
				return wrongUsage(errors.New("NAME is not a name of a participant"))
			}
			c, err := flags.connect()
			if err != nil {
				return err
			}
			site, err := change(c, cmd.Context(), args[0])
			if err != nil {
				return explain(err)
			}
			if flags.json() {
				return printJSON(cmd.OutOrStdout(), site)
			}
			showParticipants(newScreen(cmd.OutOrStdout()), []txn.ParticipantInfo{site})
			return nil
		},
	}
}

func showParticipants(s screen, sites []txn.ParticipantInfo) {
	rows := make([][]cell, len(sites))
	for i := range sites {
		p := &sites[i]
		status, c := siteStatus(p)
		oldest := "-"
		if p.InDoubt > 0 {
			oldest = time.Duration(p.OldestInDoubtSeconds * float64(time.Second)).Round(100 * time.Millisecond).String()
		}
		rows[i] = []cell{
			{text: p.Name},
			{text: p.Kind},
			{status, c},
			{text: fmt.Sprint(p.Queued)},
			{text: fmt.Sprint(p.InDoubt)},
			{text: oldest},
			{text: fmt.Sprint(len(p.Operations))},
			{text: orDash(p.URL)},
		}
	}
	s.table([]string{"PARTICIPANT", "KIND", "STATUS", "QUEUED", "IN DOUBT", "OLDEST", "OPERATIONS", "URL"}, rows)
	for i := range sites {
		if p := &sites[i]; p.Alive && !p.Ready && p.Waits != "" {
			fmt.Fprintf(s, "%s waits for %s\n", p.Name, p.Waits)
		}
	}
}

// siteStatus says in a word how a participant is.
func siteStatus(p *txn.ParticipantInfo) (string, colour) {
	switch {
	case !p.Alive:
		return "away", red
	case p.Drained:
		return "drained", yellow
	case !p.Ready:
		return "not ready", yellow
	}
	return "ready", green
}
