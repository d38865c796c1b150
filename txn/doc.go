// Package txn is medcommit's protocol: two-phase commit whose coordinator cannot be a single point of failure, because nothing
// that matters lives in one. It is pure: no clock, connection, lock, log or random number. Drivers (packages zkcoord and
// participant) and the simulator (package txn/sim) run the same two machines.
//
// # Who is the authority
//
// The log "decisions" in ZooKeeper. The first record of a key there is the decision, for everyone (R3); before it nothing is
// decided, after it nothing can change it. A vote to commit is an entry of the participant's log "votes" that lives exactly as
// long as the participant's session. A leader decides commit only in a multi that checks its epoch and that every vote entry it
// relies on still exists (R2): votes are never read and then trusted.
//
// # The machines
//
// Coordinator hands transactions in, follows the logs, answers by them, and, while it leads, decides, retires and forgets.
// Participant registers, has its resource manager prepare, votes, and carries out decisions. Both take events one after the other
// (Step) and say what is to be done as effects; Flush merges what is pending into multis, one in flight a lane. A lost reply is an
// event like any other: it is answered by a write of the machine's own and a read of the log (R6), never by doing it again.
// Both are total: every event is answered in every state, if only with nothing. A crash is a new machine that reads the record.
//
// # The states of a transaction
//
//	preparing ── commit logged ──> committing ── applied everywhere ──> committed ──┐
//	    │                                                                           ├─> history ──> forgotten
//	    └─────── abort logged ───> aborting ──── applied everywhere ──> aborted ────┘
//
// # The states of a branch at its site
//
//	waiting ── a slot is free ──> working ── prepared, or not ──> voting ── vote logged ──> in-doubt, or voted
//	    │                            │                               │                           │
//	    └────────────────────────────┴───────────── decided ─────────┴───────────────────────────┘
//	                                                   │
//	                       finishing ── done in the database ──> finished ── applied ──> forgotten
//	                           │                                    │
//	                           └── fails, or is not found ──> stuck ┘  (named in "applied", tried again)
//
// A new session knows nothing of these: it reads the inbox, the votes that are left, the decisions, and what the database has
// prepared, and each branch is where that puts it. A branch that is or may be prepared is rolled back only when it was decided to
// abort, was withdrawn and the decisions read since say nothing else, or is in no log (R16, R9, R10).
//
// # What each failure does
//
//   - A coordinator dies: nothing. Another one moves the epoch, reads the logs to their ends, and decides on (R4). What the dead one
//     still had under way fails by the epoch, or is in the log and counts.
//   - A participant dies: its votes vanish with its session and can no longer be relied on (R8). Its next process fences the past by
//     its incarnation (R5), lists what is prepared in the database, reads all decisions that are kept, and votes again or obeys.
//   - Nobody decides: a participant that is left alone deletes its own votes to commit and leaves a persistent vote to abort; then
//     nobody can decide commit any more and it rolls back (R9).
//   - A database is restored from a backup, or ZooKeeper is: the site row and the log disagree, and the site presumes nothing (R10).
//     What it finds stands in "applied" until an operator's word (participants/NAME/adopt) that names the finding. Then, where the
//     database is the older one, every kept decision since its row is applied again, history is compared with it, and what it
//     does not know is reported as lost; where ZooKeeper is, the row is taken back. participant_restore.go says what is right
//     when, and what no machine can know.
//   - An operator settles a branch: the wish is a record of the site's inbox, and its answer is in "applied", written by the multi
//     that deletes the wish. Without force only what is decided is done; a forced roll-back of an undecided branch is a withdrawal;
//     all else that is forced is named in "applied" before the database is asked (participant_intent.go), is heuristic, stands in
//     "applied" until the transaction is in history, and then stands there (R13). A wish names the decision that its operator knew
//     of, and beats no other.
//   - An entry cannot be read: it is skipped where that concludes nothing, else what it may concern is held, and all else goes on
//     (coordinator_unreadable.go, participant_unreadable.go; package zkcoord says it log by log).
//   - A client asks again: the id means its first submission; later ones are decided duplicates without votes (R3), also while the
//     first is being forgotten (R11, R15).
package txn
