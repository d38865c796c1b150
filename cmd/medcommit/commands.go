package main

import "github.com/spf13/cobra"

// commands gives every command of the program.
func commands() []*cobra.Command {
	return []*cobra.Command{
		newDev(),
		newTx(),
		newCluster(),
		newParticipants(),
		newVersion(),
	}
}
