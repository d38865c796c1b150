package main

import "github.com/spf13/cobra"

// commands gives every command of the program.
func commands() []*cobra.Command {
	return []*cobra.Command{
		newCoordinator(),
		newParticipant(),
		newDev(),
		newDemo(),
		newTx(),
		newCluster(),
		newParticipants(),
		newBench(),
		newInDoubt(),
		newDoctor(),
		newSchema(),
		newVersion(),
	}
}
