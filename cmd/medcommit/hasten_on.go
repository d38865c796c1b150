//go:build failpoints

package main

import (
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/medcommit/medcommit/participant"
	"github.com/medcommit/medcommit/zkcoord"
)

// What no flag sets: after how many creates a log goes on in its next generation, how often the past is forgotten, after how long a
// payload that no submission took is removed, and how many operations a participant's request holds.
const (
	environmentGeneration = "MEDCOMMIT_FAILPOINT_GENERATION"
	environmentHorizon    = "MEDCOMMIT_FAILPOINT_HORIZON"
	environmentSweep      = "MEDCOMMIT_FAILPOINT_SWEEP"
	environmentOps        = "MEDCOMMIT_FAILPOINT_OPS"
)

func hastenCoordinator(c *zkcoord.Config) {
	c.GenerationSize = number(environmentGeneration)
	c.HorizonEvery = hastened(environmentHorizon)
	c.SweepAfter = hastened(environmentSweep)
}

func hastenParticipant(c *participant.Config) {
	c.GenerationSize, c.MaxOps = number(environmentGeneration), int(number(environmentOps))
}

func number(name string) int32 {
	text := os.Getenv(name)
	if text == "" {
		return 0
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		panic(fmt.Sprintf("%s: %v", name, err))
	}
	return int32(n)
}

func hastened(name string) time.Duration {
	text := os.Getenv(name)
	if text == "" {
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		panic(fmt.Sprintf("%s: %v", name, err))
	}
	return d
}
