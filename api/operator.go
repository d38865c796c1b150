package api

import (
	"errors"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/medcommit/medcommit/api/problem"
	"github.com/medcommit/medcommit/txn"
)

// maxReason is how long an operator's reason may be, in bytes: it goes into the log and into ZooKeeper.
const maxReason = 1000

// operatorBody bounds the body of an operator's call.
const operatorBody = 64 << 10

// Shapes of what operators send.
type (
	// ResolveRequest says how a branch is to be settled.
	ResolveRequest struct {
		Outcome string `json:"outcome" enum:"committed,rolled-back"`
		Reason  string `json:"reason" doc:"why, for the audit; never a patient's data" maxLength:"1000"`
		Force   bool   `json:"force,omitempty" doc:"also where nothing, or something else, is decided"`
	}
	// AdoptRequest says why a participant may go on.
	AdoptRequest struct {
		Reason string `json:"reason" doc:"why, for the audit; never a patient's data" maxLength:"1000"`
	}
)

func (s *Server) inDoubt(w http.ResponseWriter, r *http.Request) error {
	all, err := s.service.InDoubt(r.Context())
	if err != nil {
		return err
	}
	if all.Branches == nil {
		all.Branches = []txn.InDoubtBranch{}
	}
	return writeJSON(w, http.StatusOK, jsonType, all)
}

func (s *Server) resolve(w http.ResponseWriter, r *http.Request) error {
	body, err := readBody(w, r, min(s.config.MaxBody, operatorBody))
	if err != nil {
		return err
	}
	wish, err := readResolution(body)
	if err != nil {
		return err
	}
	id := r.PathValue("id")
	if wish.Participant = r.PathValue("participant"); !txn.ValidID(id) || !txn.ValidName(wish.Participant) {
		return txn.ErrNotFound
	}
	t, err := s.service.Resolve(r.Context(), id, wish)
	switch {
	case errors.Is(err, txn.ErrPerhaps):
		w.Header().Set("Location", transactionsPath+"/"+pathSegment(t.ID))
		return writeJSON(w, http.StatusAccepted, jsonType, t)
	case errors.Is(err, txn.ErrNotAsDecided), errors.Is(err, txn.ErrNotSettled):
		return unsettled(err, &t)
	case err != nil:
		return err
	}
	return writeJSON(w, http.StatusOK, jsonType, t)
}

func readResolution(body any) (txn.Resolution, error) {
	var r reader
	wish := txn.Resolution{}
	if object, ok := r.object(body, "body", "outcome", "reason", "force"); ok {
		outcome, given := r.requiredString(object, "body", "outcome")
		switch {
		case !given:
		case outcome == "committed":
			wish.Verdict = txn.VerdictCommit
		case outcome == "rolled-back":
			wish.Verdict = txn.VerdictAbort
		default:
			r.bad("body.outcome", "must be committed or rolled-back")
		}
		wish.Reason = r.reason(object)
		if v, given := object["force"]; given {
			if wish.Force, ok = v.(bool); !ok {
				r.bad("body.force", "must be true or false")
			}
		}
	}
	return wish, r.problem()
}

// reason wants an operator's reason: one line that is not empty.
func (r *reader) reason(object map[string]any) string {
	text, ok := r.requiredString(object, "body", "reason")
	switch {
	case !ok:
	case strings.TrimSpace(text) == "":
		r.bad("body.reason", "must say why")
	case len(text) > maxReason || !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl):
		r.bad("body.reason", "must be one line of at most 1000 bytes")
	}
	return text
}

// problem is nil where nothing is wrong.
func (r *reader) problem() error {
	if len(r.fields) == 0 {
		return nil
	}
	return problem.New(problem.Invalid, "", r.fields...)
}

// unsettled says why a branch was left as it is.
func unsettled(err error, t *txn.Transaction) error {
	name, why := problem.NotAsDecided, txn.WishContrary
	var u *txn.Unsettled
	if errors.As(err, &u) {
		why = u.Result
	}
	if !errors.Is(err, txn.ErrNotAsDecided) {
		name = problem.NotSettled
	}
	p := problem.New(name, wishTexts[why])
	p.Transaction = t
	return p
}

// wishTexts say what an answer to a wish means.
var wishTexts = map[txn.WishResult]string{
	txn.WishUndecided:   "nothing is decided yet; force settles the branch all the same: a roll-back is then a withdrawal, a commit is heuristic",
	txn.WishContrary:    "the decision is another; force settles the branch against it, and that stays reported as heuristic",
	txn.WishUnknown:     "its site knows the branch no more",
	txn.WishNotPrepared: "it is not prepared: its database has nothing to commit",
	txn.WishFinished:    "its database has finished it the other way",
	txn.WishWithdrawn:   "its site has withdrawn it, and no other process of the site may commit it",
	txn.WishFailed:      "its database fails at it; the site goes on trying",
	txn.WishFull:        "its site reports as many heuristic branches as it can; they go as their transactions are retired",
}

func (s *Server) adopt(w http.ResponseWriter, r *http.Request) error {
	body, err := readBody(w, r, min(s.config.MaxBody, operatorBody))
	if err != nil {
		return err
	}
	var read reader
	reason := ""
	if object, ok := read.object(body, "body", "reason"); ok {
		reason = read.reason(object)
	}
	if err := read.problem(); err != nil {
		return err
	}
	name := r.PathValue("name")
	if !txn.ValidName(name) {
		return txn.ErrParticipantUnknown
	}
	site, err := s.service.Adopt(r.Context(), name, reason)
	if errors.Is(err, txn.ErrPerhaps) {
		return writeJSON(w, http.StatusAccepted, jsonType, shownParticipant(site))
	}
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, jsonType, shownParticipant(site))
}
