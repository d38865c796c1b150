package txn

// Restore is what was restored from a backup.
type Restore uint8

// The restores.
const (
	RestoredNothing Restore = iota
	RestoredDatabase
	RestoredZooKeeper
)

var restores = names[Restore]{"", "database", "zookeeper"}

func (r Restore) String() string                { return restores.name(r) }
func (r Restore) MarshalText() ([]byte, error)  { return restores.text(r) }
func (r *Restore) UnmarshalText(b []byte) error { return restores.parse(b, r) }

// Finding is a site's finding that its database or ZooKeeper was restored (R10). It stands in "applied", so that it outlives the
// process and time, until an operator's word to go on.
type Finding struct {
	What  Restore `json:"what"`
	Nonce string  `json:"nonce"` // new for each finding; an Adoption names it
	Row   Pos     `json:"row"`   // how far the database says that it has applied the decisions
	Log   Pos     `json:"log"`   // and how far ZooKeeper says that it had, or where its log ends
	At    int64   `json:"at,omitempty"`
}

// Adoption is an operator's word that a site is to go on after a restore: the data of participants/NAME/adopt. The site deletes it
// in the multi that takes its finding back; an adoption of another finding is not heeded.
type Adoption struct {
	Nonce  string `json:"nonce"` // of the Finding
	Reason string `json:"reason"`
	By     string `json:"by,omitempty"`
	At     int64  `json:"at,omitempty"`
}

// AdoptPath is where an operator's Adoption stands.
func AdoptPath(participant string) string { return "participants/" + participant + "/adopt" }
