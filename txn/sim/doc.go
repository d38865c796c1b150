// Package sim drives the pure machines of package txn through seeded random schedules and judges what comes of it. Nothing in it
// is a second implementation of the protocol: coordinators and participants are the product's own machines; only what surrounds
// them is made up.
//
// # What is made up
//
// One ZooKeeper (tree.go, zookeeper.go) with the operations of txn.Op: every node keeps all its versions, so that a server may
// lag behind. A session (session.go, link.go) reads from such a server: never back within one connection, at least as new as its
// own answered writes, and after a reconnect as old as what its client has been told. Connections break: what was sent was applied,
// is not, or still will be, until the session's next write; what the library queued may run under a session that it opens by itself.
// Sessions expire at any time, also behind their clients' backs.
//
// A database for each site (database.go, calls.go): prepared branches, unique markers, a site row, a stock taken from as an escrow.
// Calls end late, also after the process that made them; the answer to PREPARE is lost and looked up; databases are restored.
//
// Processes (process.go): any number of a name at once, a new one beside one that only seemed dead. They crash right after a write,
// fall asleep in the middle of anything, and run at different speeds. Anybody is told to lead at any time: safety may not rest on
// elections. Operators (operator.go) settle branches by hand, with force and without (judge_wishes.go). Clients (client.go)
// submit, also the same id again, and remember what they were told.
//
// # Schedules
//
// A schedule is a seed. It has only some of the faults (faults.go): any subset, a few, or some that belong together, because too
// many at once hide each other. After its steps (schedule.go, trouble.go) comes a continuation without faults (settle.go), after
// which everything has to be finished, new work has to commit, and nothing may be left.
//
// # The judge
//
// The judge (judge.go, final.go) sees every transaction of ZooKeeper and every change of a database as it happens. It wants the
// conditions of atomic commitment (Bernstein, Hadzilacos, Goodman: Concurrency Control and Recovery in Database Systems, 1987,
// chapter 7): all sites that reach a decision reach the same one (AC1), none takes it back (AC2), commit only where all voted so,
// and are then really prepared (AC3), commit where nothing fails (AC4), and after all failures are repaired every site decides
// (AC5). Besides: a key decided once, an id executed once within the retention, clients told only what the log holds, nothing
// forgotten before its time or while somebody needs it.
//
// # Mutations
//
// A mutation (mutation.go) switches one rule of the design off between a machine and its surroundings; the machines know nothing of
// it. Random schedules have to find each loss: that is what the net is worth.
package sim
