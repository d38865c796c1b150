package main

import "errors"

// The exit codes of CONTRACT.md.
const (
	exitDone      = 0
	exitError     = 1
	exitUsage     = 2
	exitAborted   = 3
	exitUndecided = 4
)

// exit is an error with the exit code it ends the process with.
type exit struct {
	code int
	err  error
}

func (e *exit) Error() string { return e.err.Error() }
func (e *exit) Unwrap() error { return e.err }

// wrongUsage marks err as the user's: exit code 2.
func wrongUsage(err error) error {
	if err == nil {
		return nil
	}
	return &exit{exitUsage, err}
}

// exitCode gives the code that err ends the process with.
func exitCode(err error) int {
	var e *exit
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &e):
		return e.code
	}
	return exitError
}
