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

// What no flag sets: after how many creates a log goes on in its next generation, how often the past is forgotten, and after how
// long a payload that no submission took is removed.
const (
	environmentGeneration = "MEDCOMMIT_FAILPOINT_GENERATION"
	environmentHorizon    = "MEDCOMMIT_FAILPOINT_HORIZON"
	environmentSweep      = "MEDCOMMIT_FAILPOINT_SWEEP"
)

func hastenCoordinator(c *zkcoord.Config) {
	c.GenerationSize = generation()
	c.HorizonEvery = hastened(environmentHorizon)
	c.SweepAfter = hastened(environmentSweep)
}

func hastenParticipant(c *participant.Config) { c.GenerationSize = generation() }

func generation() int32 {
	text := os.Getenv(environmentGeneration)
	if text == "" {
		return 0
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		panic(fmt.Sprintf("%s: %v", environmentGeneration, err))
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
