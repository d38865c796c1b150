package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/medcommit/medcommit/txn"
)

func newTx() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "tx",
		GroupID: "client",
		Short:   "Work with transactions",
	}
	flags := newClientFlags()
	flags.register(cmd)
	cmd.AddCommand(newTxSubmit(flags), newTxGet(flags), newTxList(flags), newTxWatch(flags), newTxAbort(flags),
		newTxResolve(flags))
	return cmd
}

func newTxGet(flags *clientFlags) *cobra.Command {
	return &cobra.Command{
		Use:     "get ID",
		Short:   "Show a transaction",
		Example: `  medcommit tx get rx-2026-000123 -o json`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := flags.connect()
			if err != nil {
				return err
			}
			if err := wantID(args[0]); err != nil {
				return err
			}
			t, err := c.Get(cmd.Context(), args[0])
			if err != nil {
				return explain(err)
			}
			return showTransaction(cmd, flags, &t)
		},
	}
}

func newTxList(flags *clientFlags) *cobra.Command {
	var f txn.Filter
	state := choice{allowed: []string{"preparing", "committing", "committed", "aborting", "aborted"}}
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List transactions, newest first",
		Example: `  medcommit tx list --state aborted --participant pharmacy
  medcommit tx list --limit 1000 -o json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.Limit < 1 || f.Limit > 1000 {
				return wrongUsage(errors.New("--limit must be 1 to 1000"))
			}
			if f.Participant != "" && !txn.ValidName(f.Participant) {
				return wrongUsage(errors.New("--participant is not a name"))
			}
			if state.value != "" {
				var err error
				if f.State, err = txn.ParseState(state.value); err != nil {
					return err
				}
			}
			c, err := flags.connect()
			if err != nil {
				return err
			}
			page, err := c.List(cmd.Context(), f)
			if err != nil {
				return explain(err)
			}
			if flags.json() {
				return printJSON(cmd.OutOrStdout(), page)
			}
			showPage(cmd, page)
			return nil
		},
	}
	cmd.Flags().Var(&state, "state", "only those in this `state`: preparing, committing, committed, aborting or aborted")
	cmd.Flags().StringVar(&f.Participant, "participant", "", "only those with a branch at the participant of this `name`")
	cmd.Flags().IntVar(&f.Limit, "limit", 100, "show at most this `number`, up to 1000")
	cmd.Flags().StringVar(&f.Cursor, "cursor", "", "go on at the `cursor` that the page before ended with")
	return cmd
}

func newTxAbort(flags *clientFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "abort ID",
		Short: "Abort a transaction that is not decided yet",
		Long: `Aborts a transaction that is not decided yet. The exit code is 0 where it is aborted, now or before, and 1 where
it is already decided to commit.`,
		Example: `  medcommit tx abort rx-2026-000123`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := flags.connect()
			if err != nil {
				return err
			}
			if err := wantID(args[0]); err != nil {
				return err
			}
			t, err := c.Abort(cmd.Context(), args[0])
			if errors.Is(err, txn.ErrAlreadyDecided) {
				if err := showTransaction(cmd, flags, &t); err != nil {
					return err
				}
				return fmt.Errorf("%s is already decided to commit; it cannot be aborted any more", args[0])
			}
			if err != nil {
				return explain(err)
			}
			if err := showTransaction(cmd, flags, &t); err != nil {
				return err
			}
			if !t.State.Decided() {
				return fmt.Errorf("%s is not decided yet; try again, or see medcommit tx watch %s", t.ID, t.ID)
			}
			return nil
		},
	}
}

func wantID(id string) error {
	if !txn.ValidID(id) {
		return wrongUsage(errors.New("ID must be 1 to 64 characters of A-Z, a-z, 0-9, dot, underscore and hyphen"))
	}
	return nil
}
