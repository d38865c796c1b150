package txn

import (
	"errors"
	"regexp"
)

// ErrBadName is returned for a name or an id outside its alphabet or length. It never quotes the value.
var ErrBadName = errors.New("name is outside its alphabet or length")

var (
	namePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`)
	idPattern   = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)
	keyPattern  = regexp.MustCompile(`^[a-z0-9]{26}$`)
)

// ValidName tells whether s may name a cluster, a participant or an operation: [a-z0-9][a-z0-9._-]{0,62}.
func ValidName(s string) bool { return namePattern.MatchString(s) }

// ValidID tells whether s may be a transaction's id as a client gives it: [A-Za-z0-9._-]{1,64}.
func ValidID(s string) bool { return idPattern.MatchString(s) }

// Key names one submission: 26 characters of [a-z0-9], random and time-ordered, new for every submission, also when the same
// request is sent again. Votes, decisions, markers and XIDs carry it, never the client's id alone (R3).
type Key string

// Valid tells whether k has the shape of a key.
func (k Key) Valid() bool { return keyPattern.MatchString(string(k)) }
