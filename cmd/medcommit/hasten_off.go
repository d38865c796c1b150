//go:build !failpoints

package main

import (
	"github.com/medcommit/medcommit/participant"
	"github.com/medcommit/medcommit/zkcoord"
)

// hastenCoordinator and hastenParticipant make what comes seldom come soon, in the build with failpoints.
func hastenCoordinator(*zkcoord.Config)     {}
func hastenParticipant(*participant.Config) {}
