package txn

import (
	"fmt"
	"strings"
)

// xidPrefix begins every branch name of medcommit in every database, so that foreign branches are told apart.
const xidPrefix = "medcommit"

// XID names one branch in a resource manager: the cluster's short code, the submission's key and the participant. It is stored
// with the branch and never rebuilt from settings.
type XID struct {
	Cluster     string
	Key         Key
	Participant string
}

// String gives "medcommit.CLUSTER.KEY.PARTICIPANT": at most 190 bytes of [a-z0-9._-], PostgreSQL's gid.
func (x XID) String() string {
	return xidPrefix + "." + x.Cluster + "." + string(x.Key) + "." + x.Participant
}

// GTRID gives XA's global part, "medcommit.CLUSTER.KEY", at most 64 bytes.
func (x XID) GTRID() string { return xidPrefix + "." + x.Cluster + "." + string(x.Key) }

// BQUAL gives XA's branch qualifier, the participant's name, at most 63 bytes.
func (x XID) BQUAL() string { return x.Participant }

// ParseXID reads what String wrote. The cluster's code holds no dot; a participant's name may. Anything else is foreign: an
// error wrapping ErrBadName, and never a panic, for the text comes from a database that others use too.
func ParseXID(s string) (XID, error) {
	parts := strings.SplitN(s, ".", 4)
	if len(parts) != 4 || parts[0] != xidPrefix {
		return XID{}, fmt.Errorf("parse xid: %w", ErrBadName)
	}
	x := XID{Cluster: parts[1], Key: Key(parts[2]), Participant: parts[3]}
	if !ValidCluster(x.Cluster) || !x.Key.Valid() || !ValidName(x.Participant) {
		return XID{}, fmt.Errorf("parse xid: %w", ErrBadName)
	}
	return x, nil
}

// ValidCluster tells whether s may be a cluster's short code: a name of at most 27 bytes without a dot, so that a GTRID fits 64.
func ValidCluster(s string) bool {
	return len(s) <= 27 && ValidName(s) && !strings.Contains(s, ".")
}
