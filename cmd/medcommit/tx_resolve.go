package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/medcommit/medcommit/txn"
)

func newTxResolve(flags *clientFlags) *cobra.Command {
	var r txn.Resolution
	outcome := choice{allowed: []string{"committed", "rolled-back"}}
	cmd := &cobra.Command{
		Use:   "resolve ID --participant NAME --outcome committed|rolled-back --reason TEXT",
		Short: "Settle one branch by hand",
		Long: `Settles the branch of one participant. Without --force only as the log of decisions says: the site finishes it at once.

With --force the branch is settled also where nothing is decided, or something else:

  undecided, rolled back   a withdrawal: the transaction can only abort any more, and nothing is split
  undecided, committed     heuristic: right only if the decision becomes commit too
  against the decision     heuristic: this site now differs from the others, and that stays reported

A heuristic outcome is recorded, counted and compared with the decision when it comes. The reason is logged.`,
		Example: `  medcommit tx resolve rx-2026-000123 --participant pharmacy --outcome rolled-back --reason "stock is needed now" --force`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := wantID(args[0]); err != nil {
				return err
			}
			switch {
			case !txn.ValidName(r.Participant):
				return wrongUsage(errors.New("--participant must name a participant"))
			case outcome.value == "":
				return wrongUsage(errors.New("--outcome must be committed or rolled-back"))
			case strings.TrimSpace(r.Reason) == "":
				return wrongUsage(errors.New("--reason must say why"))
			}
			r.Verdict = txn.VerdictAbort
			if outcome.value == "committed" {
				r.Verdict = txn.VerdictCommit
			}
			return resolve(cmd, flags, args[0], r)
		},
	}
	cmd.Flags().StringVar(&r.Participant, "participant", "", "the `name` of the participant whose branch it is")
	cmd.Flags().Var(&outcome, "outcome", "how the branch is to end: `committed` or rolled-back")
	cmd.Flags().StringVar(&r.Reason, "reason", "", "why, in a few `words`, for the audit; never a patient's data")
	cmd.Flags().BoolVar(&r.Force, "force", false, "also where nothing, or something else, is decided")
	return cmd
}

func resolve(cmd *cobra.Command, flags *clientFlags, id string, r txn.Resolution) error {
	c, err := flags.connect()
	if err != nil {
		return err
	}
	t, done, err := c.Resolve(cmd.Context(), id, r)
	if t.ID != "" {
		if err := showTransaction(cmd, flags, &t); err != nil {
			return err
		}
	}
	switch {
	case err != nil:
		return explain(err)
	case !done:
		return fmt.Errorf("%s has not done it yet; it is told, see medcommit tx get %s", r.Participant, id)
	}
	return nil
}
