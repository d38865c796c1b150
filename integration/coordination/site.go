package main

import (
	"context"
	"errors"
	"os"
	"runtime/pprof"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/medcommit/medcommit/cmd/medcommit/tuning"
	"github.com/medcommit/medcommit/participant"
	"github.com/medcommit/medcommit/zkcoord"
)

// siteCommand makes this program a participant: site NAME ZOOKEEPER [PROFILE].
const siteCommand = "site"

// sessionTimeout is long: on a machine that is kept busy on purpose no session is to end.
const sessionTimeout = 20 * time.Second

// siteSlots is above what all clients together have under way.
const siteSlots = 4096

func runSite(ctx context.Context, args []string) error {
	if len(args) < 2 {
		return errors.New("site NAME ZOOKEEPER [PROFILE]")
	}
	if len(args) > 2 {
		file, err := os.Create(args[2])
		if err != nil {
			return err
		}
		defer file.Close()
		if err := pprof.StartCPUProfile(file); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	tuning.Runtime()
	go tuning.Threads(ctx)
	log := hclog.New(&hclog.LoggerOptions{Name: args[0], Level: hclog.Warn})
	driver, err := zkcoord.NewDriver(zkcoord.DriverConfig{Servers: servers(args[1]), Root: root, SessionTimeout: sessionTimeout, Logger: log})
	if err != nil {
		return err
	}
	p, err := participant.New(participant.Config{Name: args[0], MaxInFlight: siteSlots, Logger: log}, driver, &nothing{})
	if err != nil {
		return err
	}
	return p.Run(ctx)
}
