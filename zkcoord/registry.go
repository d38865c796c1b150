package zkcoord

import (
	"encoding/json"
	"maps"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/medcommit/medcommit/txn"
)

// peerRecord is the data of coordinators/ID.
type peerRecord struct {
	URL     string    `json:"url"`
	Version string    `json:"version"`
	Since   time.Time `json:"since"`
	Nonce   string    `json:"nonce"` // of the process
}

// registry follows who is there: participants with their sessions, coordinators, what is drained, the leader. It belongs to the
// loop, which publishes its roster when it changed.
type registry struct {
	port      *port
	log       hclog.Logger
	epochSeen func(txn.NodeRead)

	sites    map[string]*site
	peers    map[string]*peerRecord // nil: not read yet
	drained  map[string]bool
	epoch    txn.EpochRecord
	version  int32           // of the epoch
	nonces   map[string]bool // of the candidates of the election
	awaited  map[string]bool // paths whose first answer is still to come
	changed  bool
	complete bool // all that was there when the session came up has been read, once
}

// sessionUp reads everything anew; until it is read, the roster of the session before stays published.
func (r *registry) sessionUp() {
	r.sites, r.peers, r.drained = map[string]*site{}, map[string]*peerRecord{}, map[string]bool{}
	r.awaited, r.complete = map[string]bool{}, false
	r.watchNode(txn.EpochPath, r.epochSeen)
	r.watchChildren(participantsPath, r.seeSites)
	r.watchChildren(drainedPath, r.seeDrained)
	r.watchChildren(coordinatorsPath, r.seePeers)
}

// watchChildren and watchNode remember whose first answer is to come, so that complete can be told.
func (r *registry) watchChildren(path string, then func([]string)) {
	r.awaited[path] = true
	r.port.watchChildren(path, func(names []string) {
		then(names)
		r.arrived(path)
	})
}

func (r *registry) watchNode(path string, then func(txn.NodeRead)) {
	r.awaited[path] = true
	r.port.watchNode(path, func(node txn.NodeRead) {
		then(node)
		r.arrived(path)
	})
}

func (r *registry) unwatch(path string) {
	r.port.unwatch(path)
	r.arrived(path)
}

func (r *registry) arrived(path string) {
	delete(r.awaited, path)
	r.changed = true
	r.complete = r.complete || len(r.awaited) == 0
}

func (r *registry) seeSites(names []string) {
	for _, name := range names {
		if r.sites[name] == nil && txn.ValidName(name) {
			r.meet(name)
		}
	}
	gone := maps.Clone(r.sites)
	for _, name := range names {
		delete(gone, name)
	}
	for name, s := range gone {
		delete(r.sites, name)
		for nonce := range s.sessions {
			r.unwatch(txn.SessionsPath(name) + "/" + nonce)
		}
		r.unwatch(txn.SessionsPath(name))
		r.unwatch(participantsPath + "/" + name)
	}
}

func (r *registry) meet(name string) {
	s := &site{sessions: map[string]*txn.Presented{}}
	r.sites[name] = s
	r.watchNode(participantsPath+"/"+name, func(node txn.NodeRead) {
		var registration txn.Registration
		if !node.Exists {
			return
		}
		if err := json.Unmarshal(node.Data, &registration); err != nil {
			r.log.Error("registration cannot be read", "participant", name, "error", err)
			return
		}
		s.registration, s.known = registration, true
	})
	r.watchChildren(txn.SessionsPath(name), func(nonces []string) { r.seeSessions(name, s, nonces) })
}

func (r *registry) seeSessions(name string, s *site, nonces []string) {
	here := map[string]bool{}
	for _, nonce := range nonces {
		here[nonce] = true
		if s.sessions[nonce] == nil {
			s.sessions[nonce] = &txn.Presented{}
			r.watchNode(txn.SessionsPath(name)+"/"+nonce, func(node txn.NodeRead) { r.present(name, s, nonce, node) })
		}
	}
	for nonce := range s.sessions {
		if !here[nonce] {
			delete(s.sessions, nonce)
			r.unwatch(txn.SessionsPath(name) + "/" + nonce)
		}
	}
}

func (r *registry) present(name string, s *site, nonce string, node txn.NodeRead) {
	shown := s.sessions[nonce]
	if shown == nil || !node.Exists || len(node.Data) == 0 {
		return
	}
	var p txn.Presented
	if err := json.Unmarshal(node.Data, &p); err != nil {
		r.log.Error("session of a participant cannot be read", "participant", name, "error", err)
		return
	}
	*shown = p
}

func (r *registry) seeDrained(names []string) {
	r.drained = make(map[string]bool, len(names))
	for _, name := range names {
		r.drained[name] = true
	}
}

func (r *registry) seePeers(ids []string) {
	here := map[string]bool{}
	for _, id := range ids {
		here[id] = true
		if _, there := r.peers[id]; !there {
			r.peers[id] = nil
			r.watchNode(coordinatorsPath+"/"+id, func(node txn.NodeRead) { r.seePeer(id, node) })
		}
	}
	for id := range r.peers {
		if !here[id] {
			delete(r.peers, id)
			r.unwatch(coordinatorsPath + "/" + id)
		}
	}
}

func (r *registry) seePeer(id string, node txn.NodeRead) {
	if _, there := r.peers[id]; !there || !node.Exists {
		return
	}
	var peer peerRecord
	if err := json.Unmarshal(node.Data, &peer); err != nil {
		r.log.Error("coordinator's node cannot be read", "coordinator", id, "error", err)
		if known := r.peers[id]; known != nil {
			known.Nonce = "" // what it said last stands; whose the node is now, nobody knows
		}
		return
	}
	r.peers[id] = &peer
}

// seeEpoch takes the node "epoch".
func (r *registry) seeEpoch(node txn.NodeRead) {
	if !node.Exists {
		return
	}
	var record txn.EpochRecord
	if len(node.Data) > 0 {
		if err := json.Unmarshal(node.Data, &record); err != nil {
			r.log.Error("epoch cannot be read", "error", err)
			return
		}
	}
	if record != r.epoch || node.Version != r.version {
		r.epoch, r.version, r.changed = record, node.Version, true
	}
}

// seeQueue takes the election's candidates: an epoch whose candidate is gone has no leader.
func (r *registry) seeQueue(queue []candidate) {
	nonces := make(map[string]bool, len(queue))
	for _, c := range queue {
		nonces[c.nonce] = true
	}
	if !maps.Equal(nonces, r.nonces) {
		r.nonces, r.changed = nonces, true
	}
}

// roster builds what is published.
func (r *registry) roster() *roster {
	sites := make([]txn.ParticipantInfo, 0, len(r.sites))
	for name, s := range r.sites {
		if s.known {
			sites = append(sites, s.participant(name, r.drained[name]))
		}
	}
	leader := ""
	if r.nonces[r.epoch.Nonce] {
		leader = r.epoch.Leader
	}
	url := ""
	coordinators := make([]txn.CoordinatorInfo, 0, len(r.peers))
	for id, p := range r.peers {
		if p == nil {
			continue
		}
		leads := id == leader
		if leads {
			url = strings.TrimSuffix(p.URL, "/")
		}
		coordinators = append(coordinators, txn.CoordinatorInfo{ID: id, URL: p.URL, Version: p.Version, Since: txn.Moment{Time: p.Since}, Leader: leads})
	}
	built := newRoster(sites, coordinators)
	built.leader, built.leaderURL, built.leaderNonce, built.epoch = leader, url, r.epoch.Nonce, r.version
	return built
}
