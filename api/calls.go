package api

import (
	"context"
	"net/http"

	"github.com/medcommit/medcommit/api/problem"
	"github.com/medcommit/medcommit/txn"
)

// The paths of the calls.
const (
	transactionsPath = "/v1/transactions"
	transactionPath  = "/v1/transactions/{id}"
	abortPath        = "/v1/transactions/{id}/abort"
	resolvePath      = "/v1/transactions/{id}/branches/{participant}/resolve"
	inDoubtPath      = "/v1/in-doubt"
	participantsPath = "/v1/participants"
	drainPath        = "/v1/participants/{name}/drain"
	resumePath       = "/v1/participants/{name}/resume"
	adoptPath        = "/v1/participants/{name}/adopt"
	clusterPath      = "/v1/cluster"
	eventsPath       = "/v1/events"
	livePath         = "/livez"
	readyPath        = "/readyz"
	metricsPath      = "/metrics"
)

// Shapes of answers that are no type of package txn.
type (
	participantsAnswer struct {
		Participants []txn.ParticipantInfo `json:"participants"`
	}
	healthAnswer struct {
		Status string `json:"status"` // "alive" or "ready"
	}
)

// calls lists the calls of the API.
func (s *Server) calls(d *describer) []call {
	return []call{
		{d.submit(), s.submit},
		{d.list(), s.list},
		{d.get(), s.get},
		{d.abort(), s.abort},
		{d.resolve(), s.resolve},
		{d.inDoubt(), s.inDoubt},
		{d.participants(), s.participants},
		{d.change(drainPath, "drain", "Takes a participant out of service: submissions that name it are refused."), s.drain},
		{d.change(resumePath, "resume", "Puts a drained participant back into service."), s.resume},
		{d.adopt(), s.adopt},
		{d.cluster(), s.cluster},
		{d.events(), s.events},
		{d.health(livePath, "livez", "Tells whether the process runs. It never depends on ZooKeeper."), s.livez},
		{d.health(readyPath, "readyz", "Tells whether the coordinator has a session and has read all logs."), s.readyz},
	}
}

func (s *Server) participants(w http.ResponseWriter, r *http.Request) error {
	sites, err := s.service.Participants(r.Context())
	if err != nil {
		return err
	}
	shown := make([]txn.ParticipantInfo, len(sites))
	for i := range sites {
		shown[i] = shownParticipant(sites[i])
	}
	return writeJSON(w, http.StatusOK, jsonType, participantsAnswer{shown})
}

func (s *Server) drain(w http.ResponseWriter, r *http.Request) error {
	return changed(w, r, s.service.Drain)
}

func (s *Server) resume(w http.ResponseWriter, r *http.Request) error {
	return changed(w, r, s.service.Resume)
}

// changed changes the participant that the path names, and answers it.
func changed(w http.ResponseWriter, r *http.Request, change func(context.Context, string) (txn.ParticipantInfo, error)) error {
	name := r.PathValue("name")
	if !txn.ValidName(name) {
		return txn.ErrParticipantUnknown
	}
	site, err := change(r.Context(), name)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, jsonType, shownParticipant(site))
}

func (s *Server) cluster(w http.ResponseWriter, r *http.Request) error {
	info, err := s.service.Cluster(r.Context())
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, jsonType, shownCluster(info))
}

func (s *Server) livez(w http.ResponseWriter, _ *http.Request) error {
	return writeJSON(w, http.StatusOK, jsonType, healthAnswer{"alive"})
}

func (s *Server) readyz(w http.ResponseWriter, _ *http.Request) error {
	if err := s.service.Ready(); err != nil {
		return later(retrySoon, problem.New(problem.Unavailable, err.Error()))
	}
	return writeJSON(w, http.StatusOK, jsonType, healthAnswer{"ready"})
}

// shownParticipant and shownCluster give empty lists where there is nothing, for clients loop over them.
func shownParticipant(p txn.ParticipantInfo) txn.ParticipantInfo {
	if p.Operations == nil {
		p.Operations = []txn.OperationInfo{}
	}
	return p
}

func shownCluster(info txn.ClusterInfo) txn.ClusterInfo {
	if info.Coordinators == nil {
		info.Coordinators = []txn.CoordinatorInfo{}
	}
	sites := make([]txn.ParticipantInfo, len(info.Participants))
	for i := range info.Participants {
		sites[i] = shownParticipant(info.Participants[i])
	}
	info.Participants = sites
	return info
}
