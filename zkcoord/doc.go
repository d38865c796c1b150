// Package zkcoord is the transaction manager on ZooKeeper.
//
// # The store
//
// Driver is the one way to ZooKeeper, for coordinators and participants alike: it carries out the effects of package txn's store
// and gives the events that answer them.
//
// Events are given one after the other. A consumer hears SessionUp, then the answers of that session, then SessionLost, and so on.
// Every multi is answered once, before the next SessionUp: MultiDone and MultiFailed as ZooKeeper answered, MultiLost where the
// answer was lost (perhaps it was applied) or, with Unsent, where it surely was not applied. Reads are repeated within their
// session, and are not answered when that is over. Effects belong to the session that the consumer was told of last.
//
// A connection is suspended when it breaks: the session may outlive it, on another server, and goes on. A session is lost when
// ZooKeeper says that it has expired. Its zk.Conn is then closed, all its calls have returned, and its network connections are shut
// for good, before another session is begun: nothing that was queued for the old one is ever sent.
//
// # Following
//
// A log is followed by a persistent recursive watch on the folder of its generation (ZooKeeper 3.6 and later), which tells of every
// entry by its name: all that are numbered below it were given out. The watch ends with its connection; whenever it is set, and every
// second, the folder's Stat is looked at. Where a watch manager refuses such watches, that is done 50 times a second. What this
// process appends itself it does not read again; while it waits for ZooKeeper's answer, what a watch tells of that log waits too. A
// coordinator that does not lead, and at which nobody waits, listens or asks, has no watch and looks at its logs 10 times a second.
// Where several entries are to be read, they are asked for in one request; one that its answer does not hold is looked for by itself,
// since a server that is behind may not have seen it come. In any case entries are given in their order, and a question for a log's
// end is answered at once, after all that is there was given: the rules rest on these.
//
// # What cannot be read
//
// A record that cannot be decoded, or may not be read, or holds what no writer of ours writes, ends nobody. It is logged, counted
// (medcommit_zookeeper_undecodable_entries_total by log, medcommit_unreadable_records of a coordinator), and given as an entry without a segment.
// What then follows is the machines' (package txn); reads of single nodes that ZooKeeper refuses are asked again every second. What a
// newer program wrote is never deleted.
//
//   - transactions: skipped. Nobody who has not read it decides anything of it; its sites withdraw their branches, whoever leads, when
//     any leader would have decided them long ago; its client hears "perhaps". It is deleted when history of its
//     age is: after the retention, and a little (txn.Patience).
//   - inbox: skipped. The site does not vote, so the transactions abort at their deadlines. Until the database is seen to have nothing
//     prepared that no log knows, the site presumes nothing (R10); then the entry is deleted.
//   - votes: no votes. A persistent one is a withdrawal of nobody knows what: all undecided branches of the site are withdrawn again.
//   - decisions: cannot be skipped, for it may hold first decisions (R3). The leader that wrote it, and reads it, writes it again and
//     deletes it, in one multi. A leader that does not know it decides no transaction that was undecided then, and all that come
//     later; a site holds the branches that it had voted for, names them in "applied", and goes on. An operator who deletes the entry
//     says that its decisions count for nothing: compare the databases first.
//   - history: skipped; the ids in it are known while somebody remembers them, and are answered "unavailable". It is deleted when it
//     would be, could it be read.
//   - applied: a site that cannot read its own carries out all decisions that are kept once more; for others it stands where it was.
//   - incarnation, sessions, coordinators, election: written anew by whose they are. A registration counts as it was last read. The
//     cluster's code is read again until it can be read.
//   - payloads: a payload that is missing, out of bounds or not what was written is a vote to abort.
//
// # What operators write
//
// Beside the logs stand, in a participant's folder: "inventory", a question that anybody sets anew (txn.InventoryRequest), and
// "in-doubt", the site's answer, which bears the question's nonce (txn.Inventory); and "adopt", the word to go on after a restore
// (txn.Adoption), which bears the nonce of the finding in "applied" and which the site deletes as it takes that back. A wish to
// settle a branch is a segment of the participant's inbox (txn.Wish); its answer is found in "applied" by its nonce
// (txn.WishAnswer), which keeps the last 32 of them.
//
// # The coordinator
//
// Coordinator runs package txn's machine over a Driver and answers for the API. One goroutine, the loop, owns the machine; everybody
// else puts letters into its mailbox. ZooKeeper's logs are the authority: what a caller hears of a transaction was read there, or
// ZooKeeper has acknowledged that it is there.
//
// A submission gets a new key, becomes a flight, and is answered when the machine has read what became of it. It is refused before
// anything is started where a participant is not ready, too many are in flight (in all, or over that set of participants), or
// ZooKeeper is not reached; a request whose id is known already is answered all the same. Where an answer from ZooKeeper was lost, the machine reads back (R6), and the submission
// is handed in again, with a new key, only when it is surely not in the log. A wait ends by itself: then the transaction is given as
// it stands, or txn.ErrPerhaps.
//
// The election says whose turn it is, and nothing more: safety rests on the epoch, which the machine moves and checks (R4). All
// candidates watch the list of candidates. A leader that resigns deletes its node; one whose session ends loses it; one whose process
// is seen to be gone, over the connection that the others keep to it, has it deleted by the next in line in the multi that moves the
// epoch. A leader that was deposed learns it from the epoch at the latest, stands again at the end of the queue, and leaves early
// take-overs to others for the length of a session.
//
// An operator's wish to settle a branch goes into the site's inbox, and its answer is looked for in the site's "applied": a lost answer is
// never repeated, for the same wish may mean something else by then. What is prepared at the sites is asked for through a node of each
// site's, "inventory", at most once a second, and answered in "in-doubt". Callers share a round that begins after they have come,
// and another coordinator's question serves as well. The lists are joined with the log as it is read to its end afterwards.
//
// What is listed is merged from the machine's live transactions and from history, whose entries are read on demand, in the order of
// the keys, which is that of time. An id that is not known is looked for again after a write of one's own, so that what another
// coordinator has answered for is found.
//
// # Versions
//
// The node "cluster", every segment's header and every registration name the format that they are written in. Programs of one format
// may run beside one another, whatever their own versions are, so that a cluster is upgraded process by process. A member that a
// reader does not know is passed over: a program may add members that others can do without. Everything else is a new format: a
// member that must be understood, a new kind of record, and a new value of an enumeration too, for a record that holds one cannot be
// read by others.
//
// A program reads its own format and the older ones, and guesses at nothing newer. It ends, before it touches anything, where
// "cluster" is newer, with txn.ErrFormat. A segment that is newer, which another process can write only while the cluster is raised
// under running programs, is reported and treated as one that cannot be read, and is not deleted: it has readers. A new format
// therefore comes in two steps: first programs that read both and write the older one, and when every process is one of those, the
// one that writes the newer and raises "cluster".
package zkcoord
