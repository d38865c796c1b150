package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/medcommit/medcommit/txn"
)

func newParticipantsAdopt(flags *clientFlags) *cobra.Command {
	var reason string
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

The reason is logged.`,
		Example: `  medcommit participants adopt pharmacy --reason "disk failed, restored the dump of 02:00"`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case !txn.ValidName(args[0]):
				return wrongUsage(errors.New("NAME is not a name of a participant"))
			case strings.TrimSpace(reason) == "":
				return wrongUsage(errors.New("--reason must say why"))
			}
			c, err := flags.connect()
			if err != nil {
				return err
			}
			site, done, err := c.Adopt(cmd.Context(), args[0], reason)
			if err != nil {
				return explain(err)
			}
			if flags.json() {
				if err := printJSON(cmd.OutOrStdout(), site); err != nil {
					return err
				}
			} else {
				showParticipants(newScreen(cmd.OutOrStdout()), []txn.ParticipantInfo{site})
			}
			if !done {
				return fmt.Errorf("%s has not heeded it yet; it is told, see medcommit participants list", args[0])
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, in a few `words`, for the audit; never a patient's data")
	return cmd
}
