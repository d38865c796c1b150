package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// execute runs the program and gives its exit code; what went wrong is one line on standard error.
func execute(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errs)
	err := root.ExecuteContext(ctx)
	if err != nil && err.Error() != "" {
		fmt.Fprintln(errs, "medcommit:", err)
	}
	return exitCode(err)
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "medcommit",
		Short: "Atomic commit across hospital sites: everywhere or nowhere",
		Long: `medcommit makes a change to several sites' databases happen at every site or at none.

Every flag can also be set in the environment (MEDCOMMIT_SESSION_TIMEOUT for --session-timeout) or in the YAML file
that --config names (session-timeout: 4s); a flag beats the environment, which beats the file.`,
		Example: `  medcommit demo                     a guided run on this machine
  medcommit dev --data ./cluster     a whole local cluster, until Ctrl-C
  medcommit tx submit -f order.json  hand in a transaction`,
		SilenceErrors:     true,
		SilenceUsage:      true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return settle(cmd) },
	}
	root.PersistentFlags().String("config", "", "YAML `file` of the same settings")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return wrongUsage(fmt.Errorf("%w; see %s --help", err, cmd.CommandPath()))
	})
	root.AddGroup(&cobra.Group{ID: "roles", Title: "Roles:"}, &cobra.Group{ID: "local", Title: "On this machine:"},
		&cobra.Group{ID: "client", Title: "Working with a cluster:"})
	root.AddCommand(commands()...)
	guard(root)
	return root
}

// guard makes wrong arguments end with exit code 2, and a group without a subcommand too.
func guard(cmd *cobra.Command) {
	check := cmd.Args
	if check == nil {
		check = cobra.NoArgs
	}
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return wrongUsage(fmt.Errorf("%w; see %s --help", err, cmd.CommandPath()))
		}
		return nil
	}
	for _, sub := range cmd.Commands() {
		guard(sub)
	}
	if cmd.HasSubCommands() && !cmd.Runnable() {
		cmd.RunE = func(cmd *cobra.Command, _ []string) error {
			if err := cmd.Help(); err != nil {
				return err
			}
			if cmd.HasParent() {
				return wrongUsage(errSilent)
			}
			return nil
		}
	}
}

// errSilent ends the process with its code, and no line: what there is to say was said.
var errSilent = silent{}

type silent struct{}

func (silent) Error() string { return "" }
