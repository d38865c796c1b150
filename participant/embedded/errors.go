package embedded

import "errors"

// What can be wrong with a store.
var (
	// ErrInUse says that another process has the store open.
	ErrInUse = errors.New("another process has the store open")
	// ErrBroken says that a write failed half-way: what is on disk is known only after the process was started again.
	ErrBroken = errors.New("a write to the store failed half-way; start the participant again")

	errFile      = errors.New("the file holds what this program did not write")
	errNumber    = errors.New("not a number")
	errNotObject = errors.New("not an object")
	errClosed    = errors.New("the store is closed")
)
