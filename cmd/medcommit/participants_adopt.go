package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/medcommit/medcommit/api/client"
	"github.com/medcommit/medcommit/txn"
)

func newParticipantsAdopt(flags *clientFlags) *cobra.Command {
	var reason string
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "adopt NAME --reason TEXT",
		Short: "Let a participant go on after its database or ZooKeeper was restored from a backup",
		Long: `A participant that finds its database older than ZooKeeper, or ZooKeeper older than its database, prepares nothing,
presumes nothing and is not ready: one of both was restored from a backup. Look first whether the right backup was restored,
and whether a newer one is to be had. Then adopt it:

  the database was restored    what was decided since the backup is done again where it is still prepared; a commit that the
                               database does not know is lost there, and reported as heuristic: medcommit tx get, the metric
                               medcommit_heuristic_outcomes_total. History is searched too, as far back as --retention: the
                               site logs each lost branch, and "history compared" when it is through; of those that were
                               complete, tx get shows up to 500
  ZooKeeper was restored       branches that it does not know are rolled back; transactions that were acknowledged since the
                               backup, and their ids, are forgotten: compare the sites' medcommit_branches. What it knows as
                               undecided is decided again when all its sites are adopted: committed where it was, and perhaps
                               where it was aborted since. Adopt all sites within a minute of one another

The reason is logged. The command waits until the participant is ready again, at most for --timeout, and ends with an error that
says what the participant waits for where it is not: it is told, and goes on by itself.`,
		Example: `  medcommit participants adopt pharmacy --reason "disk failed, restored the dump of 02:00"`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case !txn.ValidName(args[0]):
				return wrongUsage(errors.New("NAME is not a name of a participant"))
			case strings.TrimSpace(reason) == "":
				return wrongUsage(errors.New("--reason must say why"))
			case timeout < 0:
				return wrongUsage(errors.New("--timeout must not be negative"))
			}
			c, err := flags.connect()
			if err != nil {
				return err
			}
			site, heeded, err := c.Adopt(cmd.Context(), args[0], reason)
			if err != nil {
				return explain(err)
			}
			ready, unready := heeded && site.Alive && site.Ready, error(nil)
			if !ready {
				site, unready = awaitReady(cmd, c, site, timeout)
			}
			if flags.json() {
				if err := printJSON(cmd.OutOrStdout(), site); err != nil {
					return err
				}
			} else {
				showParticipants(newScreen(cmd.OutOrStdout()), []txn.ParticipantInfo{site})
			}
			return unready
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, in a few `words`, for the audit; never a patient's data")
	cmd.Flags().DurationVar(&timeout, "timeout", time.Minute, "how long to wait until the participant is ready")
	return cmd
}

// readyLook is how often is looked whether a participant is ready.
const readyLook = 200 * time.Millisecond

// awaitReady waits until a participant, which was told to go on, is ready, and says on a terminal what it waits for. It gives the
// participant as it is then; the error says that it is not ready, and why.
func awaitReady(cmd *cobra.Command, c *client.Client, site txn.ParticipantInfo, timeout time.Duration) (txn.ParticipantInfo, error) {
	ctx, cancel := context.WithTimeout(cmd.Context(), timeout)
	defer cancel()
	line := newStatusLine(cmd.ErrOrStderr())
	defer line.clear()
	ticker := time.NewTicker(readyLook)
	defer ticker.Stop()
	for {
		line.show(site.Name + " waits for " + whatFor(&site))
		select {
		case <-ctx.Done():
			return site, fmt.Errorf("%s is not ready yet: it waits for %s; it is told, see medcommit participants list", site.Name, whatFor(&site))
		case <-ticker.C:
		}
		sites, err := c.Participants(ctx)
		if err != nil {
			if ctx.Err() != nil {
				continue
			}
			return site, explain(err)
		}
		for i := range sites {
			if sites[i].Name == site.Name {
				site = sites[i]
			}
		}
		if site.Alive && site.Ready {
			return site, nil
		}
	}
}

// whatFor is what a participant that is not ready waits for.
func whatFor(p *txn.ParticipantInfo) string {
	switch {
	case !p.Alive:
		return "its process to run and to reach ZooKeeper"
	case p.Waits != "":
		return p.Waits
	}
	return "its recovery to end"
}
