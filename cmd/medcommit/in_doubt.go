package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/medcommit/medcommit/txn"
)

func newInDoubt() *cobra.Command {
	flags := newClientFlags()
	cmd := &cobra.Command{
		Use:     "in-doubt",
		GroupID: "client",
		Short:   "List every prepared branch in every site's database, with what settles it",
		Long: `Asks every site what is prepared in its database, and compares it with the log of decisions. The oldest comes first.
Prepared work holds its locks until it is committed or rolled back:

  commit, abort   decided; its site finishes it as soon as it can, and within a minute of its start
  undecided       its transaction goes on, or waits for a leader
  foreign         not medcommit's, or another cluster's or participant's: medcommit never touches it

A site that does not answer within two seconds is named, and shows what it listed last.`,
		Example: `  medcommit in-doubt
  medcommit in-doubt -o json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := flags.connect()
			if err != nil {
				return err
			}
			all, err := c.InDoubt(cmd.Context())
			if err != nil {
				return explain(err)
			}
			if flags.json() {
				return printJSON(cmd.OutOrStdout(), all)
			}
			showInDoubt(newScreen(cmd.OutOrStdout()), &all)
			return nil
		},
	}
	flags.register(cmd)
	return cmd
}

func showInDoubt(s screen, all *txn.InDoubt) {
	rows := make([][]cell, len(all.Branches))
	for i := range all.Branches {
		b := &all.Branches[i]
		rows[i] = []cell{
			{text: age(b.AgeSeconds)},
			{text: b.Participant},
			{b.Decision.String(), prospectColour(b.Decision)},
			{text: orDash(b.Transaction)},
			{text: b.XID},
			{text: settles(b)},
		}
	}
	s.table([]string{"AGE", "PARTICIPANT", "DECISION", "TRANSACTION", "XID", "SETTLED BY"}, rows)
	if all.More > 0 {
		fmt.Fprintf(s, "and %d more\n", all.More)
	}
	for _, name := range all.Unanswered {
		fmt.Fprintf(s, "%s\n", s.paint(yellow, name+" did not answer; what it listed last is shown"))
	}
}

func age(seconds float64) string {
	return time.Duration(seconds * float64(time.Second)).Round(100 * time.Millisecond).String()
}

func prospectColour(p txn.Prospect) colour {
	switch p {
	case txn.ProspectUndecided:
		return yellow
	case txn.ProspectForeign:
		return red
	}
	return plain
}

// settles gives the command that settles a branch.
func settles(b *txn.InDoubtBranch) string {
	outcome := "rolled-back"
	switch {
	case b.Decision == txn.ProspectForeign:
		return "whoever prepared it"
	case b.Transaction == "":
		return "its site, within a minute"
	case b.Decision == txn.ProspectUndecided:
		return "medcommit tx abort " + b.Transaction
	case b.Decision == txn.ProspectCommit:
		outcome = "committed"
	}
	return fmt.Sprintf("medcommit tx resolve %s --participant %s --outcome %s --reason …", b.Transaction, b.Participant, outcome)
}
