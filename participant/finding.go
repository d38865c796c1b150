package participant

// FindingLevel says how bad a Finding is.
type FindingLevel uint8

// The levels.
const (
	FindingGood    FindingLevel = iota + 1
	FindingWarning              // it works, and could be safer
	FindingFault                // it does not work
)

var findingNames = [...]string{"", "good", "warning", "fault"}

func (l FindingLevel) String() string { return findingNames[l] }

// Finding is one thing that a look at a site's database found (medcommit doctor). Neither text holds a password.
type Finding struct {
	Level  FindingLevel
	What   string // a sentence without its full stop
	Remedy string // what to do about it; empty where it is good
}
