package zkcoord

import (
	"sort"

	"github.com/medcommit/medcommit/txn"
)

// site is one participant as it is being read.
type site struct {
	registration txn.Registration
	known        bool // its registration was read
	sessions     map[string]*txn.Presented
}

// roster is who is there, as it was last seen. It is never changed once it is published, so that submissions read it without a
// lock.
type roster struct {
	read         bool                  // false in the one that stands before anything was read
	sites        []txn.ParticipantInfo // by name
	byName       map[string]*txn.ParticipantInfo
	coordinators []txn.CoordinatorInfo // by id
	leader       string                // empty: none
	leaderNonce  string
	leaderURL    string
	epoch        int32
	inDoubt      int
}

// leads tells whether id leads, as far as ZooKeeper's own nodes tell.
func (r *roster) leads(id string) bool { return r.leader != "" && r.leader == id }

// alive tells whether a participant has a session.
func (r *roster) alive(participant string) bool {
	site := r.byName[participant]
	return site != nil && site.Alive
}

// admit tells whether a transaction that concerns participant can be started now.
func (r *roster) admit(participant string) error {
	site := r.byName[participant]
	switch {
	case site == nil:
		return txn.ErrParticipantUnknown
	case site.Drained:
		return txn.ErrParticipantDrained
	case !site.Alive || !site.Ready:
		return txn.ErrParticipantUnavailable
	}
	return nil
}

func newRoster(sites []txn.ParticipantInfo, coordinators []txn.CoordinatorInfo) *roster {
	sort.Slice(sites, func(i, j int) bool { return sites[i].Name < sites[j].Name })
	sort.Slice(coordinators, func(i, j int) bool { return coordinators[i].ID < coordinators[j].ID })
	r := &roster{read: true, sites: sites, byName: make(map[string]*txn.ParticipantInfo, len(sites)), coordinators: coordinators}
	for i := range sites {
		r.byName[sites[i].Name] = &sites[i]
		r.inDoubt += sites[i].InDoubt
	}
	return r
}

func (s *site) participant(name string, drained bool) txn.ParticipantInfo {
	p := txn.ParticipantInfo{
		Name: name, Kind: s.registration.Kind, Operations: s.registration.Operations, Raw: s.registration.Raw,
		Alive: len(s.sessions) > 0, Drained: drained,
	}
	if p.Operations == nil {
		p.Operations = []txn.OperationInfo{}
	}
	for _, shown := range s.sessions {
		if p.URL == "" || shown.Ready && !p.Ready {
			p.URL, p.Ready, p.Queued = shown.URL, shown.Ready, shown.Queued
			p.InDoubt, p.OldestInDoubtSeconds = shown.InDoubt, shown.OldestInDoubtSeconds
			p.Waits = shown.Waits
		}
	}
	return p
}
