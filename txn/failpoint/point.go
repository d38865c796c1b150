package failpoint

// Point is one step of the protocol with a durable act, or one that others may already rely on.
type Point uint8

// The steps of a coordinator; those from Bump on are a leader's.
const (
	Layout          Point = iota + 1 // the cluster's nodes are made under an empty root
	Announce                         // the node coordinators/ID is made
	Stand                            // a candidature is made
	Resign                           // one's own candidature is deleted
	Drain                            // a participant is drained, or taken up again
	Wish                             // an operator's wish to settle a branch is put into its site's inbox
	Word                             // an operator's word that a restored site is to go on is left
	Question                         // a site is asked what its database has prepared
	Payload                          // a payload is written beside a submission that is to come
	Submit                           // submissions are logged, with their sites' inbox entries
	Answer                           // a client that waits is told of a decision
	Bump                             // the epoch is moved
	Lead                             // all logs were read after that: from now on it decides
	DecideCommit                     // decisions are logged, one of them to commit
	DecideAbort                      // decisions are logged, one of them to abort
	DecideDuplicate                  // decisions are logged, one of them that a submission repeats another
	Retire                           // complete transactions go to history, and their submissions go
	Clear                            // submissions' and decisions' entries that nobody needs go
	Horizon                          // the horizon is moved
	Forget                           // entries of history go
	Sweep                            // a payload that no submission took goes
	RollOver                         // a generation of a cluster's log is closed, and the next one opened
)

// The steps of a participant.
const (
	Register     Point = iota + RollOver + 1 // the participant's folder is made
	Incarnation                              // the incarnation is moved
	Open                                     // the database is opened, and connections of older incarnations are ended
	SiteRow                                  // the site row is saved
	ListPrepared                             // the database lists what it has prepared
	Finding                                  // "applied" says that the database or ZooKeeper was restored
	AdoptRow                                 // the site row is lowered to an older ZooKeeper, as an operator has said
	Adopt                                    // the finding is taken back, and the operator's word goes
	Inventory                                // what the database has prepared is written down for who asked
	Touch                                    // a write of one's own that changes nothing: what is read next is conclusive
	Prepare                                  // a branch is executed and prepared in the database
	VoteCommit                               // votes are written, one of them to commit
	VoteAbort                                // votes are written, one of them to abort
	Intent                                   // "applied" names a branch that is about to be settled by hand
	WishAnswer                               // "applied" answers an operator's wish, which goes
	Commit                                   // a branch is committed in the database
	Rollback                                 // a branch is rolled back in the database
	Applied                                  // "applied" is moved, and what nobody needs after it goes
	Withdraw                                 // votes to commit are taken back for good
	CloseOwn                                 // a generation of one of the site's own logs is closed, and the next one opened
)

var names = [...]string{
	"", "layout", "announce", "stand", "resign", "drain", "wish", "word", "question", "payload", "submit", "answer", "bump", "lead",
	"decide-commit", "decide-abort", "decide-duplicate", "retire", "clear", "horizon", "forget", "sweep", "roll-over", "register",
	"incarnation", "open", "site-row", "list-prepared", "finding", "adopt-row", "adopt", "inventory", "touch", "prepare", "vote-commit",
	"vote-abort", "intent", "wish-answer", "commit", "rollback", "applied", "withdraw", "close-own",
}

func (p Point) String() string { return names[p] }

// Points gives all of them.
func Points() []Point {
	all := make([]Point, 0, len(names)-1)
	for p := range Point(len(names)) {
		if p != 0 {
			all = append(all, p)
		}
	}
	return all
}

// Side says when a process dies at a step's act.
type Side uint8

// The sides.
const (
	SideBefore Side = iota + 1 // nothing of the act has happened
	// SideHeld is before the act too, but whoever comes to it is held there, and the rest of the process goes on without it for a while
	// before all of it dies: what is said or written before it may be comes to light.
	SideHeld
	SideAfter // the act has happened, and nobody here has heard of it
)

var sides = [...]string{"", "before", "held", "after"}

func (s Side) String() string { return sides[s] }

// Environment is the variable that names the step: NAME/SIDE, or NAME/SIDE:N for its Nth time.
const Environment = "MEDCOMMIT_FAILPOINT"

// Died is the line that a process writes to standard error before it dies at a step.
func Died(p Point, s Side) string { return "died at failpoint " + p.String() + "/" + s.String() }
