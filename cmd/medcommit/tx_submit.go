package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/medcommit/medcommit/api/client"
	"github.com/medcommit/medcommit/txn"
)

func newTxSubmit(flags *clientFlags) *cobra.Command {
	var file string
	wait := choice{value: "decision", allowed: []string{"decision", "completed", "none"}}
	cmd := &cobra.Command{
		Use:   "submit [-f FILE]",
		Short: "Hand a transaction in and wait for its decision",
		Long: `Hands in a transaction, JSON as POST /v1/transactions takes it, and waits. The exit code is 0 where it is committed,
3 where it is aborted, 4 where it is not decided when the wait ends (with --wait none: at once), 1 where nothing was
started or the outcome is not known. The same id with the same branches runs once: to submit it again is safe.`,
		Example: `  medcommit tx submit -f order.json
  medcommit tx submit <<'END'
  {"id": "rx-1", "branches": [
    {"participant": "orders",   "operations": [{"name": "place-order", "arguments": {"order": "o-1"}}]},
    {"participant": "pharmacy", "operations": [{"name": "dispense", "arguments": {"order": "o-1", "quantity": 20}}]}]}
  END`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w, err := txn.ParseWait(wait.value)
			if err != nil {
				return wrongUsage(err)
			}
			c, err := flags.connect()
			if err != nil {
				return err
			}
			body, err := readInput(cmd, file)
			if err != nil {
				return err
			}
			t, err := c.SubmitJSON(cmd.Context(), body, w)
			if err != nil {
				return submitFailed(err)
			}
			if err := showTransaction(cmd, flags, &t); err != nil {
				return err
			}
			return outcomeOf(&t)
		},
	}
	cmd.Flags().StringVarP(&file, "file", "f", "-", "read the transaction from this `file`; - is standard input")
	cmd.Flags().Var(&wait, "wait", "wait for the `decision|completed|none`")
	return cmd
}

// submitFailed says of a submission without an answer that it may have been started.
func submitFailed(err error) error {
	switch {
	case errors.Is(err, client.ErrUnreachable):
		return explain(err)
	case errors.Is(err, context.Canceled), errors.Is(err, client.ErrLost), errors.Is(err, client.ErrAnswer):
		return fmt.Errorf("%w; it may have been started: medcommit tx get tells, and to submit it again under this id is safe", err)
	}
	return err
}

func readInput(cmd *cobra.Command, file string) ([]byte, error) {
	if file != "-" {
		body, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("read transaction: %w", err)
		}
		return body, nil
	}
	if isTerminal(cmd.InOrStdin()) {
		fmt.Fprintln(cmd.ErrOrStderr(), "reading the transaction from standard input; end it with Ctrl-D")
	}
	body, err := io.ReadAll(cmd.InOrStdin())
	if err != nil {
		return nil, fmt.Errorf("read transaction from standard input: %w", err)
	}
	return body, nil
}
