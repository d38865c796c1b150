package api

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/google/uuid"

	"github.com/medcommit/medcommit/api/exactjson"
	"github.com/medcommit/medcommit/api/problem"
	"github.com/medcommit/medcommit/txn"
)

// A transaction's timeout lies within these.
const (
	minTimeout = 100 * time.Millisecond
	maxTimeout = 10 * time.Minute
)

// checker turns a request's body into a Submission, against the catalogues that the sites publish.
type checker struct {
	schemas     *schemas
	voteTimeout time.Duration // of a submission that names none
}

// refusal is why a submission cannot be taken.
type refusal struct {
	fields []problem.Field
	// repeatable says that the body is a submission, under an id that the client chose, and only does not fit the catalogues as they
	// are now: it may have been taken before they changed.
	repeatable bool
}

// check reads a submission. idempotencyKey is the header's, empty where there was none. With a refusal that is not repeatable the
// submission is not to be used.
func (c *checker) check(body any, idempotencyKey string, sites []txn.ParticipantInfo) (Submission, *refusal) {
	r := &reader{}
	top, ok := r.object(body, "body", "id", "timeout", "branches")
	if !ok {
		return Submission{}, &refusal{fields: r.fields}
	}
	sub := Submission{ID: c.id(r, top, idempotencyKey), Timeout: c.timeout(r, top)}
	branches, ok := r.array(top, "body", "branches")
	if ok && len(branches) == 0 {
		r.bad("body.branches", "must name at least one branch")
	}
	b := branchReader{reader: r, sites: sites, schemas: c.schemas, seen: map[string]bool{}}
	sub.Branches = b.branches(branches)
	sum := sha256.Sum256(exactjson.Append(nil, any(branches)))
	sub.Digest = hex.EncodeToString(sum[:])
	if len(r.fields) == 0 {
		return sub, nil
	}
	_, chosen := top["id"]
	return sub, &refusal{fields: r.fields, repeatable: !r.malformed && (chosen || idempotencyKey != "")}
}

func (c *checker) id(r *reader, top map[string]any, idempotencyKey string) string {
	const want = "must be 1 to 64 characters of A-Z, a-z, 0-9, dot, underscore and hyphen"
	if idempotencyKey != "" && !txn.ValidID(idempotencyKey) {
		r.bad("header.Idempotency-Key", want)
	}
	id, given := r.optionalString(top, "body", "id")
	switch {
	case given && !txn.ValidID(id):
		r.bad("body.id", want)
	case given && idempotencyKey != "" && id != idempotencyKey:
		r.bad("body.id", "differs from the header Idempotency-Key")
	case given:
		return id
	case idempotencyKey != "":
		return idempotencyKey
	}
	return uuid.Must(uuid.NewV7()).String()
}

func (c *checker) timeout(r *reader, top map[string]any) time.Duration {
	const location = "body.timeout"
	text, given := r.optionalString(top, "body", "timeout")
	if !given {
		return c.voteTimeout
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		r.bad(location, `must be a duration such as "10s"`)
	} else if d < minTimeout || d > maxTimeout {
		r.bad(location, "must be 100ms to 10m")
	}
	return d
}
