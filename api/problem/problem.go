package problem

import (
	"strings"
	"time"

	"github.com/medcommit/medcommit/txn"
)

// ContentType is the media type of a problem document.
const ContentType = "application/problem+json"

// prefix goes before a Name in the member "type".
const prefix = "/problems/"

// Problem is one problem document.
type Problem struct {
	Type   string  `json:"type"` // "/problems/NAME"
	Title  string  `json:"title"`
	Status int     `json:"status"`
	Detail string  `json:"detail,omitempty"`
	Errors []Field `json:"errors,omitempty"`
	// Transaction is the transaction as it stands, in an "aborted", an "already-decided", a "not-as-decided" and a "not-settled".
	Transaction *txn.Transaction `json:"transaction,omitempty"`

	// RetryAfter is the header Retry-After, in whole seconds; zero where there is none.
	RetryAfter time.Duration `json:"-"`
}

// Field names one bad field of a request: where it stood, and what is wanted of it. It never holds the value.
type Field struct {
	Location string `json:"location"` // body.branches[1].operations[0].arguments.quantity, query.limit, header.Idempotency-Key
	Message  string `json:"message"`
}

// New makes a problem of the given name, with its title and status.
func New(n Name, detail string, fields ...Field) *Problem {
	return &Problem{Type: prefix + n.String(), Title: n.Title(), Status: n.Status(), Detail: detail, Errors: fields}
}

// Name gives the problem's name; Unknown for a document of another server.
func (p *Problem) Name() Name {
	text, ok := strings.CutPrefix(p.Type, prefix)
	if !ok {
		return Unknown
	}
	return parseName(text)
}

// Error gives one line: the title, the detail, and each bad field.
func (p *Problem) Error() string {
	var b strings.Builder
	b.WriteString(p.Title)
	if p.Detail != "" {
		b.WriteString(": " + p.Detail)
	}
	for _, f := range p.Errors {
		b.WriteString("; " + f.Location + " " + f.Message)
	}
	return b.String()
}

// Unwrap gives the error of package txn that the problem stands for, so that errors.Is works on both sides of the wire.
func (p *Problem) Unwrap() error { return p.Name().cause() }

var _ error = (*Problem)(nil)
