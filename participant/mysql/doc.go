// Package mysql is the resource manager on MySQL 8 and MariaDB 10.5 and later, by XA. The server is the authority on what is
// prepared (XA RECOVER) and, by the marker row in medcommit_branches, on what was committed.
//
// A branch that writes goes through these states:
//
//	active     XA START, the marker, the work, each statement followed by the guard of its rows
//	prepared   XA END, XA PREPARE: durable; on MariaDB attached to its connection until that ends
//	committed  the marker is visible
//	gone       rolled back: neither listed nor marked
//
// All of the way to prepared is one request. The server stops at the first statement that fails, the guards among them, so that
// work which fails its own conditions never comes to XA PREPARE (R16). After a failed statement (1062, 1205, ...) the server would
// still prepare what is left of the branch: nothing here asks it to, and XA END followed by XA ROLLBACK in one request undoes it
// only while it is active. Statements that are not plainly SELECT, INSERT, UPDATE, DELETE, REPLACE or WITH, and those written by
// clients, are sent one by one and bound by the server; XA PREPARE follows when all have been checked, and the connection is not
// used again. Branches that are declared read-only are plain transactions and hold nothing afterwards.
//
// Sessions run READ COMMITTED, as PostgreSQL does by default: few gap locks, so that two branches meet only where they want the
// same rows; conditions belong in the UPDATE that relies on them. rows: counts the rows that matched, whether they changed or not.
//
// # Connections
//
// While the connection that prepared a branch lives, MariaDB answers XAER_NOTA (1397) to every other one, as if the branch were
// over; a MySQL that detaches branches does not, which is asked of the server. So a branch keeps its connection until it is
// finished, and is finished on it. Where that is not possible XA COMMIT is sent on another one, and XAER_NOTA means: look whether
// the branch is listed; then it is held, and other processes' connections are ended; not listed, it must be marked, or is unknown.
//
// Each connection holds a user lock of a random name, recorded in medcommit_connections with the participant and its incarnation.
// As long as the lock is used, the server's thread lives; IS_USED_LOCK names it, for KILL. A thread is gone, and the branch
// it held free, once its lock is. Open ends the connections of other processes this way; a process that is not the newest gets no
// new connections (participant.ErrReplaced).
//
// # Failures
//
//	no answer to a request with XA PREPARE   participant.ErrInDoubt; Lookup ends the connection, waits until it is gone, then looks
//	the work's context ends                  the same: the server would go on, and prepare
//	no answer to XA COMMIT                   the next Commit ends that connection first, and believes the list and the marker
//	no connection to be had                  a vote to abort, retryable: nothing was sent
//	the server is killed                     prepared branches are recovered; connections and locks are gone with it
//	the server says done for a branch whose connection is just ending, and has done nothing (MariaDB; see disconnecting)
//	                                         waited for; found by the marker, which is then there and not committed: an error
//	another process runs as the participant  its connections replace ours; what we voted does not count (R5)
package mysql
