package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/medcommit/medcommit/txn"
)

// showTransaction shows one transaction as -o wants it.
func showTransaction(cmd *cobra.Command, flags *clientFlags, t *txn.Transaction) error {
	if flags.json() {
		return printJSON(cmd.OutOrStdout(), t)
	}
	s := newScreen(cmd.OutOrStdout())
	fmt.Fprintf(s, "%s  %s\n", t.ID, s.paint(stateColour(t.State), t.State.String()))
	if t.Reason != nil {
		fmt.Fprintf(s, "reason     %s\n", reasonText(t))
	}
	fmt.Fprintf(s, "created    %s\n", clock(&t.Created))
	if t.Decided != nil {
		fmt.Fprintf(s, "decided    %s by %s, epoch %d\n", clock(t.Decided), orDash(t.Coordinator), t.Epoch)
	}
	if t.Completed != nil {
		fmt.Fprintf(s, "completed  %s\n", clock(t.Completed))
	}
	rows := make([][]cell, len(t.Branches))
	for i, b := range t.Branches {
		rows[i] = []cell{
			{text: b.Participant},
			{orDash(b.Vote.String()), voteColour(b.Vote)},
			{orDash(b.Outcome.String()), outcomeColour(b.Outcome)},
			{text: clock(b.Voted)},
			{text: clock(b.Finished)},
			{text: orDash(b.XID)},
		}
	}
	s.table([]string{"PARTICIPANT", "VOTE", "OUTCOME", "VOTED", "FINISHED", "XID"}, rows)
	return nil
}

func showPage(cmd *cobra.Command, page txn.Page) {
	s := newScreen(cmd.OutOrStdout())
	rows := make([][]cell, len(page.Transactions))
	for i := range page.Transactions {
		t := &page.Transactions[i]
		sites := make([]string, len(t.Branches))
		for j, b := range t.Branches {
			sites[j] = b.Participant
		}
		rows[i] = []cell{
			{text: t.ID},
			{t.State.String(), stateColour(t.State)},
			{text: clock(&t.Created)},
			{text: clock(t.Decided)},
			{text: strings.Join(sites, ",")},
			{text: orDash(reasonText(t))},
		}
	}
	s.table([]string{"ID", "STATE", "CREATED", "DECIDED", "PARTICIPANTS", "REASON"}, rows)
	if page.Next != "" {
		fmt.Fprintf(cmd.ErrOrStderr(), "there are more: --cursor %s\n", page.Next)
	}
}

// reasonText says in one line why a transaction was aborted.
func reasonText(t *txn.Transaction) string {
	r := t.Reason
	if r == nil {
		return ""
	}
	text := r.Code.String()
	if r.Participant != "" {
		text += " of " + r.Participant
	}
	if r.Detail != txn.DetailNone {
		text += ": " + r.Detail.String()
	}
	if t.Retryable != nil && *t.Retryable {
		text += " (the same work may succeed under a new id)"
	}
	return text
}

// outcomeOf gives the exit code of a command that waits for a transaction.
func outcomeOf(t *txn.Transaction) error {
	switch {
	case !t.State.Decided():
		return &exit{exitUndecided, errors.New(t.ID + " is not decided yet; see medcommit tx watch " + t.ID)}
	case !t.State.Commit():
		return &exit{exitAborted, errSilent}
	}
	return nil
}

func stateColour(s txn.State) colour {
	switch {
	case !s.Decided():
		return yellow
	case s.Commit():
		return green
	}
	return red
}

func voteColour(v txn.Vote) colour {
	if v == txn.VoteAbort {
		return red
	}
	return plain
}

func outcomeColour(o txn.Outcome) colour {
	switch o {
	case txn.OutcomeHeuristicCommit, txn.OutcomeHeuristicRollback:
		return red
	}
	return plain
}
