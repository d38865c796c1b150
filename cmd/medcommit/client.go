package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/medcommit/medcommit/api/client"
)

// patience is how long a command goes on trying: a new leader is there within a second, and somebody waits at the terminal.
const patience = 3 * time.Second

// clientFlags are what every command takes that calls a cluster.
type clientFlags struct {
	coordinators []string
	output       choice
}

func newClientFlags() *clientFlags {
	return &clientFlags{output: choice{value: outputText, allowed: []string{outputText, outputJSON}}}
}

// register gives cmd, and the commands under it, the flags.
func (f *clientFlags) register(cmd *cobra.Command) {
	flags := cmd.PersistentFlags()
	flags.StringSliceVar(&f.coordinators, "coordinators", []string{"http://127.0.0.1:7070"}, "the coordinators' `URLs`, tried in turn")
	flags.VarP(&f.output, "output", "o", "`text|json`; json has the shapes of the HTTP calls")
}

func (f *clientFlags) connect() (*client.Client, error) { return f.connectFor(patience) }

// connectFor is for calls that go on trying for d; negative: not at all.
func (f *clientFlags) connectFor(d time.Duration) (*client.Client, error) {
	c, err := client.New(client.Config{Coordinators: f.coordinators, Patience: d})
	if err != nil {
		return nil, wrongUsage(fmt.Errorf("--coordinators: %w", err))
	}
	return c, nil
}

func (f *clientFlags) json() bool { return f.output.value == outputJSON }

// choice is a flag that takes one of a few words.
type choice struct {
	value   string
	allowed []string
}

var errChoice = errors.New("must be one of")

func (c *choice) String() string { return c.value }
func (c *choice) Type() string   { return strings.Join(c.allowed, "|") }

// Set takes one of the allowed words.
func (c *choice) Set(word string) error {
	if !slices.Contains(c.allowed, word) {
		return fmt.Errorf("%w %s", errChoice, strings.Join(c.allowed, ", "))
	}
	c.value = word
	return nil
}

// explain says what to do about an error of a call.
func explain(err error) error {
	if errors.Is(err, client.ErrUnreachable) {
		return fmt.Errorf("%w; is it running, and does --coordinators name it?", err)
	}
	return err
}
