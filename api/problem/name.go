package problem

import (
	"net/http"

	"github.com/medcommit/medcommit/txn"
)

// Name says which problem it is.
type Name uint8

// The problems. Each has one status.
const (
	Unknown Name = iota
	BadRequest
	NotFound
	MethodNotAllowed
	BodyTimeout
	TooLarge
	UnsupportedMediaType
	Invalid
	Aborted
	IDReuse
	AlreadyDecided
	NotAsDecided
	NotSettled
	NothingToAdopt
	TooMany
	Unavailable
	ParticipantUnavailable
	ParticipantDrained
	Internal
)

// facts are what is fixed about a Name.
type facts struct {
	name   string
	title  string
	status int
	cause  error
}

func (n Name) facts() facts {
	switch n {
	case BadRequest:
		return facts{"bad-request", "The request cannot be read", http.StatusBadRequest, nil}
	case NotFound:
		return facts{"not-found", "Not found", http.StatusNotFound, txn.ErrNotFound}
	case MethodNotAllowed:
		return facts{"method-not-allowed", "The method is not one of this path", http.StatusMethodNotAllowed, nil}
	case BodyTimeout:
		return facts{"body-timeout", "The body came too slowly", http.StatusRequestTimeout, nil}
	case TooLarge:
		return facts{"too-large", "The body is over the limit", http.StatusRequestEntityTooLarge, nil}
	case UnsupportedMediaType:
		return facts{"unsupported-media-type", "The content type is not application/json", http.StatusUnsupportedMediaType, nil}
	case Invalid:
		return facts{"invalid", "The request is not valid; nothing was started", http.StatusUnprocessableEntity, nil}
	case Aborted:
		return facts{"aborted", "The transaction is decided to abort", http.StatusConflict, nil}
	case IDReuse:
		return facts{"id-reuse", "The id was used with other branches", http.StatusConflict, txn.ErrIDReuse}
	case AlreadyDecided:
		return facts{"already-decided", "The transaction is decided to commit", http.StatusConflict, txn.ErrAlreadyDecided}
	case NotAsDecided:
		return facts{"not-as-decided", "The log does not say so; the branch is left as it is", http.StatusConflict, txn.ErrNotAsDecided}
	case NotSettled:
		return facts{"not-settled", "The branch cannot be settled so", http.StatusConflict, txn.ErrNotSettled}
	case NothingToAdopt:
		return facts{"nothing-to-adopt", "The participant does not wait for an operator", http.StatusConflict, txn.ErrNothingToAdopt}
	case TooMany:
		return facts{"too-many", "Too many transactions; nothing was started", http.StatusTooManyRequests, txn.ErrTooMany}
	case Unavailable:
		return facts{"unavailable", "The cluster does not answer", http.StatusServiceUnavailable, txn.ErrUnavailable}
	case ParticipantUnavailable:
		return facts{"participant-unavailable", "A participant is not ready; nothing was started", http.StatusServiceUnavailable, txn.ErrParticipantUnavailable}
	case ParticipantDrained:
		return facts{"participant-drained", "A participant is drained; nothing was started", http.StatusServiceUnavailable, txn.ErrParticipantDrained}
	case Internal:
		return facts{"internal", "The coordinator failed", http.StatusInternalServerError, nil}
	}
	return facts{"", "", 0, nil}
}

// String gives the last part of the problem's type: "id-reuse".
func (n Name) String() string { return n.facts().name }

// Title is the sentence that every problem of this name has.
func (n Name) Title() string { return n.facts().title }

// Status is the HTTP status that goes with the name.
func (n Name) Status() int { return n.facts().status }

func (n Name) cause() error { return n.facts().cause }

func parseName(text string) Name {
	for n := BadRequest; n <= Internal; n++ {
		if n.String() == text {
			return n
		}
	}
	return Unknown
}
