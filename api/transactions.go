package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/medcommit/medcommit/api/problem"
	"github.com/medcommit/medcommit/txn"
)

func (s *Server) submit(w http.ResponseWriter, r *http.Request) error {
	q := readQuery(r)
	wait := q.wait()
	if err := q.problem(); err != nil {
		return err
	}
	key, err := idempotencyKey(r.Header)
	if err != nil {
		return err
	}
	body, err := readBody(w, r, s.config.MaxBody)
	if err != nil {
		return err
	}
	sites, err := s.service.Participants(r.Context())
	if err != nil {
		return err
	}
	sub, refused := s.checker.check(body, key, sites)
	if err := s.mind(r.Context(), refused, &sub); err != nil {
		return err
	}
	sub.Wait = wait
	t, err := s.service.Submit(r.Context(), sub)
	if leader := s.service.Leader(); leader != "" {
		w.Header()[txn.LeaderHeader] = []string{leader}
	}
	if err != nil {
		return s.submitFailed(w, r, &sub, t, err)
	}
	return answerSubmission(w, &t)
}

// mind answers a submission that the catalogues refuse, unless its id is in use: then it was taken before they changed, and who asks
// again must hear what became of it, not that nothing was started. The Service compares the branches, and the sites check them again.
func (s *Server) mind(ctx context.Context, refused *refusal, sub *Submission) error {
	if refused == nil {
		return nil
	}
	invalid := problem.New(problem.Invalid, "", refused.fields...)
	if !refused.repeatable {
		return invalid
	}
	_, err := s.service.Transaction(ctx, sub.ID)
	if errors.Is(err, txn.ErrNotFound) {
		return invalid
	}
	return err
}

// idempotencyKey gives the header's value; the quotes that its draft standard wants may be there or not.
func idempotencyKey(h http.Header) (string, error) {
	values := h.Values("Idempotency-Key")
	if len(values) == 0 {
		return "", nil
	}
	key := values[0]
	if len(key) >= 2 && strings.HasPrefix(key, `"`) && strings.HasSuffix(key, `"`) {
		key = key[1 : len(key)-1]
	}
	if len(values) > 1 || key == "" {
		return "", problem.New(problem.Invalid, "", problem.Field{Location: "header.Idempotency-Key", Message: "must be one id"})
	}
	return key, nil
}

// answerSubmission answers with a transaction as its state wants it.
func answerSubmission(w http.ResponseWriter, t *txn.Transaction) error {
	switch {
	case !t.State.Decided():
		w.Header().Set("Location", transactionsPath+"/"+pathSegment(t.ID))
		return writeJSON(w, http.StatusAccepted, jsonType, t)
	case t.State.Commit():
		return writeJSON(w, http.StatusOK, jsonType, t)
	}
	p := problem.New(problem.Aborted, abortDetail(t))
	p.Transaction = t
	return writeProblem(w, p)
}

// submitFailed answers a submission that the Service did not carry to its end. Where it may have been started the answer is 202.
func (s *Server) submitFailed(w http.ResponseWriter, r *http.Request, sub *Submission, t txn.Transaction, err error) error {
	switch {
	case errors.Is(err, txn.ErrPerhaps), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		if t.ID == "" {
			t = perhaps(sub)
		}
		return answerSubmission(w, &t)
	case errors.Is(err, txn.ErrParticipantUnknown):
		return problem.New(problem.Invalid, "", problem.Field{Location: "body.branches", Message: "names a participant that was never registered"})
	}
	p := asProblem(err)
	if errors.Is(err, txn.ErrParticipantsBusy) {
		p.Detail = "too many transactions over just these participants are in flight: one of them is slow"
		p.Errors = s.culprits(r, sub, "is slow, or another one of the branches is", func(*txn.ParticipantInfo) bool { return true })
		return p
	}
	switch p.Name() {
	case problem.ParticipantDrained:
		p.Errors = s.culprits(r, sub, "is drained", func(site *txn.ParticipantInfo) bool { return site.Drained })
	case problem.ParticipantUnavailable:
		p.Errors = s.culprits(r, sub, "is not alive and ready", func(site *txn.ParticipantInfo) bool { return !site.Alive || !site.Ready })
	default:
		return err
	}
	return p
}

// culprits names the branches whose participants are why a submission was refused, as far as they can still be told.
func (s *Server) culprits(r *http.Request, sub *Submission, message string, guilty func(*txn.ParticipantInfo) bool) []problem.Field {
	sites, err := s.service.Participants(r.Context())
	if err != nil {
		return nil
	}
	return siteFields(sub, sites, message, guilty)
}

// perhaps is what can be said of a submission that may have been started.
func perhaps(sub *Submission) txn.Transaction {
	t := txn.Transaction{ID: sub.ID, State: txn.StatePreparing, Created: txn.Moment{Time: time.Now()}}
	for _, b := range sub.Branches {
		t.Branches = append(t.Branches, txn.Branch{Participant: b.Participant})
	}
	return t
}

func abortDetail(t *txn.Transaction) string {
	if t.Reason == nil {
		return "nothing of it remains anywhere"
	}
	text := t.Reason.Code.String()
	if t.Reason.Detail != txn.DetailNone {
		text += " (" + t.Reason.Detail.String() + ")"
	}
	if t.Reason.Participant != "" {
		text += " of " + t.Reason.Participant
	}
	return fmt.Sprintf("%s; nothing of it remains anywhere", text)
}

func (s *Server) list(w http.ResponseWriter, r *http.Request) error {
	q := readQuery(r)
	f := q.filter()
	if err := q.problem(); err != nil {
		return err
	}
	page, err := s.service.Transactions(r.Context(), f)
	if err != nil {
		return err
	}
	if page.Transactions == nil {
		page.Transactions = []txn.Transaction{}
	}
	return writeJSON(w, http.StatusOK, jsonType, page)
}

func (s *Server) get(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	if !txn.ValidID(id) {
		return txn.ErrNotFound
	}
	t, err := s.service.Transaction(r.Context(), id)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, jsonType, t)
}

func (s *Server) abort(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	if !txn.ValidID(id) {
		return txn.ErrNotFound
	}
	t, err := s.service.Abort(r.Context(), id)
	if errors.Is(err, txn.ErrAlreadyDecided) {
		p := problem.New(problem.AlreadyDecided, "it can no longer be aborted")
		p.Transaction = &t
		return p
	}
	if err != nil {
		return err
	}
	if !t.State.Decided() {
		return answerSubmission(w, &t)
	}
	return writeJSON(w, http.StatusOK, jsonType, t)
}

// pathSegment writes an id into a path. An id of dots only would be taken for a step up.
func pathSegment(id string) string {
	if strings.Trim(id, ".") == "" {
		return strings.ReplaceAll(id, ".", "%2E")
	}
	return url.PathEscape(id)
}
