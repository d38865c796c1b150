package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/medcommit/medcommit/api/client"
	"github.com/medcommit/medcommit/txn"
)

func newTxWatch(flags *clientFlags) *cobra.Command {
	var timeout time.Duration
	wait := choice{value: "decision", allowed: []string{"decision", "completed"}}
	cmd := &cobra.Command{
		Use:   "watch [ID]",
		Short: "Follow one transaction to its end, or all that happens in the cluster",
		Long: `With an ID: shows the transaction at each change, until it is decided. The exit code is 0 where it is committed, 3
where it is aborted, 4 where it is not decided when the wait ends. Without: shows every change of a transaction, the
leader or a participant until Ctrl-C, one line each.`,
		Example: `  medcommit tx watch rx-2026-000123 --timeout 30s
  medcommit tx watch -o json`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if timeout < 0 {
				return wrongUsage(errors.New("--timeout must not be negative"))
			}
			c, err := flags.connect()
			if err != nil {
				return err
			}
			ctx := cmd.Context()
			if timeout > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, timeout)
				defer cancel()
			}
			if len(args) == 0 {
				return watchAll(ctx, cmd, c, flags)
			}
			if err := wantID(args[0]); err != nil {
				return err
			}
			one := watchOne{cmd: cmd, flags: flags, client: c, id: args[0], completed: wait.value == "completed"}
			return one.run(ctx)
		},
	}
	cmd.Flags().DurationVar(&timeout, "timeout", 0, "stop after this `duration`; 0: never")
	cmd.Flags().Var(&wait, "wait", "with an ID: wait for `decision|completed`")
	return cmd
}

// errSeen ends a watch that has seen what it waited for.
var errSeen = errors.New("seen")

// watchOne follows one transaction.
type watchOne struct {
	cmd       *cobra.Command
	flags     *clientFlags
	client    *client.Client
	id        string
	completed bool
	last      txn.Transaction
}

func (w *watchOne) run(ctx context.Context) error {
	err := w.client.Watch(ctx, client.Watcher{
		Connected: func(ctx context.Context) error {
			t, err := w.client.Get(ctx, w.id)
			if err != nil {
				return err
			}
			return w.take(&t)
		},
		Notice: func(n txn.Notice) error {
			if n.Transaction == nil || n.Transaction.ID != w.id {
				return nil
			}
			return w.take(n.Transaction)
		},
	})
	switch {
	case errors.Is(err, errSeen), ctx.Err() != nil && w.last.ID != "":
		return outcomeOf(&w.last)
	case ctx.Err() != nil:
		return &exit{exitUndecided, fmt.Errorf("nothing was heard of %s", w.id)}
	}
	return explain(err)
}

// take shows a change, and ends the watch at the one waited for.
func (w *watchOne) take(t *txn.Transaction) error {
	if w.last.State != t.State {
		if err := showTransaction(w.cmd, w.flags, t); err != nil {
			return err
		}
	}
	w.last = *t
	if t.Completed != nil || t.State.Decided() && !w.completed {
		return errSeen
	}
	return nil
}

func watchAll(ctx context.Context, cmd *cobra.Command, c *client.Client, flags *clientFlags) error {
	s := newScreen(cmd.OutOrStdout())
	err := c.Watch(ctx, client.Watcher{Notice: func(n txn.Notice) error {
		if flags.json() {
			return noticeJSON(s, n)
		}
		fmt.Fprintln(s, noticeLine(s, n))
		return nil
	}})
	if ctx.Err() != nil {
		return nil // Ctrl-C, or --timeout: as wanted
	}
	return explain(err)
}

// noticeJSON writes a change as one line: {"event": …, "data": …}, the data as the HTTP calls give it.
func noticeJSON(s screen, n txn.Notice) error {
	var about any = n.Transaction
	switch n.Kind {
	case txn.EventLeader:
		about = n.Cluster
	case txn.EventParticipant:
		about = n.Participant
	}
	enc := json.NewEncoder(s)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(map[string]any{"event": n.Kind.String(), "data": about}); err != nil {
		return fmt.Errorf("write change: %w", err)
	}
	return nil
}

func noticeLine(s screen, n txn.Notice) string {
	switch n.Kind {
	case txn.EventTransaction:
		t := n.Transaction
		row := []cell{{text: "transaction"}, {text: t.ID}, {t.State.String(), stateColour(t.State)}, {text: reasonText(t)}}
		return s.line([]int{11, 36, 10, 0}, row)
	case txn.EventLeader:
		return fmt.Sprintf("leader       %s, epoch %d", orDash(n.Cluster.Leader), n.Cluster.Epoch)
	}
	status, _ := siteStatus(n.Participant)
	return fmt.Sprintf("participant  %s: %s", n.Participant.Name, status)
}
