package txn

import (
	"fmt"
	"slices"
	"time"
)

// The machines see ZooKeeper as this: nodes with versions, logs of segments, and atomic multis. They say what is to be done as
// effects and hear what became of it as events; a driver, or the simulator, carries them out. All reads are of one session and in
// its order: a read that is asked for after a multi was answered sees at least what that multi saw.

// LogKind is which log.
type LogKind uint8

// The logs of DESIGN.md. Inbox and Votes exist once for each participant.
const (
	Transactions LogKind = iota + 1
	Decisions
	History
	Inbox
	Votes
)

// Log names one log.
type Log struct {
	Kind        LogKind
	Participant string // of Inbox and Votes
}

// Path is the log's folder, relative to the root.
func (l Log) Path() string {
	switch l.Kind {
	case Transactions:
		return "transactions"
	case Decisions:
		return "decisions"
	case History:
		return "history"
	case Inbox:
		return "participants/" + l.Participant + "/inbox"
	case Votes:
		return "participants/" + l.Participant + "/votes"
	}
	panic(fmt.Sprintf("txn: no log of kind %d", l.Kind))
}

// Prefix is how the log's entries are named: "t-", "d-", "h-", "s-", "v-".
func (l Log) Prefix() string {
	return [...]string{"", "t-", "d-", "h-", "s-", "v-"}[l.Kind]
}

func (l Log) String() string { return l.Path() }

// GenerationPath is the folder of generation gen (from 1); its data version is 0 while it is open.
func (l Log) GenerationPath(gen int32) string { return fmt.Sprintf("%s/g-%d", l.Path(), gen) }

// EntryPath is the node of the entry at p.
func (l Log) EntryPath(p Pos) string {
	return fmt.Sprintf("%s/%s%010d", l.GenerationPath(p.Gen), l.Prefix(), p.Num)
}

// Paths of single nodes, relative to the root. The first three are never deleted and made again, nor are the logs' folders.
const (
	EpochPath   = "epoch"
	HorizonPath = "horizon"
	ClusterPath = "cluster"
)

// IncarnationPath, AppliedPath and SessionsPath are a participant's own nodes.
func IncarnationPath(participant string) string {
	return "participants/" + participant + "/incarnation"
}
func AppliedPath(participant string) string  { return "participants/" + participant + "/applied" }
func SessionsPath(participant string) string { return "participants/" + participant + "/sessions" }

// HeadPath is the head of a payload in parts, PartPath one of its parts.
func HeadPath(name string) string        { return "payloads/" + name }
func PartPath(name string, n int) string { return fmt.Sprintf("payloads/%s/%d", name, n) }

// OpKind is what one operation of a multi does.
type OpKind uint8

// The operations. Versions are data versions and never -1.
const (
	OpCheck       OpKind = iota + 1 // Path is at Version
	OpSet                           // Path, at Version, gets Data
	OpCreate                        // Path is made with Data, Ephemeral or not; Sequential: ZooKeeper's ten digits follow it
	OpDelete                        // Path, at Version, goes
	OpAppend                        // Segment goes to the end of Log, Ephemeral or not; generation Gen is checked to be open
	OpCheckEntry                    // the entry of Log at Pos still exists
	OpDeleteEntry                   // the entry of Log at Pos goes
)

// Op is one operation of a multi.
type Op struct {
	Kind       OpKind
	Path       string
	Version    int32
	Data       []byte
	Log        Log
	Gen        int32
	Pos        Pos
	Segment    *Segment
	Ephemeral  bool
	Sequential bool
}

// OpError is why a multi failed as a whole, by the operation that was at fault.
type OpError uint8

// The errors.
const (
	OpErrNone       OpError = iota
	OpErrNoNode             // the node or entry, or the parent of what was to be made, is not there
	OpErrBadVersion         // a node is at another version
	OpErrExists             // a node is there already
	OpErrClosed             // the generation is closed: append to the next
	OpErrNoAuth             // not allowed: counts as vanished (R2)
	OpErrTooLarge           // the request was over the limit and never sent
	OpErrNotEmpty           // the node to be deleted has children
	OpErrOther              // anything else that only a bug can cause; the driver logs it
)

// Multi is an effect: all of Ops at once or none.
type Multi struct {
	Token Token
	Ops   []Op
}

// Appends tells whether the multi appends to a log of that kind.
func (m *Multi) Appends(kind LogKind) bool {
	return slices.ContainsFunc(m.Ops, func(o Op) bool { return o.Kind == OpAppend && o.Log.Kind == kind })
}

// Deletes tells whether the multi deletes the entry of log at pos.
func (m *Multi) Deletes(log Log, pos Pos) bool {
	return slices.ContainsFunc(m.Ops, func(o Op) bool { return o.Kind == OpDeleteEntry && o.Log == log && o.Pos == pos })
}

// Token pairs an effect with the event that answers it. Tokens of one machine never repeat.
type Token uint64

// MultiDone says that a multi was applied. Appended holds the place of each OpAppend, in order, and, with generation 0, that of
// each sequential OpCreate.
type MultiDone struct {
	Token    Token
	Appended []Pos
}

// MultiFailed says that a multi was surely not applied: the operation at Index was at fault.
type MultiFailed struct {
	Token Token
	Index int
	Err   OpError
}

// MultiLost says that the answer to a multi was lost: perhaps it was applied (R6). Unsent is set where it surely never was sent.
type MultiLost struct {
	Token  Token
	Unsent bool
}

// Follow is an effect: read Log from its smallest entry on, and go on for as long as the session lasts.
type Follow struct{ Log Log }

// Unfollow ends a Follow; events of it that are under way may still come.
type Unfollow struct{ Log Log }

// ReadToEnd is an effect: answer with LogEnd once all that was in the followed Log, when the question was carried out, has been
// given as Entries.
type ReadToEnd struct {
	Token Token
	Log   Log
}

// ListLog is an effect: read all entries that Log holds now, whoever owns them, whether it is followed or not.
type ListLog struct {
	Token Token
	Log   Log
}

// FindPast is an effect: look for Keys in the log of history, whether it is followed or not.
type FindPast struct {
	Token Token
	Keys  []Key
}

// ListPast is an effect: give the commits in the log of history, from the entry From on, that Participant voted to commit and has
// finished so; what it ended by hand is left out.
type ListPast struct {
	Token       Token
	From        Pos
	Participant string
}

// ReadNode is an effect: read Path once.
type ReadNode struct {
	Token Token
	Path  string
}

// WatchNode is an effect: give Path as a NodeRead with Token 0, now and at every change (changes may be merged), while the session
// lasts, also when it does not exist yet.
type WatchNode struct{ Path string }

// WatchChildren is an effect: give the names of Path's children as a NodeListed with Token 0, now and at every change (changes may
// be merged), while the session lasts, also when Path does not exist yet.
type WatchChildren struct{ Path string }

// Unwatch ends a WatchNode or WatchChildren of Path; events of it that are under way may still come.
type Unwatch struct{ Path string }

// ListNode is an effect: give the names of the children of Path.
type ListNode struct {
	Token Token
	Path  string
}

// Entry is one log entry as it was read. A nil Segment could not be decoded: it is reported, and holds nothing.
type Entry struct {
	Pos       Pos
	Ephemeral bool
	Size      int      // bytes in ZooKeeper
	Segment   *Segment // nil: it cannot be read
	Newer     bool     // it cannot be read because a newer program wrote it
}

// Entries gives entries of a followed log, in order; those that were gone before they were read are left out.
type Entries struct {
	Log     Log
	Entries []Entry
}

// LogEnd answers ReadToEnd: every entry of Log before Through has been given, or is gone.
type LogEnd struct {
	Token   Token
	Log     Log
	Through Pos
}

// LogListed answers ListLog. Gen is the log's open generation.
type LogListed struct {
	Token   Token
	Log     Log
	Gen     int32
	Entries []Entry
}

// PastFound answers FindPast with what was decided of those that are in history. Blind says that some of history could not be
// decoded: absence proves nothing.
type PastFound struct {
	Token    Token
	Verdicts map[Key]Verdict
	Blind    bool
}

// PastListed answers ListPast with what some entries of history hold. The rest begins at Next, unless End says that there is none.
// Blind says that some of them could not be read.
type PastListed struct {
	Token Token
	Keys  []Key
	Next  Pos
	End   bool
	Blind bool
}

// NodeRead answers ReadNode and WatchNode.
type NodeRead struct {
	Token   Token
	Path    string
	Exists  bool
	Version int32
	Data    []byte
}

// NodeListed answers ListNode and WatchChildren; a node that does not exist has no children.
type NodeListed struct {
	Token    Token
	Path     string
	Children []string
}

// SessionUp says that a new session stands. Every multi of the session before has been answered; no read of it will be. Nonce is
// random and new.
type SessionUp struct{ Nonce string }

// SessionLost says that the session is over.
type SessionLost struct{}

// Tick gives the driver's monotonic clock and its wall clock. Both machines want one every 10 to 100 ms.
type Tick struct {
	Now  time.Duration // since any fixed moment of this process; never goes back
	Wall int64         // Unix milliseconds, for the records' At
}

// Event is what a machine can be told. A machine answers every event in every state, if only with nothing.
type Event interface{ event() }

// Effect is what a machine wants done.
type Effect interface{ effect() }

func (MultiDone) event()   {}
func (MultiFailed) event() {}
func (MultiLost) event()   {}
func (Entries) event()     {}
func (LogEnd) event()      {}
func (LogListed) event()   {}
func (PastFound) event()   {}
func (PastListed) event()  {}
func (NodeRead) event()    {}
func (NodeListed) event()  {}
func (SessionUp) event()   {}
func (SessionLost) event() {}
func (Tick) event()        {}

func (Multi) effect()         {}
func (Follow) effect()        {}
func (Unfollow) effect()      {}
func (ReadToEnd) effect()     {}
func (ListLog) effect()       {}
func (FindPast) effect()      {}
func (ListPast) effect()      {}
func (ReadNode) effect()      {}
func (WatchNode) effect()     {}
func (WatchChildren) effect() {}
func (Unwatch) effect()       {}
func (ListNode) effect()      {}
