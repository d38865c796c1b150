package participant

import "errors"

// What is wrong with a site's own settings, or with what it was asked. None of their texts holds a value of a client.
var (
	// ErrStatement says that a SQL statement cannot be split into text and parameters.
	ErrStatement = errors.New("the statement cannot be read")
	// ErrCatalogue says that the site's list of operations is wrong; the text names the operation.
	ErrCatalogue = errors.New("the catalogue is wrong")
	// ErrCall says that an operation is unknown to the site, or its arguments do not fit.
	ErrCall = errors.New("the operation cannot be called so")
	// ErrReplaced says that another process has taken over this participant's name (R5).
	ErrReplaced = errors.New("this process has been replaced")

	errPayload = errors.New("the payload cannot be read")
)
